import type { BillComparison, CostEntry } from '../../../preload/contract/costs.ts'
import type { Calendar } from './calendar.ts'
import { compareBills } from './compare-bills.ts'
import { dayOfBill, daysOf, portionOf, type LedgerBill, type LedgerInput, type LedgerRecord } from './ledger-input.ts'

/** Amounts by day, and RunPod's bill beside them. */
export interface Ledger {
  readonly entries: readonly CostEntry[]
  readonly comparisons: readonly BillComparison[]
}

/** Within a day, what the user started stands before what came with it. */
const typeOrder: Readonly<Record<CostEntry['type'], number>> = { training_compute: 0, transfer: 1, hello: 2, rest: 3, storage: 4 }

/** Puts every amount on its day; what RunPod billed beyond the computed amounts is an entry of its own, never spread over runs. */
export function buildLedger(input: LedgerInput): Ledger {
  const { calendar, bills, records } = input
  const comparisons = compareBills(input)
  const coveredDays = new Set(
    comparisons
      .filter(({ comparison: { state } }) => state === 'agrees' || state === 'more' || state === 'less')
      .map(({ remoteId, comparison }) => `${remoteId}/${comparison.dayMs}`),
  )
  const entries = [
    ...records.flatMap((record) => entriesOf(record, calendar, coveredDays)),
    ...comparisons.flatMap(({ comparison, hasUnknown }) => restOf(comparison, hasUnknown)),
    ...bills.filter(({ subject }) => subject === 'volume').map((bill) => storageEntry(bill, calendar)),
  ]
  return {
    entries: entries.toSorted((a, b) => b.dayMs - a.dayMs || typeOrder[a.type] - typeOrder[b.type] || (a.key < b.key ? 1 : -1)),
    comparisons: comparisons.map(({ comparison }) => comparison).toSorted((a, b) => b.dayMs - a.dayMs || (a.key < b.key ? -1 : 1)),
  }
}

function entriesOf(record: LedgerRecord, calendar: Calendar, coveredDays: ReadonlySet<string>): CostEntry[] {
  const { key, type, runId, name, endpointName, amountMicroUsd, parts, span, durationMs, detail } = record
  const days = daysOf(record, calendar)
  const isCovered = record.remoteId !== null && days.every(({ fromMs }) => coveredDays.has(`${record.remoteId}/${fromMs}`))
  return days.map((day) => ({
    key: `${key}/${day.fromMs}`,
    dayMs: day.fromMs,
    type,
    runId,
    name,
    endpointName,
    amountMicroUsd: amountMicroUsd === null || span === null ? amountMicroUsd : portionOf(amountMicroUsd, span, day),
    parts,
    durationMs: span === null ? durationMs : portionOf(durationMs, span, day),
    basis: basisOf(record, isCovered),
    detail,
  }))
}

function basisOf({ endpointKind, isRunning }: LedgerRecord, isCovered: boolean): CostEntry['basis'] {
  if (endpointKind === 'local') return 'free'
  if (isRunning) return 'running'
  return isCovered ? 'checked' : 'computed'
}

function restOf(comparison: BillComparison, hasUnknown: boolean): CostEntry[] {
  const { key, dayMs, endpointName, billedMicroUsd, recordedMicroUsd, state } = comparison
  if (state !== 'more' && state !== 'less') return []
  const unknown = hasUnknown ? ', and runs whose price or time is not known here' : ''
  const detail =
    state === 'more'
      ? `Billed beyond what was computed: workers starting, idle or serving other jobs${unknown}.`
      : 'RunPod billed less than was computed.'
  return [
    {
      key: `rest/${key}`,
      dayMs,
      type: 'rest',
      runId: null,
      name: 'Not in a run',
      endpointName,
      amountMicroUsd: billedMicroUsd - recordedMicroUsd,
      parts: null,
      durationMs: null,
      basis: 'billed',
      detail,
    },
  ]
}

function storageEntry(bill: LedgerBill, calendar: Calendar): CostEntry {
  return {
    key: `volume/${bill.remoteId}/${bill.fromMs}`,
    dayMs: dayOfBill(bill, calendar).fromMs,
    type: 'storage',
    runId: null,
    name: `Network volume ${bill.remoteId}`,
    endpointName: bill.name,
    amountMicroUsd: bill.amountMicroUsd,
    parts: null,
    durationMs: null,
    basis: 'billed',
    detail: 'Billed by the day, whether a run uses it or not.',
  }
}
