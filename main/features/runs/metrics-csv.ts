import type { MetricRow } from './progress/repository.ts'

const columns: readonly { readonly title: string; readonly read: (row: MetricRow) => string | number | null }[] = [
  { title: 'kind', read: (row) => row.kind },
  { title: 'step', read: (row) => row.step },
  { title: 'epoch', read: (row) => row.epoch },
  { title: 'loss', read: (row) => row.loss },
  { title: 'learning_rate', read: (row) => row.learningRate },
  { title: 'grad_norm', read: (row) => row.gradNorm },
  { title: 'tokens_per_s', read: (row) => row.tokensPerSecond },
  { title: 'tokens', read: (row) => row.tokens },
  { title: 'step_ms', read: (row) => row.stepMs },
  { title: 'memory_bytes', read: (row) => row.memoryBytes },
  { title: 'accuracy', read: (row) => row.accuracy },
  { title: 'attempt', read: (row) => row.attempt },
  { title: 'time_utc', read: (row) => new Date(row.atMs).toISOString() },
]

/** The loss curve as CSV (RFC 4180); no value needs quoting, an unknown one is empty. */
export function metricsCsv(rows: readonly MetricRow[]): string {
  const lines = [columns.map((column) => column.title), ...rows.map((row) => columns.map((column) => column.read(row) ?? ''))]
  return lines.map((line) => `${line.join(',')}\r\n`).join('')
}
