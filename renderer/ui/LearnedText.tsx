import './learned-text.css'
import type { RunMaskSample } from '../../preload/contract/runs.ts'
import { formatCount, formatPercent } from '../lib/format.ts'

/** Training rows as the model reads them; what it learns is tinted, underlined and said to screen readers. */
export function LearnedText({ rows }: { readonly rows: readonly RunMaskSample[] }) {
  return (
    <>
      <p className="learned-text-key">
        <mark className="learned-text-mark">Marked text</mark> is learned: the model is corrected until it writes it by itself. The rest is
        only read.
      </p>
      <ol className="learned-text">
        {rows.map((row) => (
          <li key={row.row}>
            <p className="learned-text-head">
              <b>Row {formatCount(row.row)}</b>
              <span>
                {formatCount(row.tokensTrained)} of {formatCount(row.tokens)} tokens learned
                {row.tokens > 0 && ` (${formatPercent(row.tokensTrained / row.tokens)})`}
              </span>
            </p>
            <div className="learned-text-row" role="region" aria-label={`Row ${formatCount(row.row)} as the model reads it`} tabIndex={0}>
              {row.segments.map((segment, place) => (
                // Stretches have no identity but their place.
                <Stretch key={place} {...segment} />
              ))}
              {row.isCut && <span className="learned-text-cut"> … the row goes on</span>}
            </div>
          </li>
        ))}
      </ol>
    </>
  )
}

function Stretch({ text, isTrained }: { readonly text: string; readonly isTrained: boolean }) {
  if (!isTrained) return <span>{text}</span>
  return (
    <mark className="learned-text-mark">
      <span className="sr-only"> learned: </span>
      {text}
      <span className="sr-only"> end of learned. </span>
    </mark>
  )
}
