import { values, type Curve } from './curve.ts'
import { smooth } from './smoothing.ts'

const digits = 3
const trendWindow = 0.2

/** One sentence per fact of a loss curve, for people who do not see the plot; empty when nothing is logged. */
export function summariseCurve(train: Curve, evals: Curve): string {
  const sentences: string[] = []
  if (train.length > 0) sentences.push(...trainSentences(train))
  if (evals.length > 0) {
    const losses = values(evals, 'loss')
    const best = indexOfMinimum(losses)
    sentences.push(
      `Held-out loss: latest ${fixed(losses.at(-1))}, lowest ${fixed(losses[best])} at step ${evals.step[best] ?? 0}, ${evals.length} measurements.`,
    )
  }
  return sentences.length === 0 ? 'No step has been logged yet.' : sentences.join(' ')
}

function trainSentences(train: Curve): string[] {
  const losses = values(train, 'loss')
  const low = indexOfMinimum(losses)
  const smoothed = smooth(losses, 0.6)
  const from = Math.floor(train.length * (1 - trendWindow))
  const change = (smoothed.at(-1) ?? 0) - (smoothed[from] ?? 0)
  const direction = Math.abs(change) < 0.01 ? 'level' : change < 0 ? 'falling' : 'rising'
  return [
    `Training loss after step ${train.step[train.length - 1] ?? 0}: ${fixed(losses.at(-1))}, first ${fixed(losses[0])}, lowest ${fixed(losses[low])} at step ${train.step[low] ?? 0}.`,
    `Over the last fifth of the steps it is ${direction}.`,
  ]
}

function indexOfMinimum(losses: Float64Array): number {
  let best = 0
  losses.forEach((value, index) => {
    if (value < (losses[best] ?? Number.POSITIVE_INFINITY)) best = index
  })
  return best
}

function fixed(value: number | undefined): string {
  return value === undefined || !Number.isFinite(value) ? 'unknown' : value.toFixed(digits)
}
