import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { MetricPoint } from '../../../../preload/contract/runs.ts'
import { appendPoints, emptyCurve, truncateAfter, values } from '../../../../renderer/charts/curve.ts'
import { decimate } from '../../../../renderer/charts/decimate.ts'
import { buildPlotData, positionOfStep } from '../../../../renderer/charts/plot-data.ts'
import { smooth } from '../../../../renderer/charts/smoothing.ts'
import { summariseCurve } from '../../../../renderer/charts/summary.ts'

function point(step: number, loss = 1, kind: MetricPoint['kind'] = 'train'): MetricPoint {
  return {
    kind,
    step,
    epoch: step / 10,
    loss,
    learningRate: 1e-4,
    gradNorm: 1,
    tokensPerSecond: 100,
    tokens: step * 50,
    accuracy: null,
    atMs: 1000 + step * 1000,
  }
}

describe('curve', () => {
  it('never holds a step twice, in whatever pieces and order the points arrive', () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 20 }), { maxLength: 12 }), (batches) => {
        const curve = batches.reduce(
          (state, batch) =>
            appendPoints(
              state,
              [...new Set(batch)].map((step) => point(step)),
            ),
          emptyCurve,
        )
        const steps = [...values(curve, 'step')]
        expect(steps).toEqual([...new Set(batches.flat())].toSorted((a, b) => a - b))
      }),
    )
  })

  it('takes the newer value of a step that is logged again', () => {
    const curve = appendPoints(appendPoints(emptyCurve, [point(1, 5), point(2, 4)]), [point(2, 9)])
    expect([...values(curve, 'loss')]).toEqual([5, 9])
  })

  it('does not change an earlier state, so that a drawn chart stays what it was', () => {
    const earlier = appendPoints(emptyCurve, [point(1), point(2)])
    appendPoints(earlier, [point(1, 7)])
    truncateAfter(earlier, 0)
    expect([...values(earlier, 'loss')]).toEqual([1, 1])
  })

  it('drops what a resumed run will log again', () => {
    const curve = truncateAfter(appendPoints(emptyCurve, [point(1), point(2), point(3)]), 1)
    expect([...values(curve, 'step')]).toEqual([1])
    expect([...values(appendPoints(curve, [point(2, 8)]), 'loss')]).toEqual([1, 8])
  })
})

describe('smooth', () => {
  it('is not pulled to zero at the start: a constant stays constant', () => {
    for (const value of smooth(new Float64Array(20).fill(3), 0.9)) expect(value).toBeCloseTo(3, 12)
  })

  it('with weight 0 is the identity, and passes over gaps', () => {
    expect([...smooth([1, 2, 3], 0)]).toEqual([1, 2, 3])
    const gap = smooth([1, Number.NaN, 1], 0.6)
    expect(gap[1]).toBeNaN()
    expect(gap[2]).toBeCloseTo(1, 12)
  })
})

describe('decimate', () => {
  it('keeps the ends and every extreme, so that a spike is never hidden', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -10, max: 10, noNaN: true }), { minLength: 1, maxLength: 3000 }), (series) => {
        const kept = [...decimate(series, 50)].map((index) => series[index] ?? 0)
        expect(kept.length).toBeLessThanOrEqual(Math.max(200, 4))
        expect(Math.max(...kept)).toBe(Math.max(...series))
        expect(Math.min(...kept)).toBe(Math.min(...series))
        expect([kept[0], kept.at(-1)]).toEqual([series[0], series.at(-1)])
      }),
    )
  })
})

describe('plot data', () => {
  const train = appendPoints(emptyCurve, [point(1, 4), point(2, 3), point(3, 2)])
  const evals = appendPoints(emptyCurve, [point(0, 5, 'eval'), point(3, 2.5, 'eval')])

  it('puts the base evaluation before the first step and keeps x in order', () => {
    const data = buildPlotData(train, evals, 'step', 0, 0)
    expect(data.x).toEqual([0, 1, 2, 3])
    expect(data.evals).toEqual([5, null, null, 2.5])
    expect(data.raw).toEqual([null, 4, 3, 2])
  })

  it('counts time from the start of the run and tokens as trained so far', () => {
    expect(buildPlotData(train, evals, 'time', 0, 1000).x).toEqual([0, 1, 2, 3])
    expect(buildPlotData(train, evals, 'tokens', 0, 0).x).toEqual([0, 50, 100, 150])
    expect(positionOfStep(train, 2, 'tokens', 0)).toBe(100)
  })
})

describe('summary', () => {
  it('says where the lowest loss was and that nothing is logged when nothing is', () => {
    expect(summariseCurve(emptyCurve, emptyCurve)).toBe('No step has been logged yet.')
    const train = appendPoints(emptyCurve, [point(1, 4), point(2, 1.5), point(3, 2)])
    expect(summariseCurve(train, emptyCurve)).toContain('lowest 1.500 at step 2')
  })
})
