import type { XAxis } from './plot-data.ts'

const minuteSeconds = 60
const hourSeconds = 3600

/** Writes a position on the horizontal axis, with its unit where the axis title does not give it. */
export function formatX(value: number | null | undefined, axis: XAxis): string {
  if (value === null || value === undefined) return '–'
  if (axis === 'time') return formatSeconds(value)
  if (axis === 'tokens') return formatTokens(value)
  return Number.isInteger(value) ? value.toLocaleString('en-US') : ''
}

/** Writes a tick of the loss axis. */
export function formatTick(value: number | null): string {
  if (value === null) return ''
  return value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)))
}

/** Writes a loss; unknown is a dash. */
export function formatLoss(value: number | null | undefined, digits = 4): string {
  return value === null || value === undefined || !Number.isFinite(value) ? '–' : value.toFixed(digits)
}

/** What the horizontal axis is called. */
export function axisTitle(axis: XAxis): string {
  if (axis === 'step') return 'Step'
  return axis === 'time' ? 'Time since the start' : 'Tokens read'
}

/**
 * Ticks of a logarithmic axis that is rarely a whole decade long: even steps on a short range,
 * 1-2-5 over several decades.
 */
export function logTicks(low: number, high: number): number[] {
  if (!(low > 0) || !(high > low)) return []
  if (high / low < 15) return evenTicks(low, high)
  const ticks: number[] = []
  for (let decade = Math.floor(Math.log10(low)); decade <= Math.ceil(Math.log10(high)); decade += 1) {
    for (const factor of [1, 2, 5]) {
      const tick = factor * 10 ** decade
      if (tick >= low && tick <= high) ticks.push(Number(tick.toPrecision(12)))
    }
  }
  return ticks
}

function evenTicks(low: number, high: number): number[] {
  const rough = (high - low) / 5
  const decade = 10 ** Math.floor(Math.log10(rough))
  const step = ([1, 2, 5, 10].find((factor) => factor * decade >= rough) ?? 10) * decade
  const ticks: number[] = []
  for (let tick = Math.ceil(low / step) * step; tick <= high; tick += step) ticks.push(Number(tick.toPrecision(12)))
  return ticks
}

function formatSeconds(value: number): string {
  if (value < minuteSeconds * 2) return `${Math.round(value)} s`
  if (value < minuteSeconds * 10) return `${Number((value / minuteSeconds).toFixed(1))} min`
  if (value < hourSeconds * 2) return `${Math.round(value / minuteSeconds)} min`
  return `${Number((value / hourSeconds).toFixed(1))} h`
}

function formatTokens(value: number): string {
  if (value < 10_000) return Math.round(value).toLocaleString('en-US')
  if (value < 1_000_000) return `${Number((value / 1000).toFixed(1))} k`
  return `${Number((value / 1_000_000).toFixed(2))} M`
}
