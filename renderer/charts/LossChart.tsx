import { useId, useMemo, useState } from 'react'
import './loss-chart.css'
import type { Curve } from './curve.ts'
import { LossLegend } from './LossLegend.tsx'
import { LossPlot, type PlotHandle } from './LossPlot.tsx'
import { buildPlotData, positionOfStep, type PlotData, type XAxis } from './plot-data.ts'
import { summariseCurve } from './summary.ts'

interface LossChartProps {
  readonly train: Curve
  readonly evals: Curve
  readonly checkpoints: readonly { readonly step: number; readonly isBest: boolean }[]
  readonly axis: XAxis
  readonly isLogarithmic: boolean
  readonly smoothing: number
  readonly startMs: number
  /** Changes when the theme changes, so that the canvas takes the new colours. */
  readonly themeKey: string
  /** Hands out the plot for "Save as PNG" and "Reset zoom"; null when it is gone. */
  readonly onPlot: (plot: PlotHandle | null) => void
  readonly onZoom: (isZoomed: boolean) => void
}

/** The loss curve: faint raw and bold smoothed training loss, held-out points, checkpoint marks, keyboard cursor. */
export function LossChart(props: LossChartProps) {
  const { train, evals, checkpoints, axis, isLogarithmic, smoothing, startMs, themeKey, onPlot, onZoom } = props
  const captionId = useId()
  const [cursor, setCursor] = useState<number | null>(null)
  const data = useMemo(
    () => positiveOnly(buildPlotData(train, evals, axis, smoothing, startMs), isLogarithmic),
    [train, evals, axis, smoothing, startMs, isLogarithmic],
  )
  const marks = useMemo(
    () =>
      checkpoints.flatMap((mark) => {
        const x = positionOfStep(train, mark.step, axis, startMs)
        return x === null ? [] : [{ x, isBest: mark.isBest }]
      }),
    [checkpoints, train, axis, startMs],
  )
  const summary = useMemo(() => summariseCurve(train, evals), [train, evals])
  return (
    <figure className="loss-chart" aria-labelledby={captionId}>
      <LossLegend data={data} cursor={cursor} axis={axis} hasCheckpoints={marks.length > 0} hasBest={marks.some((mark) => mark.isBest)} />
      {/* A plot cannot change its axis or colours, so another one takes its place. */}
      <LossPlot
        key={`${axis} ${isLogarithmic} ${themeKey}`}
        data={data}
        marks={marks}
        axis={axis}
        isLogarithmic={isLogarithmic}
        cursor={cursor}
        captionId={captionId}
        onCursor={setCursor}
        onPlot={onPlot}
        onZoom={onZoom}
      />
      <figcaption id={captionId} className="sr-only">
        {summary}
      </figcaption>
    </figure>
  )
}

/** A logarithmic axis has no place for zero or less. */
function positiveOnly(data: PlotData, isLogarithmic: boolean): PlotData {
  return isLogarithmic
    ? { ...data, raw: onlyPositive(data.raw), smoothed: onlyPositive(data.smoothed), evals: onlyPositive(data.evals) }
    : data
}

function onlyPositive(column: readonly (number | null)[]): (number | null)[] {
  return column.map((value) => (value !== null && value > 0 ? value : null))
}
