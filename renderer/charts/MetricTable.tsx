import { useMemo, useState } from 'react'
import { ChevronLeft, ChevronRight } from 'lucide-react'
import { formatLoss } from './axis-format.ts'
import type { Curve } from './curve.ts'
import { listMetricRows, type MetricRow } from './metric-rows.ts'

const pageRows = 10

/** The logged values as a table, ten steps a page, for reading, copying and screen readers. */
export function MetricTable({ train, evals }: { readonly train: Curve; readonly evals: Curve }) {
  const rows = useMemo(() => listMetricRows(train, evals), [train, evals])
  const [wantedPage, setPage] = useState(0)
  const pages = Math.max(1, Math.ceil(rows.length / pageRows))
  const page = Math.min(wantedPage, pages - 1)
  const shown = rows.slice(page * pageRows, (page + 1) * pageRows)
  if (rows.length === 0) return <p className="metric-table-empty">No step has been logged yet.</p>
  return (
    <div className="metric-table">
      <table aria-label="Logged values">
        <thead>
          <tr>
            {['Step', 'Epoch', 'Loss', 'Held-out loss', 'Accuracy', 'Learning rate', 'Gradient norm', 'Tokens/s'].map((title) => (
              <th key={title} scope="col">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map((row) => (
            <MetricTableRow key={row.step} row={row} />
          ))}
        </tbody>
      </table>
      <nav className="metric-table-pages" aria-label="Pages of the table">
        <button type="button" onClick={() => setPage(page - 1)} disabled={page === 0} aria-label="Previous page">
          <ChevronLeft size={14} aria-hidden="true" />
        </button>
        <span>
          Steps {shown[0]?.step.toLocaleString('en-US')}–{shown.at(-1)?.step.toLocaleString('en-US')} · page {page + 1} of {pages}
        </span>
        <button type="button" onClick={() => setPage(page + 1)} disabled={page === pages - 1} aria-label="Next page">
          <ChevronRight size={14} aria-hidden="true" />
        </button>
      </nav>
    </div>
  )
}

function MetricTableRow({ row }: { readonly row: MetricRow }) {
  return (
    <tr>
      <th scope="row">{row.step.toLocaleString('en-US')}</th>
      <td>{row.epoch.toFixed(2)}</td>
      <td>{formatLoss(row.loss)}</td>
      <td>{formatLoss(row.evalLoss)}</td>
      <td>{row.accuracy === null ? '–' : `${(row.accuracy * 100).toFixed(1)}\u00a0%`}</td>
      <td>{row.learningRate === null ? '–' : row.learningRate.toExponential(2)}</td>
      <td>{formatLoss(row.gradNorm, 2)}</td>
      <td>{row.tokensPerSecond === null ? '–' : Math.round(row.tokensPerSecond).toLocaleString('en-US')}</td>
    </tr>
  )
}
