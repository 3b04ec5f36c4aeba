import type { Curve } from './curve.ts'

/** One logged step as the table shows it; null where nothing was logged. */
export interface MetricRow {
  readonly step: number
  readonly epoch: number
  readonly loss: number | null
  readonly evalLoss: number | null
  /** Share of held-out answer tokens chosen right, 0–1. */
  readonly accuracy: number | null
  readonly learningRate: number | null
  readonly gradNorm: number | null
  readonly tokensPerSecond: number | null
}

/** Every logged step once, in order, training and held-out values side by side. */
export function listMetricRows(train: Curve, evals: Curve): readonly MetricRow[] {
  const rows = new Map<number, MetricRow>()
  for (let index = 0; index < train.length; index += 1) {
    const step = train.step[index] ?? 0
    rows.set(step, {
      step,
      epoch: train.epoch[index] ?? 0,
      loss: known(train.loss[index]),
      evalLoss: null,
      accuracy: null,
      learningRate: known(train.learningRate[index]),
      gradNorm: known(train.gradNorm[index]),
      tokensPerSecond: known(train.tokensPerSecond[index]),
    })
  }
  for (let index = 0; index < evals.length; index += 1) {
    const step = evals.step[index] ?? 0
    const empty = { step, epoch: evals.epoch[index] ?? 0, loss: null, learningRate: null, gradNorm: null, tokensPerSecond: null }
    rows.set(step, { ...(rows.get(step) ?? empty), evalLoss: known(evals.loss[index]), accuracy: known(evals.accuracy[index]) })
  }
  return [...rows.values()].toSorted((a, b) => a.step - b.step)
}

function known(value: number | undefined): number | null {
  return value === undefined || !Number.isFinite(value) ? null : value
}
