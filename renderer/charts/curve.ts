import type { MetricPoint } from '../../preload/contract/runs.ts'

/** Columns of one kind of point, in step order; only the first `length` entries are filled. */
export interface Curve {
  readonly length: number
  readonly step: Float64Array
  readonly epoch: Float64Array
  readonly loss: Float64Array
  readonly learningRate: Float64Array
  readonly gradNorm: Float64Array
  readonly tokensPerSecond: Float64Array
  readonly tokens: Float64Array
  readonly accuracy: Float64Array
  readonly atMs: Float64Array
}

type Column = Exclude<keyof Curve, 'length'>
const columns: readonly Column[] = ['step', 'epoch', 'loss', 'learningRate', 'gradNorm', 'tokensPerSecond', 'tokens', 'accuracy', 'atMs']
const firstCapacity = 256

/** A curve without points. */
export const emptyCurve: Curve = allocate(0)

/** Adds points; a step that is already there is replaced, so that nothing is ever drawn twice. */
export function appendPoints(curve: Curve, points: readonly MetricPoint[]): Curve {
  const ordered = points.toSorted((a, b) => a.step - b.step)
  const first = ordered[0]
  if (first === undefined) return curve
  const lastStep = curve.length === 0 ? -1 : (curve.step[curve.length - 1] ?? -1)
  if (first.step > lastStep) return write(curve, curve.length, ordered)
  const merged = new Map<number, MetricPoint | number>()
  for (let index = 0; index < curve.length; index += 1) merged.set(curve.step[index] ?? 0, index)
  for (const point of ordered) merged.set(point.step, point)
  const target = allocate(merged.size)
  const sorted = [...merged].toSorted(([a], [b]) => a - b)
  sorted.forEach(([, source], index) => {
    for (const column of columns) {
      target[column][index] = typeof source === 'number' ? (curve[column][source] ?? Number.NaN) : (source[column] ?? Number.NaN)
    }
  })
  return { ...target, length: merged.size }
}

/** Drops every point after `step`, as a resumed run does. */
export function truncateAfter(curve: Curve, step: number): Curve {
  let { length } = curve
  while (length > 0 && (curve.step[length - 1] ?? 0) > step) length -= 1
  return length === curve.length ? curve : { ...curve, length }
}

/** One column's filled part. */
export function values(curve: Curve, column: Column): Float64Array {
  return curve[column].subarray(0, curve.length)
}

function write(curve: Curve, at: number, points: readonly MetricPoint[]): Curve {
  const length = at + points.length
  const target = length <= curve.step.length ? curve : grow(curve, length)
  points.forEach((point, offset) => {
    for (const column of columns) target[column][at + offset] = point[column] ?? Number.NaN
  })
  return { ...target, length }
}

function grow(curve: Curve, needed: number): Curve {
  const larger = allocate(Math.max(firstCapacity, needed, curve.step.length * 2))
  for (const column of columns) larger[column].set(values(curve, column))
  return { ...larger, length: curve.length }
}

function allocate(capacity: number): Curve {
  const column = () => new Float64Array(capacity)
  return {
    length: 0,
    step: column(),
    epoch: column(),
    loss: column(),
    learningRate: column(),
    gradNorm: column(),
    tokensPerSecond: column(),
    tokens: column(),
    accuracy: column(),
    atMs: column(),
  }
}
