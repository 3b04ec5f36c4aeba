import { describe, expect, it } from 'vitest'
import type { MetricPoint, RunSample } from '../../../../preload/contract/runs.ts'
import { values } from '../../../../renderer/charts/curve.ts'
import { healthLabel } from '../../../../renderer/features/adapters/HealthStars.tsx'
import { buildOriginCurve } from '../../../../renderer/features/adapters/origin-curve.ts'
import { pairSamples } from '../../../../renderer/lib/sample-pairs.ts'

const point = (kind: MetricPoint['kind'], step: number, atMs: number): MetricPoint => ({
  kind,
  step,
  epoch: 0,
  loss: 4 - step,
  learningRate: null,
  gradNorm: null,
  tokensPerSecond: null,
  tokens: null,
  accuracy: null,
  atMs,
})
const sample = (prompt: string, step: number, text: string): RunSample => ({ prompt, step, text, atMs: step })

describe('curve of the run behind an adapter', () => {
  it('keeps training and held-out points apart', () => {
    const curve = buildOriginCurve(
      {
        points: [point('eval', 0, 900), point('train', 1, 1000), point('train', 2, 2000), point('eval', 2, 2100)],
        checkpoints: [],
        cursor: 9,
      },
      500,
    )
    expect([...values(curve.train, 'step')]).toEqual([1, 2])
    expect([...values(curve.evals, 'step')]).toEqual([0, 2])
    expect(curve.startMs).toBe(500)
  })

  it('counts time from the first point when the run is gone, not from 1970', () => {
    expect(buildOriginCurve({ points: [point('train', 1, 1000), point('eval', 0, 900)], checkpoints: [], cursor: 9 }, null).startMs).toBe(
      900,
    )
  })
})

describe('samples before and after', () => {
  it('compares the base model with the newest trained answer, whatever the order they come in', () => {
    expect(pairSamples([sample('a', 340, 'last'), sample('a', 0, 'base'), sample('a', 100, 'middle')])).toEqual([
      { prompt: 'a', base: 'base', trained: { text: 'last', step: 340 } },
    ])
  })

  it('leaves a side open that was not written yet', () => {
    expect(pairSamples([sample('a', 0, 'base')])).toEqual([{ prompt: 'a', base: 'base', trained: null }])
  })
})

describe('health', () => {
  it('never reads "not rated" as zero stars', () => {
    expect(healthLabel({ stars: null, summary: '', reasons: [] })).toBe('Training health not rated')
    expect(healthLabel({ stars: 3, summary: '', reasons: [] })).toBe('Training health 3 of 5')
  })
})
