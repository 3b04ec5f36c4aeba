import { decimate } from '../../../renderer/charts/decimate.ts'
import { smooth } from '../../../renderer/charts/smoothing.ts'
import type { Benchmark } from '../benchmark.ts'
import { createRandom } from '../random.ts'

const pointCount = 1_000_000
const buckets = 1000
/** One pass takes about a millisecond, too little for the clock. */
const passes = 10

/** What the loss chart computes before it draws. */
export const chartDecimate: Benchmark = {
  name: 'chart.decimate',
  work: 'smooths a curve of 1,000,000 points and picks those to draw, ten times',
  against: 'adding the points up in a plain loop, ten times',
  target: 30,
  rounds: 15,
  prepare() {
    const random = createRandom(11)
    const losses = Float64Array.from({ length: pointCount }, (_unused, index) => 1 + 3 * Math.exp(-index / 2e5) + random() / 2)
    let sink = 0
    const repeat = (pass: () => number) => {
      for (let count = 0; count < passes; count += 1) sink += pass()
      // The sum must be used, or the compiler may leave the work out.
      if (!Number.isFinite(sink)) throw new Error('A value that is not a number came out')
      return passes * pointCount
    }
    return {
      reference: { run: () => repeat(() => sumOf(losses)) },
      tunesmith: { run: () => repeat(() => (smooth(losses, 0.6)[pointCount - 1] ?? 0) + decimate(losses, buckets).length) },
    }
  },
}

function sumOf(values: Float64Array): number {
  let sum = 0
  for (let index = 0; index < values.length; index += 1) sum += values[index] ?? 0
  return sum
}
