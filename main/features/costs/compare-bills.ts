import type { BillComparison } from '../../../preload/contract/costs.ts'
import type { Span } from './calendar.ts'
import { dayOfBill, daysOf, portionOf, type LedgerInput, type LedgerRecord } from './ledger-input.ts'

const hourMs = 3_600_000
/** RunPod's bill follows what happened by minutes to hours; a day later it is taken as it stands. */
const settledAfterMs = 24 * hourMs

/** A comparison with what it is keyed by. */
export interface KeyedComparison {
  readonly remoteId: string
  readonly comparison: BillComparison
  /** True when something of that day has no computed amount. */
  readonly hasUnknown: boolean
}

interface EndpointDay {
  readonly remoteId: string
  readonly day: Span
  name: string
  billedMicroUsd: number
  records: LedgerRecord[]
}

/** RunPod's bill of each endpoint and day beside what was computed for it. */
export function compareBills({ records, bills, known, calendar }: LedgerInput): readonly KeyedComparison[] {
  const byDay = new Map<string, EndpointDay>()
  const entryFor = (remoteId: string, day: Span, name: string): EndpointDay => {
    const key = `${remoteId}/${day.fromMs}`
    const entry = byDay.get(key) ?? { remoteId, day, name, billedMicroUsd: 0, records: [] }
    byDay.set(key, entry)
    return entry
  }
  for (const bill of bills) {
    if (bill.subject === 'endpoint') entryFor(bill.remoteId, dayOfBill(bill, calendar), bill.name).billedMicroUsd += bill.amountMicroUsd
  }
  for (const record of records) {
    if (record.remoteId === null || record.amountMicroUsd === 0) continue
    for (const day of daysOf(withinBill(record), calendar)) {
      if (record.amountMicroUsd !== null && recordedWithin(record, day) === 0) continue
      entryFor(record.remoteId, day, record.endpointName).records.push(record)
    }
  }
  return [...byDay.values()].flatMap((entry) => {
    const span = known.get(entry.remoteId)
    // A day whose bill was asked for in part would look as if RunPod had billed too little.
    return span === undefined || span.fromMs > entry.day.fromMs ? [] : [compareDay(entry, span.toMs)]
  })
}

function compareDay({ remoteId, day, name, billedMicroUsd, records }: EndpointDay, readAtMs: number): KeyedComparison {
  const recordedMicroUsd = records.reduce((sum, record) => sum + recordedWithin(record, day), 0)
  const lastMs = Math.max(0, ...records.map(({ span, recordedAtMs }) => Math.min(span?.toMs ?? recordedAtMs, day.toMs)))
  const isSettled = readAtMs >= lastMs + settledAfterMs
  return {
    remoteId,
    comparison: {
      key: `${remoteId}/${day.fromMs}`,
      dayMs: day.fromMs,
      endpointName: name,
      billedMicroUsd,
      recordedMicroUsd,
      state: stateOf(billedMicroUsd, recordedMicroUsd, isSettled),
    },
    hasUnknown: records.some(({ amountMicroUsd }) => amountMicroUsd === null),
  }
}

/** A bill of nothing is not taken for a price of nothing: what was computed stands until RunPod says otherwise. */
function stateOf(billedMicroUsd: number, recordedMicroUsd: number, isSettled: boolean): BillComparison['state'] {
  if (billedMicroUsd === recordedMicroUsd) return 'agrees'
  if (billedMicroUsd > recordedMicroUsd) return 'more'
  if (!isSettled) return 'waiting'
  return billedMicroUsd > 0 ? 'less' : 'missing'
}

/** Where hours do not begin with the local day, the bill's days end up to half an hour earlier than the calendar's. */
function withinBill({ span, recordedAtMs }: LedgerRecord): Pick<LedgerRecord, 'span' | 'recordedAtMs'> {
  return { recordedAtMs, span: span === null ? null : { fromMs: span.fromMs, toMs: span.toMs + hourMs / 2 } }
}

function recordedWithin({ amountMicroUsd, span }: LedgerRecord, day: Span): number {
  if (amountMicroUsd === null || span === null) return amountMicroUsd ?? 0
  return portionOf(amountMicroUsd, span, { fromMs: hourEdge(day.fromMs), toMs: hourEdge(day.toMs) })
}

/** The hour whose middle first lies in a day that begins here; the day itself in zones of whole hours. */
function hourEdge(atMs: number): number {
  return Math.ceil((atMs - hourMs / 2) / hourMs) * hourMs
}
