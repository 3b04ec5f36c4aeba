import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { MetricPoint } from '../../../../preload/contract/runs.ts'
import { formatLoss, formatTick, formatX, logTicks } from '../../../../renderer/charts/axis-format.ts'
import { appendPoints, emptyCurve } from '../../../../renderer/charts/curve.ts'
import { pictureFileName } from '../../../../renderer/charts/export-png.ts'
import { listMetricRows } from '../../../../renderer/charts/metric-rows.ts'

const point = (kind: MetricPoint['kind'], step: number, loss: number): MetricPoint => ({
  kind,
  step,
  epoch: step / 10,
  loss,
  learningRate: kind === 'train' ? 1e-4 : null,
  gradNorm: null,
  tokensPerSecond: null,
  tokens: null,
  accuracy: kind === 'eval' ? 0.25 : null,
  atMs: step,
})

describe('axes', () => {
  it('gives a logarithmic axis at least two ticks on any range a loss can have', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-3, max: 20, noNaN: true }), fc.double({ min: 1.05, max: 1e4, noNaN: true }), (low, factor) => {
        const ticks = logTicks(low, low * factor)
        expect(ticks.length).toBeGreaterThanOrEqual(2)
        expect(ticks.length).toBeLessThanOrEqual(30)
        expect(ticks.every((tick) => tick >= low * 0.999 && tick <= low * factor * 1.001)).toBe(true)
      }),
    )
    expect(logTicks(0, 10)).toEqual([])
  })

  it('writes an unknown loss as a dash and never shows NaN', () => {
    expect([formatLoss(null), formatLoss(Number.NaN), formatLoss(undefined)]).toEqual(['–', '–', '–'])
    expect(formatTick(1.5)).toBe('1.5')
  })

  it('does not label a place between two steps as a step', () => {
    expect(formatX(12.5, 'step')).toBe('')
    expect(formatX(1200, 'step')).toBe('1,200')
    expect([formatX(90, 'time'), formatX(330, 'time'), formatX(9000, 'time')]).toEqual(['90 s', '5.5 min', '2.5 h'])
    expect([formatX(950, 'tokens'), formatX(12_500, 'tokens'), formatX(2_340_000, 'tokens')]).toEqual(['950', '12.5 k', '2.34 M'])
  })
})

describe('table of values', () => {
  it('shows a step once, with its training and held-out values side by side', () => {
    const train = appendPoints(emptyCurve, [point('train', 1, 3), point('train', 2, 2)])
    const evals = appendPoints(emptyCurve, [point('eval', 0, 4), point('eval', 2, 2.5)])
    expect(listMetricRows(train, evals).map((row) => [row.step, row.loss, row.evalLoss, row.accuracy])).toEqual([
      [0, null, 4, 0.25],
      [1, 3, null, null],
      [2, 2, 2.5, 0.25],
    ])
  })
})

describe('picture', () => {
  it('gets a file name every system accepts', () => {
    expect(pictureFileName('Intake: 2/3 "final" · Qwen3')).toBe('Intake-2-3-final-Qwen3-loss.png')
    expect(pictureFileName('../..')).toBe('run-loss.png')
    expect(pictureFileName('Протокол 3')).toBe('Протокол-3-loss.png')
  })
})
