import uPlot from 'uplot'
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
}

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
export function createPlot({ element, axis, isLogarithmic, height, colours, marks }: PlotOptions): uPlot {
  const font = `12px ${getComputedStyle(element).fontFamily}`
  const axisBase: uPlot.Axis = { stroke: colours.text, font, grid: { stroke: colours.grid, width: 1 }, ticks: { stroke: colours.grid, width: 1 } }
  return new uPlot(
    {
      width: Math.max(200, element.clientWidth),
      height,
      cursor: { drag: { x: true, y: false }, points: { size: 7 } },
      legend: { live: true },
      scales: { x: { time: false }, y: { distr: isLogarithmic ? 3 : 1 } },
      axes: [
        { ...axisBase, values: (_plot, splits) => splits.map((split) => formatX(split, axis)) },
        { ...axisBase, size: 56, values: (_plot, splits) => splits.map((split) => formatY(split)) },
      ],
      series: [
        { label: axisLabel(axis), value: (_plot, value) => formatX(value, axis) },
        { label: 'Loss', stroke: withAlpha(colours.train, 0.35), width: 1, points: { show: false }, spanGaps: true, value: formatValue },
        { label: 'Loss, smoothed', stroke: colours.train, width: 2, points: { show: false }, spanGaps: true, value: formatValue },
        { label: 'Held-out loss', stroke: colours.evals, width: 2, dash: [6, 4], points: { show: true, size: 8, fill: colours.evals }, spanGaps: true, value: formatValue },
      ],
      hooks: { draw: [(plot) => drawMarks(plot, marks(), colours)] },
    },
    [[], [], [], []],
    element,
  )
}

function drawMarks(plot: uPlot, marks: readonly PlotMark[], colours: ChartColours): void {
  const { ctx, bbox } = plot
  ctx.save()
  for (const mark of marks) {
    const x = plot.valToPos(mark.x, 'x', true)
    if (x < bbox.left || x > bbox.left + bbox.width) continue
    ctx.fillStyle = mark.isBest ? colours.best : colours.text
    const bottom = bbox.top + bbox.height
    ctx.beginPath()
    ctx.moveTo(x, bottom - 8 * devicePixelRatio)
    ctx.lineTo(x - 4 * devicePixelRatio, bottom)
    ctx.lineTo(x + 4 * devicePixelRatio, bottom)
    ctx.fill()
  }
  ctx.restore()
}

function axisLabel(axis: XAxis): string {
  if (axis === 'step') return 'Step'
  return axis === 'time' ? 'Time' : 'Tokens'
}

function formatX(value: number | null, axis: XAxis): string {
  if (value === null) return '–'
  if (axis === 'time') return value < 120 ? `${Math.round(value)} s` : `${(value / 60).toFixed(value < 600 ? 1 : 0)} min`
  if (axis === 'tokens') return value < 10_000 ? String(Math.round(value)) : `${(value / 1000).toFixed(0)}k`
  return Number.isInteger(value) ? value.toLocaleString('en-US') : ''
}

function formatY(value: number | null): string {
  return value === null ? '' : value >= 100 ? value.toFixed(0) : value.toPrecision(3)
}

function formatValue(_plot: uPlot, value: number | null): string {
  return value === null ? '–' : value.toFixed(4)
}

function withAlpha(colour: string, alpha: number): string {
  return `color-mix(in oklab, ${colour} ${Math.round(alpha * 100)}%, transparent)`
}
