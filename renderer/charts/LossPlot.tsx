import { useEffect, useRef } from 'react'
import type uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { formatLoss, formatX } from './axis-format.ts'
import { createPlot, isZoomed, readChartColours, resetZoom, type PlotMark } from './create-plot.ts'
import type { PlotData, XAxis } from './plot-data.ts'

/** What a page may do with the plot that is on screen. */
export interface PlotHandle {
  readonly canvas: HTMLCanvasElement
  resetZoom(): void
}

interface LossPlotProps {
  readonly data: PlotData
  readonly marks: readonly PlotMark[]
  readonly axis: XAxis
  readonly isLogarithmic: boolean
  readonly cursor: number | null
  readonly captionId: string
  readonly onCursor: (index: number | null) => void
  readonly onPlot: (plot: PlotHandle | null) => void
  readonly onZoom: (isZoomed: boolean) => void
}

const plotHeight = 300

/** The canvas of the loss curve; a slider without a face moves along it by keyboard, so that its values can be heard. */
export function LossPlot({ data, marks, axis, isLogarithmic, cursor, captionId, onCursor, onPlot, onZoom }: LossPlotProps) {
  const host = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | null>(null)
  const drawnMarks = useRef<readonly PlotMark[]>([])

  useEffect(() => {
    const element = host.current
    if (element === null) return undefined
    const colours = readChartColours(element)
    const created = createPlot({
      element,
      axis,
      isLogarithmic,
      height: plotHeight,
      colours,
      marks: () => drawnMarks.current,
      onCursor,
      onZoom,
    })
    plot.current = created
    onPlot({ canvas: created.ctx.canvas, resetZoom: () => resetZoom(created) })
    const observer = new ResizeObserver(() => created.setSize({ width: element.clientWidth, height: plotHeight }))
    observer.observe(element)
    return () => {
      observer.disconnect()
      onPlot(null)
      plot.current = null
      created.destroy()
    }
  }, [axis, isLogarithmic, onCursor, onPlot, onZoom])

  useEffect(() => {
    drawnMarks.current = marks
    if (plot.current !== null) showData(plot.current, data)
  }, [data, marks])

  const last = Math.max(0, data.x.length - 1)
  const moveTo = (index: number) => {
    if (plot.current !== null && data.x.length > 0) placeCursor(plot.current, data, index)
    onCursor(index)
  }
  return (
    <div className="loss-chart-plot">
      <input
        type="range"
        className="sr-only"
        aria-label="Position on the loss curve"
        aria-describedby={captionId}
        min={0}
        max={last}
        value={Math.min(cursor ?? last, last)}
        aria-valuetext={describePoint(data, Math.min(cursor ?? last, last), axis)}
        onChange={(event) => moveTo(Number(event.target.value))}
      />
      <div ref={host} />
    </div>
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

function placeCursor(plot: uPlot, data: PlotData, index: number): void {
  const y = data.smoothed[index] ?? data.evals[index] ?? 0
  plot.setCursor({ left: plot.valToPos(data.x[index] ?? 0, 'x'), top: plot.valToPos(y, 'y') }, false)
}

function describePoint(data: PlotData, index: number, axis: XAxis): string {
  if (data.x.length === 0) return 'No step yet'
  const step = `Step ${data.steps[index] ?? 0}`
  const where = axis === 'step' ? step : `${step}, ${formatX(data.x[index], axis)}${axis === 'tokens' ? ' tokens' : ''}`
  const raw = data.raw[index] ?? null
  const held = data.evals[index] ?? null
  const parts = [raw === null ? '' : `loss ${formatLoss(raw)}`, held === null ? '' : `held-out loss ${formatLoss(held)}`]
  return `${where}: ${parts.filter((part) => part !== '').join(', ')}`
}
