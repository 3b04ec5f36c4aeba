import { describe, expect, it } from 'vitest'
import type { MetricPoint } from '../../../../preload/contract/runs.ts'
import { emptyCurve, values } from '../../../../renderer/charts/curve.ts'
import { applyProgress, type CurveState } from '../../../../renderer/features/runs/curve-store.ts'

const ready: CurveState = { status: 'ready', train: emptyCurve, evals: emptyCurve, checkpoints: [], cursor: 0 }

function point(step: number, loss: number): MetricPoint {
  return {
    kind: 'train',
    step,
    epoch: 0,
    loss,
    learningRate: null,
    gradNorm: null,
    tokensPerSecond: null,
    tokens: null,
    accuracy: null,
    atMs: step,
  }
}

describe('applyProgress', () => {
  it('ignores an update that is already contained, so that a late event cannot bring old points back', () => {
    const state = applyProgress(ready, { voidAfterStep: null, points: [point(1, 3)], checkpoints: [], cursor: 5 })
    expect(applyProgress(state, { voidAfterStep: 0, points: [point(1, 9)], checkpoints: [], cursor: 5 })).toBe(state)
  })

  it('after a resume shows the newly logged steps only, with their checkpoints', () => {
    const before = applyProgress(ready, {
      voidAfterStep: null,
      points: [point(1, 3), point(2, 2), point(3, 1)],
      checkpoints: [
        { step: 1, isBest: false, bytes: 1, atMs: 1 },
        { step: 3, isBest: true, bytes: 1, atMs: 3 },
      ],
      cursor: 5,
    })
    const after = applyProgress(before, { voidAfterStep: 1, points: [point(2, 2.5)], checkpoints: [], cursor: 8 })
    expect([...values(after.train, 'step')]).toEqual([1, 2])
    expect([...values(after.train, 'loss')]).toEqual([3, 2.5])
    expect(after.checkpoints.map((mark) => mark.step)).toEqual([1])
  })
})
