import { values, type Curve } from './curve.ts'
import { decimate } from './decimate.ts'
import { smooth } from './smoothing.ts'

/** What the horizontal axis counts. */
export type XAxis = 'step' | 'time' | 'tokens'

type Column = (number | null)[]
interface Row {
  readonly x: number
  readonly step: number
  readonly raw: number | null
  readonly smoothed: number | null
  readonly evals: number | null
}

/** Aligned columns for the plot: x, raw loss, smoothed loss, held-out loss; null where a series has no point. */
export interface PlotData {
  readonly x: number[]
  readonly steps: number[]
  readonly raw: Column
  readonly smoothed: Column
  readonly evals: Column
}

const buckets = 1000

/** Joins both curves on one x column; time is seconds since `startMs`, tokens of an eval are those trained so far. */
export function buildPlotData(train: Curve, evals: Curve, axis: XAxis, weight: number, startMs: number): PlotData {
  const losses = values(train, 'loss')
  const smoothedLosses = smooth(losses, weight)
  const rows: Row[] = []
  for (const index of decimate(losses, buckets)) {
    const step = train.step[index] ?? 0
    rows.push({
      x: xOf(train, index, axis, startMs),
      step,
      raw: finite(losses[index]),
      smoothed: finite(smoothedLosses[index]),
      evals: null,
    })
  }
  for (let index = 0; index < evals.length; index += 1) {
    const step = evals.step[index] ?? 0
    const x = axis === 'tokens' ? tokensAt(train, step) : xOf(evals, index, axis, startMs)
    rows.push({ x, step, raw: null, smoothed: null, evals: finite(evals.loss[index]) })
  }
  const merged = mergeSamePlace(rows.toSorted((a, b) => a.x - b.x))
  return {
    x: merged.map((row) => row.x),
    steps: merged.map((row) => row.step),
    raw: merged.map((row) => row.raw),
    smoothed: merged.map((row) => row.smoothed),
    evals: merged.map((row) => row.evals),
  }
}

/** Where a step lies on the chosen axis, or null when it is not logged. */
export function positionOfStep(train: Curve, step: number, axis: XAxis, startMs: number): number | null {
  if (axis === 'step') return step
  for (let index = train.length - 1; index >= 0; index -= 1) {
    if ((train.step[index] ?? 0) <= step) return xOf(train, index, axis, startMs)
  }
  return null
}

/** A held-out measurement and the step it was taken after share one place, so that a reader finds both there. */
function mergeSamePlace(rows: readonly Row[]): readonly Row[] {
  const merged: Row[] = []
  for (const row of rows) {
    const last = merged.at(-1)
    const isPair = last !== undefined && last.x === row.x && last.step === row.step && (last.raw === null) !== (row.raw === null)
    if (isPair)
      merged[merged.length - 1] = {
        ...last,
        raw: last.raw ?? row.raw,
        smoothed: last.smoothed ?? row.smoothed,
        evals: last.evals ?? row.evals,
      }
    else merged.push(row)
  }
  return merged
}

function xOf(curve: Curve, index: number, axis: XAxis, startMs: number): number {
  if (axis === 'step') return curve.step[index] ?? 0
  if (axis === 'time') return Math.max(0, ((curve.atMs[index] ?? startMs) - startMs) / 1000)
  return curve.tokens[index] ?? 0
}

function tokensAt(train: Curve, step: number): number {
  for (let index = train.length - 1; index >= 0; index -= 1) {
    if ((train.step[index] ?? 0) <= step) return train.tokens[index] ?? 0
  }
  return 0
}

function finite(value: number | undefined): number | null {
  return value === undefined || !Number.isFinite(value) ? null : value
}
