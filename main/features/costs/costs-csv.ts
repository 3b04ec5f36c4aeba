import type { CostEntry } from '../../../preload/contract/costs.ts'
import type { Calendar } from './calendar.ts'

type Cell = string | number | null

const columns: readonly { readonly title: string; readonly read: (entry: CostEntry, calendar: Calendar) => Cell }[] = [
  { title: 'day', read: ({ dayMs }, calendar) => calendar.dateOf(dayMs) },
  { title: 'type', read: ({ type }) => type },
  { title: 'run_id', read: ({ runId }) => runId },
  { title: 'name', read: ({ name }) => name },
  { title: 'endpoint', read: ({ endpointName }) => endpointName },
  { title: 'amount_usd', read: ({ amountMicroUsd }) => usd(amountMicroUsd) },
  { title: 'duration_s', read: ({ durationMs }) => (durationMs === null ? null : Math.round(durationMs / 1_000)) },
  { title: 'basis', read: ({ basis }) => basis },
  { title: 'record_start_up_usd_estimated', read: ({ parts }) => usd(parts?.startUpMicroUsd ?? null) },
  { title: 'record_execution_usd', read: ({ parts }) => usd(parts?.executionMicroUsd ?? null) },
  { title: 'record_idle_usd', read: ({ parts }) => usd(parts?.idleMicroUsd ?? null) },
  { title: 'note', read: ({ detail }) => detail },
]

/** Costs as CSV (RFC 4180), oldest first, in dollars to the millionth; an unknown amount is empty. */
export function costsCsv(entries: readonly CostEntry[], calendar: Calendar): string {
  const rows = entries.toReversed().map((entry) => columns.map(({ read }) => cellText(read(entry, calendar))))
  return [columns.map(({ title }) => title), ...rows].map((cells) => `${cells.join(',')}\r\n`).join('')
}

function usd(microUsd: number | null): number | null {
  return microUsd === null ? null : microUsd / 1_000_000
}

/** A name that begins like a formula would be carried out by a spreadsheet, so it is marked as text. */
function cellText(cell: Cell): string {
  if (cell === null) return ''
  if (typeof cell === 'number') return cell.toFixed(Number.isInteger(cell) ? 0 : 6)
  const text = /^[\s]*[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
