import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { estimateRun, type EstimateInput } from '../../../../main/features/runs/estimate.ts'
import { calibrate } from '../../../../main/features/runs/estimate/calibration.ts'
import { forecastRun } from '../../../../main/features/runs/estimate/forecast.ts'
import { runConfig } from '../../../support/runs/run-world.ts'

const gpus = ['NVIDIA H100 80GB HBM3', 'NVIDIA A100-SXM4-80GB', 'NVIDIA GeForce RTX 4090', 'NVIDIA L40S', 'ADA_24']

/** Enough rows and a large enough share that one row more never makes the held-out part jump. */
const inputs = fc
  .record({
    rows: fc.integer({ min: 100, max: 20_000 }),
    perRow: fc.integer({ min: 20, max: 3000 }),
    longest: fc.integer({ min: 1, max: 4 }),
    epochs: fc.integer({ min: 1, max: 4 }),
    batch: fc.integer({ min: 1, max: 8 }),
    accumulation: fc.integer({ min: 1, max: 8 }),
    maxLength: fc.constantFrom(512, 1024, 4096),
    evalFraction: fc.constantFrom(0, 0.2),
    packing: fc.boolean(),
    in4bit: fc.boolean(),
    gpu: fc.constantFrom(...gpus),
    count: fc.integer({ min: 1, max: 4 }),
    isCounted: fc.boolean(),
    stepMs: fc.option(fc.array(fc.integer({ min: 50, max: 5000 }), { minLength: 3, maxLength: 20 }), { nil: null }),
    past: fc.array(fc.record({ rawMs: fc.integer({ min: 1, max: 10_000_000 }), actualMs: fc.integer({ min: 1, max: 10_000_000 }) }), {
      maxLength: 10,
    }),
    price: fc.integer({ min: 100_000, max: 10_000_000 }),
  })
  .map((made) => (rows: number): EstimateInput => {
    const { hyperparameters } = runConfig({
      num_train_epochs: made.epochs,
      per_device_train_batch_size: made.batch,
      gradient_accumulation_steps: made.accumulation,
      max_length: made.maxLength,
      eval_fraction: made.evalFraction,
      packing: made.packing,
      load_in_4bit: made.in4bit,
    })
    const total = made.rows * made.perRow
    const tokens = { modelId: 'm', modelName: 'm', total, trained: total, rows: made.rows, longestRow: made.perRow * made.longest }
    const steps = made.stepMs?.map((stepMs) => ({ stepMs, tokens: 4000 })) ?? null
    return {
      dataset: { validRows: rows, stats: null, tokens: { ...tokens, isOfThisModel: made.isCounted } },
      hyperparameters,
      endpointKind: 'runpod',
      measured: steps === null ? [] : [{ runId: 'r', durationMs: null, steps }],
      gpu: { name: made.gpu, count: made.count },
      model: { label: 'Some 8B', parameters: 8e9 },
      isModelCached: null,
      priceMicroUsdPerHour: made.price,
      earlier: { measured: made.past, table: made.past, simple: made.past },
    }
  })
const rowCounts = fc.integer({ min: 100, max: 20_000 })

describe('estimates', () => {
  it('more rows are never quicker or cheaper, at either end of the range', () => {
    fc.assert(
      fc.property(inputs, rowCounts, fc.integer({ min: 1, max: 5000 }), (inputOf, rows, more) => {
        const [few, many] = [estimateRun(inputOf(rows)), estimateRun(inputOf(rows + more))]
        expect(many.durationMs?.low).toBeGreaterThanOrEqual(few.durationMs?.low ?? 0)
        expect(many.durationMs?.high).toBeGreaterThanOrEqual(few.durationMs?.high ?? 0)
        expect(many.costMicroUsd?.high).toBeGreaterThanOrEqual(few.costMicroUsd?.high ?? 0)
      }),
      { seed: 5 },
    )
  })

  it('the range holds its middle, is finite, and money is whole micro-dollars', () => {
    fc.assert(
      fc.property(inputs, rowCounts, (inputOf, rows) => {
        const input = inputOf(rows)
        const duration = forecastRun(input)?.durationMs ?? { low: 0, mid: 0, high: 0 }
        expect(duration.low).toBeLessThanOrEqual(duration.mid)
        expect(duration.mid).toBeLessThanOrEqual(duration.high)
        expect(Number.isFinite(duration.high)).toBe(true)
        const { costMicroUsd, durationMs } = estimateRun(input)
        for (const value of [costMicroUsd?.low, costMicroUsd?.high, durationMs?.low, durationMs?.high]) {
          expect(Number.isSafeInteger(value)).toBe(true)
        }
      }),
      { seed: 6 },
    )
  })

  it('the same question gets the same answer', () => {
    fc.assert(
      fc.property(inputs, rowCounts, (inputOf, rows) => {
        expect(estimateRun(inputOf(rows))).toEqual(estimateRun(structuredClone(inputOf(rows))))
      }),
      { seed: 7, numRuns: 30 },
    )
  })
})

describe('learning from earlier estimates', () => {
  it('without any run nothing is corrected', () => {
    expect(calibrate([], 0.3)).toEqual({ factor: 1, spread: 0.3, runs: 0 })
  })

  it('one run that took half as long again moves the next estimate by a seventh, ten of them by two fifths', () => {
    const slow = { rawMs: 100_000, actualMs: 150_000 }
    expect(calibrate([slow], 0.3).factor).toBeCloseTo(1.145, 3)
    const many = calibrate(
      Array.from({ length: 10 }, () => slow),
      0.3,
    )
    expect(many.factor).toBeCloseTo(1.402, 3)
    expect(many.spread).toBeLessThan(0.2)
  })

  it('a run that stood still for a night moves the next estimate no more than one that took four times as long', () => {
    const night = calibrate([{ rawMs: 60_000, actualMs: 36_000_000 }], 0.3)
    expect(night).toEqual(calibrate([{ rawMs: 60_000, actualMs: 240_000 }], 0.3))
    expect(night.factor).toBeLessThan(1.6)
  })

  it('the factor lies between no correction and the worst run, in both directions', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 26_000, max: 390_000 }), { minLength: 1, maxLength: 20 }), (times) => {
        const { factor } = calibrate(
          times.map((actualMs) => ({ rawMs: 100_000, actualMs })),
          0.3,
        )
        expect(factor).toBeGreaterThanOrEqual(Math.min(1, ...times.map((ms) => ms / 100_000)) - 1e-9)
        expect(factor).toBeLessThanOrEqual(Math.max(1, ...times.map((ms) => ms / 100_000)) + 1e-9)
      }),
      { seed: 8 },
    )
  })
})
