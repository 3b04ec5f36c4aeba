import uPlot from 'uplot'
import { axisTitle, formatTick, formatX, logTicks } from './axis-format.ts'
import type { XAxis } from './plot-data.ts'

/** A checkpoint on the x axis. */
export interface PlotMark {
  readonly x: number
  readonly isBest: boolean
}

interface ChartColours {
  readonly train: string
  readonly evals: string
  readonly grid: string
  readonly text: string
  readonly best: string
}

interface PlotOptions {
  readonly element: HTMLElement
  readonly axis: XAxis
  readonly isLogarithmic: boolean
  readonly height: number
  readonly colours: ChartColours
  readonly marks: () => readonly PlotMark[]
  /** Says which point the pointer is at; null when it is away. */
  readonly onCursor: (index: number | null) => void
  /** Says whether a part of the curve is shown. */
  readonly onZoom: (isZoomed: boolean) => void
}

/** Seconds between ticks of the time axis: full seconds, minutes and hours. */
const timeTicks = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400]
/** Steps and tokens are counted, so nothing stands between two of them. */
const countTicks = Array.from({ length: 12 }, (_unused, decade) => [1, 2, 5].map((factor) => factor * 10 ** decade)).flat()
const rawOpacity = 0.45
const markHeight = 7
const minimumWidth = 200

/** Reads the theme's colours from the tokens, since a canvas cannot use CSS variables. */
export function readChartColours(element: HTMLElement): ChartColours {
  const style = getComputedStyle(element)
  const read = (name: string) => style.getPropertyValue(name).trim()
  return {
    train: read('--series-1'),
    evals: read('--series-2'),
    grid: read('--border'),
    text: read('--text-faint'),
    best: read('--good'),
  }
}

/** Builds the uPlot instance: raw, smoothed and held-out series, gridlines, checkpoint ticks. */
export function createPlot(options: PlotOptions): uPlot {
  const { element, isLogarithmic, height, colours, marks, onCursor, onZoom } = options
  return new uPlot(
    {
      width: Math.max(minimumWidth, element.clientWidth),
      height,
      padding: [12, 12, 0, 0],
      cursor: { drag: { x: true, y: false }, points: { size: 7 }, y: false },
      legend: { show: false },
      scales: { x: { time: false }, y: isLogarithmic ? { distr: 3, range: logRange } : { range: linearRange } },
      axes: createAxes(options),
      series: [
        {},
        { stroke: withAlpha(colours.train, rawOpacity), width: 1, points: { show: false }, spanGaps: true },
        { stroke: colours.train, width: 2, points: { show: false }, spanGaps: true },
        {
          stroke: colours.evals,
          width: 2,
          dash: [6, 4],
          points: { show: true, size: 8, stroke: colours.evals, fill: colours.evals },
          spanGaps: true,
        },
      ],
      hooks: {
        draw: [(plot) => drawMarks(plot, marks(), colours)],
        setCursor: [(plot) => onCursor((plot.cursor.left ?? -1) < 0 ? null : (plot.cursor.idx ?? null))],
        setScale: [
          (plot, key) => {
            if (key === 'x') onZoom(isZoomed(plot))
          },
        ],
      },
    },
    [[], [], [], []],
    element,
  )
}

/** True while less than the whole curve is shown. */
export function isZoomed(plot: uPlot): boolean {
  const x = plot.data[0]
  const { min, max } = plot.scales['x'] ?? {}
  const first = x[0]
  const last = x.at(-1)
  if (first === undefined || last === undefined || min === undefined || min === null || max === undefined || max === null) return false
  return min > first || max < last
}

/** Shows the whole curve again. */
export function resetZoom(plot: uPlot): void {
  const first = plot.data[0][0]
  const last = plot.data[0].at(-1)
  if (first !== undefined && last !== undefined) plot.setScale('x', { min: first, max: last })
}

function createAxes({ element, axis, isLogarithmic, colours }: PlotOptions): uPlot.Axis[] {
  const font = `12px ${getComputedStyle(element).fontFamily}`
  const shared: uPlot.Axis = {
    stroke: colours.text,
    font,
    labelFont: font,
    grid: { stroke: colours.grid, width: 1 },
    ticks: { stroke: colours.grid, width: 1, size: 4 },
  }
  const horizontal: uPlot.Axis = {
    ...shared,
    label: axisTitle(axis),
    labelSize: 20,
    size: 32,
    values: (_plot, splits) => splits.map((split) => formatX(split, axis)),
    incrs: [...(axis === 'time' ? timeTicks : countTicks)],
  }
  const vertical: uPlot.Axis = {
    ...shared,
    size: 52,
    values: (_plot, splits) => splits.map((split) => formatTick(split)),
    ...(isLogarithmic
      ? {
          splits: (_plot: uPlot, _index: number, low: number, high: number) => logTicks(low, high),
          filter: (_plot: uPlot, splits: number[]) => splits,
        }
      : {}),
  }
  return [horizontal, vertical]
}

function linearRange(_plot: uPlot, low: number | null, high: number | null): [number, number] {
  if (low === null || high === null) return [0, 1]
  const margin = Math.max((high - low) * 0.08, Math.abs(high) * 0.02, 1e-3)
  return [low >= 0 ? Math.max(0, low - margin) : low - margin, high + margin]
}

function logRange(_plot: uPlot, low: number | null, high: number | null): [number, number] {
  if (low === null || high === null || low <= 0) return [0.1, 10]
  const factor = Math.max((high / low) ** 0.08, 1.05)
  return [low / factor, high * factor]
}

function drawMarks(plot: uPlot, marks: readonly PlotMark[], colours: ChartColours): void {
  const { ctx, bbox } = plot
  const size = markHeight * devicePixelRatio
  ctx.save()
  for (const mark of marks) {
    const x = plot.valToPos(mark.x, 'x', true)
    if (x < bbox.left || x > bbox.left + bbox.width) continue
    ctx.fillStyle = mark.isBest ? colours.best : colours.text
    const bottom = bbox.top + bbox.height
    ctx.beginPath()
    ctx.moveTo(x, bottom - size)
    ctx.lineTo(x - size / 2, bottom)
    ctx.lineTo(x + size / 2, bottom)
    ctx.fill()
  }
  ctx.restore()
}

function withAlpha(colour: string, alpha: number): string {
  return `color-mix(in oklab, ${colour} ${Math.round(alpha * 100)}%, transparent)`
}
