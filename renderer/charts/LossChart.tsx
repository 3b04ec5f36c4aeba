import { useEffect, useId, useMemo, useRef, useState } from 'react'
import type uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import './loss-chart.css'
import { formatLoss, formatX } from './axis-format.ts'
import type { Curve } from './curve.ts'
import { createPlot, isZoomed, readChartColours, resetZoom, type PlotMark } from './create-plot.ts'
import { LossLegend } from './LossLegend.tsx'
import { buildPlotData, positionOfStep, type PlotData, type XAxis } from './plot-data.ts'
import { summariseCurve } from './summary.ts'

/** What a page may do with the plot that is on screen. */
export interface PlotHandle {
  readonly canvas: HTMLCanvasElement
  resetZoom(): void
}

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
  readonly onPlot?: (plot: PlotHandle | null) => void
  readonly onZoom?: (isZoomed: boolean) => void
}

const chartHeight = 300

/** The loss curve: faint raw and bold smoothed training loss, held-out points, checkpoint marks, keyboard cursor. */
export function LossChart(props: LossChartProps) {
  const { train, evals, checkpoints, axis, isLogarithmic, smoothing, startMs, themeKey, onPlot, onZoom } = props
  const host = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | null>(null)
  const marks = useRef<readonly PlotMark[]>([])
  const captionId = useId()
  const [cursor, setCursor] = useState<number | null>(null)
  const [spoken, setSpoken] = useState('')
  const data = useMemo(
    () => positiveOnly(buildPlotData(train, evals, axis, smoothing, startMs), isLogarithmic),
    [train, evals, axis, smoothing, startMs, isLogarithmic],
  )
  const summary = useMemo(() => summariseCurve(train, evals), [train, evals])

  useEffect(() => {
    const element = host.current
    if (element === null) return undefined
    const created = createPlot({
      element,
      axis,
      isLogarithmic,
      height: chartHeight,
      colours: readChartColours(element),
      marks: () => marks.current,
      onCursor: setCursor,
      onZoom: (zoomed) => onZoom?.(zoomed),
    })
    plot.current = created
    onPlot?.({ canvas: created.ctx.canvas, resetZoom: () => resetZoom(created) })
    const observer = new ResizeObserver(() => created.setSize({ width: element.clientWidth, height: chartHeight }))
    observer.observe(element)
    return () => {
      observer.disconnect()
      onPlot?.(null)
      plot.current = null
      created.destroy()
    }
  }, [axis, isLogarithmic, themeKey, onPlot, onZoom])

  useEffect(() => {
    marks.current = checkpoints.flatMap((mark) => {
      const x = positionOfStep(train, mark.step, axis, startMs)
      return x === null ? [] : [{ x, isBest: mark.isBest }]
    })
    if (plot.current !== null) showData(plot.current, data)
  }, [data, checkpoints, train, axis, startMs, themeKey])

  const moveCursor = (event: React.KeyboardEvent) => {
    const created = plot.current
    if (created === null || data.x.length === 0) return
    const next = nextIndex(event.key, cursor ?? data.x.length - 1, data.x.length)
    if (next === null) return
    event.preventDefault()
    created.setCursor({ left: created.valToPos(data.x[next] ?? 0, 'x'), top: created.valToPos(data.smoothed[next] ?? data.evals[next] ?? 0, 'y') })
    setSpoken(describePoint(data, next, axis))
  }

  return (
    <figure className="loss-chart" aria-labelledby={captionId}>
      <LossLegend data={data} cursor={cursor} axis={axis} hasCheckpoints={checkpoints.length > 0} hasBest={checkpoints.some((mark) => mark.isBest)} />
      {/* The plot takes the arrow keys, which is what the application role is for. */}
      <div ref={host} className="loss-chart-plot" role="application" tabIndex={0} aria-label="Loss curve. Arrow keys move along it." aria-describedby={captionId} onKeyDown={moveCursor} />
      <figcaption id={captionId} className="sr-only">
        {summary}
      </figcaption>
      <div className="sr-only" aria-live="polite">
        {spoken}
      </div>
    </figure>
  )
}

/** New points keep a chosen zoom; only an unzoomed plot grows with the run. */
function showData(plot: uPlot, data: PlotData): void {
  const { min, max } = plot.scales['x'] ?? {}
  const columns: uPlot.AlignedData = [data.x, data.raw, data.smoothed, data.evals]
  if (!isZoomed(plot) || min === undefined || min === null || max === undefined || max === null) {
    plot.setData(columns)
    return
  }
  plot.setData(columns, false)
  plot.setScale('x', { min, max })
}

/** A logarithmic axis has no place for zero or less. */
function positiveOnly(data: PlotData, isLogarithmic: boolean): PlotData {
  if (!isLogarithmic) return data
  const keep = (column: readonly (number | null)[]) => column.map((value) => (value !== null && value > 0 ? value : null))
  return { ...data, raw: keep(data.raw), smoothed: keep(data.smoothed), evals: keep(data.evals) }
}

function nextIndex(key: string, current: number, count: number): number | null {
  if (key === 'ArrowLeft') return Math.max(0, current - 1)
  if (key === 'ArrowRight') return Math.min(count - 1, current + 1)
  if (key === 'Home') return 0
  if (key === 'End') return count - 1
  return null
}

function describePoint(data: PlotData, index: number, axis: XAxis): string {
  const step = `Step ${data.steps[index] ?? 0}`
  const where = axis === 'step' ? step : `${step}, ${formatX(data.x[index], axis)}${axis === 'tokens' ? ' tokens' : ''}`
  const raw = data.raw[index] ?? null
  const held = data.evals[index] ?? null
  const parts = [raw === null ? '' : `loss ${formatLoss(raw)}`, held === null ? '' : `held-out loss ${formatLoss(held)}`]
  return `${where}: ${parts.filter((part) => part !== '').join(', ')}`
}
