import { formatLoss, formatX } from './axis-format.ts'
import type { PlotData, XAxis } from './plot-data.ts'

interface LossLegendProps {
  readonly data: PlotData
  /** Index under the pointer; null shows the latest values. */
  readonly cursor: number | null
  readonly axis: XAxis
  readonly hasCheckpoints: boolean
  readonly hasBest: boolean
}

/** Names every line by colour and pattern, with its value under the pointer or else its latest. */
export function LossLegend({ data, cursor, axis, hasCheckpoints, hasBest }: LossLegendProps) {
  const at = cursor ?? data.x.length - 1
  const step = data.steps[at]
  const place =
    step === undefined
      ? null
      : axis === 'step'
        ? `Step ${formatX(step, 'step')}`
        : `Step ${formatX(step, 'step')} · ${formatX(data.x[at], axis)}`
  return (
    <div className="loss-legend">
      <ul>
        <LegendItem mark="raw" label="Loss" value={formatLoss(atOrBefore(data.raw, at))} />
        <LegendItem mark="smoothed" label="Smoothed" value={formatLoss(atOrBefore(data.smoothed, at))} />
        <LegendItem mark="evals" label="Held out" value={formatLoss(atOrBefore(data.evals, at))} />
        {hasCheckpoints && <LegendItem mark="checkpoint" label="Checkpoint" />}
        {hasBest && <LegendItem mark="best" label="Best" />}
      </ul>
      <span className="loss-legend-place">{place ?? 'No step yet'}</span>
    </div>
  )
}

function LegendItem({
  mark,
  label,
  value,
}: {
  readonly mark: 'raw' | 'smoothed' | 'evals' | 'checkpoint' | 'best'
  readonly label: string
  readonly value?: string
}) {
  return (
    <li>
      <LegendMark mark={mark} />
      {label}
      {value !== undefined && <b>{value}</b>}
    </li>
  )
}

function LegendMark({ mark }: { readonly mark: 'raw' | 'smoothed' | 'evals' | 'checkpoint' | 'best' }) {
  return (
    <svg width="20" height="10" viewBox="0 0 20 10" aria-hidden="true" className={`loss-legend-mark loss-legend-${mark}`}>
      {mark === 'checkpoint' || mark === 'best' ? (
        <path d="M10 1 L14 9 L6 9 Z" />
      ) : (
        <>
          <line x1="0" x2="20" y1="5" y2="5" />
          {mark === 'evals' && <circle cx="10" cy="5" r="3.5" />}
        </>
      )}
    </svg>
  )
}

function atOrBefore(column: readonly (number | null)[], from: number): number | null {
  for (let index = Math.min(from, column.length - 1); index >= 0; index -= 1) {
    const value = column[index] ?? null
    if (value !== null) return value
  }
  return null
}
