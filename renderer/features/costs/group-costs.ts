import type { CostEntry, CostOverview, CostParts } from '../../../preload/contract/costs.ts'
import type { DayBar } from '../../charts/DayBars.tsx'
import { formatMoney } from '../../lib/format.ts'

/** What the table has a row for. */
export type CostGrouping = 'run' | 'day' | 'type'

/** One row of the table. */
export interface CostRow {
  readonly key: string
  readonly title: string
  readonly runId: string | null
  readonly note: string
  readonly dayMs: number | null
  readonly durationMs: number | null
  /** Of a run's own record; null where a row is several records. */
  readonly parts: CostParts | null
  readonly basis: CostEntry['basis'] | null
  /** Null where nothing of it is known. */
  readonly amountMicroUsd: number | null
  /** True where something in it has no known amount. */
  readonly isPartial: boolean
}

/** What each kind of cost is called. */
export const typeTitles: Readonly<Record<CostEntry['type'], string>> = {
  training_compute: 'Training',
  transfer: 'Files through jobs',
  hello: 'Greeting of the worker',
  storage: 'Storage',
  rest: 'Start-up, idle and other',
}

const dayMs = 86_400_000
const mostBars = 92

/** The rows of a table, in an order that is read from the top: newest first, kinds by what they cost. */
export function groupCosts(entries: readonly CostEntry[], grouping: CostGrouping): readonly CostRow[] {
  switch (grouping) {
    case 'run':
      return [...gather(entries, ({ runId, type, name, endpointName }) => `${type}/${runId ?? `${name}/${endpointName}`}`).values()].map(
        runRow,
      )
    case 'day':
      return [...gather(entries, (entry) => String(entry.dayMs)).values()].map(dayRow)
    case 'type':
      return [...gather(entries, ({ type }) => type).values()]
        .map(typeRow)
        .toSorted((a, b) => (b.amountMicroUsd ?? 0) - (a.amountMicroUsd ?? 0))
  }
}

/** A bar for each day of a period up to today, also for days that cost nothing; none before the first cost. */
export function barsOf({ entries, fromMs, toMs, asOfMs }: CostOverview): readonly DayBar[] {
  const byDay = gather(entries, (entry) => String(entry.dayMs))
  const known = entries.map((entry) => entry.dayMs)
  const first = fromMs ?? Math.min(asOfMs, ...known)
  const last = Math.min(asOfMs, (toMs ?? Number.POSITIVE_INFINITY) - 1)
  const days: DayBar[] = []
  for (let at = startOfDay(first); at <= last; at = startOfDay(at + 1.5 * dayMs)) {
    const ofDay = byDay.get(String(at)) ?? []
    days.push({ dayMs: at, label: dayText(at), amounts: amountsOf(ofDay) })
  }
  return days.slice(-mostBars)
}

/** A day as people write it. */
export function dayText(atMs: number): string {
  return new Date(atMs).toLocaleDateString('en-GB', { day: 'numeric', month: 'short', year: 'numeric' })
}

/** An amount that may be below zero, with a minus sign before the dollars. */
export function signedMoney(microUsd: number | null): string {
  if (microUsd === null || microUsd >= 0) return formatMoney(microUsd)
  return microUsd > -10_000 ? '−$0.01 or less' : `−${formatMoney(-microUsd)}`
}

function startOfDay(atMs: number): number {
  const day = new Date(atMs)
  day.setHours(0, 0, 0, 0)
  return day.getTime()
}

function gather(entries: readonly CostEntry[], keyOf: (entry: CostEntry) => string): ReadonlyMap<string, readonly CostEntry[]> {
  const groups = new Map<string, CostEntry[]>()
  for (const entry of entries) {
    const key = keyOf(entry)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [entry])
    else group.push(entry)
  }
  return groups
}

function amountsOf(entries: readonly CostEntry[]): readonly number[] {
  const sum = (isOf: (type: CostEntry['type']) => boolean) => sumOf(entries.filter(({ type }) => isOf(type))) ?? 0
  return [
    sum((type) => type === 'training_compute'),
    sum((type) => type === 'storage'),
    sum((type) => type !== 'training_compute' && type !== 'storage'),
  ]
}

/** Null when nothing of it is known. */
function sumOf(entries: readonly CostEntry[]): number | null {
  const known = entries.flatMap(({ amountMicroUsd }) => (amountMicroUsd === null ? [] : [amountMicroUsd]))
  return known.length === 0 && entries.length > 0 ? null : known.reduce((sum, amount) => sum + amount, 0)
}

function sumsOf(entries: readonly CostEntry[]): Pick<CostRow, 'amountMicroUsd' | 'durationMs' | 'isPartial' | 'key'> {
  const durations = entries.flatMap(({ durationMs }) => (durationMs === null ? [] : [durationMs]))
  return {
    key: entries.map(({ key }) => key).join(' '),
    amountMicroUsd: sumOf(entries),
    durationMs: durations.length === 0 ? null : durations.reduce((sum, ms) => sum + ms, 0),
    isPartial: entries.some(({ amountMicroUsd }) => amountMicroUsd === null),
  }
}

function runRow(entries: readonly CostEntry[]): CostRow {
  const [first] = entries
  const isOneRecord = first?.type === 'training_compute'
  const isAlike = entries.every(({ basis }) => basis === first?.basis)
  return {
    ...sumsOf(entries),
    title: first?.name ?? '',
    runId: first?.runId ?? null,
    note:
      first === undefined ? '' : [isOneRecord ? '' : typeTitles[first.type], first.endpointName].filter((text) => text !== '').join(' · '),
    dayMs: first?.dayMs ?? null,
    parts: isOneRecord ? (first.parts ?? null) : null,
    basis: isAlike ? (first?.basis ?? null) : null,
  }
}

function dayRow(entries: readonly CostEntry[]): CostRow {
  const [training = 0, storage = 0, other = 0] = amountsOf(entries)
  const parts = [
    training > 0 ? `training ${formatMoney(training)}` : '',
    storage > 0 ? `storage ${formatMoney(storage)}` : '',
    other === 0 ? '' : `other ${signedMoney(other)}`,
  ]
  const runs = new Set(entries.filter(({ type }) => type === 'training_compute').map(({ runId, key }) => runId ?? key)).size
  return {
    ...sumsOf(entries),
    title: dayText(entries[0]?.dayMs ?? 0),
    runId: null,
    note: [runs === 0 ? '' : `${runs} ${runs === 1 ? 'run' : 'runs'}`, ...parts].filter((text) => text !== '').join(', '),
    dayMs: null,
    parts: null,
    basis: null,
  }
}

function typeRow(entries: readonly CostEntry[]): CostRow {
  const type = entries[0]?.type ?? 'rest'
  return { ...sumsOf(entries), title: typeTitles[type], runId: null, note: typeNotes[type], dayMs: null, parts: null, basis: null }
}

const typeNotes: Readonly<Record<CostEntry['type'], string>> = {
  training_compute: 'The seconds of your runs, with the start of their workers',
  transfer: 'Uploads and downloads without S3 keys run on a billed worker',
  hello: 'A short job that asks a worker for its version',
  storage: 'Network volumes, by the day',
  rest: 'What RunPod billed beyond, or below, what was computed',
}
