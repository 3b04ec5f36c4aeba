import { useEffect, useId, useMemo, useRef, useState } from 'react'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import './loss-chart.css'
import type { Curve } from './curve.ts'
import { createPlot, readChartColours, type PlotMark } from './create-plot.ts'
import { buildPlotData, positionOfStep, type XAxis } from './plot-data.ts'
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
  /** Hands out the canvas for "Save as PNG". */
  readonly onCanvas?: (canvas: HTMLCanvasElement | null) => void
}

const chartHeight = 280

/** The loss curve: faint raw and bold smoothed training loss, held-out points, checkpoint marks, keyboard cursor. */
export function LossChart(props: LossChartProps) {
  const { train, evals, checkpoints, axis, isLogarithmic, smoothing, startMs, themeKey, onCanvas } = props
  const host = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | null>(null)
  const marks = useRef<readonly PlotMark[]>([])
  const captionId = useId()
  const [spoken, setSpoken] = useState('')
  const data = useMemo(() => buildPlotData(train, evals, axis, smoothing, startMs), [train, evals, axis, smoothing, startMs])
  const summary = useMemo(() => summariseCurve(train, evals), [train, evals])

  useEffect(() => {
    const element = host.current
    if (element === null) return undefined
    const created = createPlot({ element, axis, isLogarithmic, height: chartHeight, colours: readChartColours(element), marks: () => marks.current })
    plot.current = created
    onCanvas?.(created.ctx.canvas)
    const observer = new ResizeObserver(() => created.setSize({ width: element.clientWidth, height: chartHeight }))
    observer.observe(element)
    return () => {
      observer.disconnect()
      onCanvas?.(null)
      plot.current = null
      created.destroy()
    }
  }, [axis, isLogarithmic, themeKey, onCanvas])

  useEffect(() => {
    marks.current = checkpoints.flatMap((mark) => {
      const x = positionOfStep(train, mark.step, axis, startMs)
      return x === null ? [] : [{ x, isBest: mark.isBest }]
    })
    plot.current?.setData([data.x, data.raw, data.smoothed, data.evals])
  }, [data, checkpoints, train, axis, startMs, isLogarithmic, themeKey])

  const moveCursor = (event: React.KeyboardEvent) => {
    const created = plot.current
    if (created === null || data.x.length === 0) return
    const next = nextIndex(event.key, created.cursor.idx ?? data.x.length - 1, data.x.length)
    if (next === null) return
    event.preventDefault()
    created.setCursor({ left: created.valToPos(data.x[next] ?? 0, 'x'), top: created.valToPos(data.smoothed[next] ?? data.evals[next] ?? 0, 'y') })
    setSpoken(describePoint(data, next, axis))
  }

  return (
    <figure className="loss-chart" aria-labelledby={captionId}>
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

function nextIndex(key: string, current: number, count: number): number | null {
  if (key === 'ArrowLeft') return Math.max(0, current - 1)
  if (key === 'ArrowRight') return Math.min(count - 1, current + 1)
  if (key === 'Home') return 0
  if (key === 'End') return count - 1
  return null
}

function describePoint(data: ReturnType<typeof buildPlotData>, index: number, axis: XAxis): string {
  const x = data.x[index] ?? 0
  const where = axis === 'step' ? `Step ${x}` : axis === 'time' ? `${Math.round(x)} seconds` : `${Math.round(x)} tokens`
  const raw = data.raw[index]
  const held = data.evals[index]
  const parts = [raw === null || raw === undefined ? '' : `loss ${raw.toFixed(4)}`, held === null || held === undefined ? '' : `held-out loss ${held.toFixed(4)}`]
  return `${where}: ${parts.filter((part) => part !== '').join(', ')}`
}
