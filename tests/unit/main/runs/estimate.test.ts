import { describe, expect, it } from 'vitest'
import { estimateRun, type EstimateInput } from '../../../../main/features/runs/estimate.ts'
import { simpleEstimate } from '../../../../main/features/runs/estimate/simple.ts'
import { workloadOf } from '../../../../main/features/runs/estimate/workload.ts'
import { runConfig } from '../../../support/runs/run-world.ts'

const stats = {
  rows: 300,
  validRows: 300,
  errorRows: 0,
  errors: 0,
  warnings: 0,
  infos: 0,
  droppedRows: 0,
  editedRows: 0,
  blankLines: 0,
  turns: 1200,
  assistantTurns: 600,
  characters: 150_000,
  assistantCharacters: 90_000,
  tokensEstimate: 37_500,
  turnsPerRowMean: 4,
  longestRowCharacters: 900,
  duplicateRows: 0,
}
const dataset = { validRows: 300, stats }
const counted = {
  modelId: 'Qwen/Qwen3-8B',
  modelName: 'Qwen3 8B',
  total: 300_000,
  trained: 150_000,
  rows: 300,
  longestRow: 1000,
  isOfThisModel: true,
}
const model = { label: 'Qwen3 8B', parameters: 8.19e9 }
const h100 = { name: 'NVIDIA H100 80GB HBM3', count: 1 }

describe('simple estimate', () => {
  it.each([
    [{ pairs: 1567, tokens: 313_400, gpu: 'A100-80GB', gpuCount: 2, batchSize: 4, epochs: 3 }, 1176, 0.57, 4.51],
    [{ pairs: 1567, tokens: 313_400, gpu: 'A100-80GB', gpuCount: 1, batchSize: 8, epochs: 1 }, 196, 0.38, 1.84],
    [{ pairs: 1567, tokens: 313_400, gpu: 'H100', gpuCount: 1, batchSize: 2, epochs: 5 }, 3920, 0.86, 4.13],
    [{ pairs: 14, tokens: 2800, gpu: 'A100-40GB', gpuCount: 1, batchSize: 4, epochs: 3 }, 12, 0.5, 1.9],
    [{ pairs: 5000, tokens: 4_000_000, gpu: 'A100-80GB', gpuCount: 2, batchSize: 4, epochs: 3 }, 3750, 1.43, 10.48],
    [{ pairs: null, tokens: null, gpu: 'V100-32GB', gpuCount: 1, batchSize: 4, epochs: 3 }, 750, 0.64, 1.84],
  ] as const)('%j gives the golden figures', (input, steps, hours, totalUsd) => {
    const estimate = simpleEstimate(input)
    expect(estimate.steps).toBe(steps)
    expect(Number(estimate.hours.toFixed(2))).toBe(hours)
    expect(Number(estimate.totalUsd.toFixed(2))).toBe(totalUsd)
  })

  it('rounds only at the end', () => {
    expect(simpleEstimate({ pairs: 14, tokens: 2800, gpu: 'A100-40GB', gpuCount: 1, batchSize: 4, epochs: 3 }).totalUsd).toBeCloseTo(
      1.904978,
      6,
    )
  })
})

describe('estimate of a run on this computer', () => {
  const { hyperparameters } = runConfig({ num_train_epochs: 2 })
  const local = { dataset, hyperparameters, endpointKind: 'local', measured: [] } as const

  it('shows no time before a run was measured, and says why', () => {
    const estimate = estimateRun(local)
    expect(estimate).toMatchObject({
      rows: 270,
      rowsEval: 30,
      steps: 68,
      stepsPerEpoch: 34,
      durationMs: null,
      costMicroUsd: { low: 0, high: 0 },
      pace: null,
    })
    expect(estimate.tokens).toEqual({ low: 30_000, high: 50_000 })
    expect(estimate.basis.find(({ figure }) => figure === 'time')?.text).toBe(
      'No run of this model on this computer yet; time is known after the first steps.',
    )
  })

  it('takes the time from measured milliseconds per token, and from what earlier runs took beside their steps', () => {
    const steps = Array.from({ length: 10 }, () => ({ stepMs: 1000, tokens: 500 }))
    const estimate = estimateRun({ ...local, measured: [{ runId: 'r', durationMs: 25_000, steps }] })
    // 54,000 to 90,000 tokens at 2 ms each ± 10 %, 15 s ± 15 % beside, and three evaluations.
    expect(estimate.durationMs?.low).toBeGreaterThan(54_000 * 2 * Math.exp(-0.1) + 15_000 * Math.exp(-0.15))
    expect(estimate.durationMs?.high).toBeGreaterThan(90_000 * 2 * Math.exp(0.1) + 15_000)
    expect(estimate.durationMs?.high).toBeLessThan(320_000)
    expect(estimate.pace).toEqual({ basis: 'measured', sentence: 'Measured over the last run of this model on this computer.' })
  })

  it('a long run of which only the last steps are read does not count the others as time beside training', () => {
    const steps = Array.from({ length: 200 }, () => ({ stepMs: 1000, tokens: 500 }))
    const long = { runId: 'r', durationMs: 3_600_000, steps }
    const withSum = estimateRun({ ...local, measured: [{ ...long, trainMs: 3_585_000 }] })
    const withoutSum = estimateRun({ ...local, measured: [long] })
    expect(withSum.durationMs?.high).toBeLessThan(320_000)
    expect(withoutSum.durationMs?.high).toBeLessThan(600_000)
  })

  it('counts no more steps than max_steps allows, and shortens the time with them', () => {
    const measured = [{ runId: 'r', durationMs: null, steps: [{ stepMs: 1000, tokens: 500 }] }]
    const whole = estimateRun({ ...local, measured })
    const short = estimateRun({ ...local, measured, hyperparameters: { ...hyperparameters, max_steps: 34 } })
    expect(short.steps).toBe(34)
    expect(short.durationMs?.high).toBeLessThan(whole.durationMs?.high ?? 0)
  })

  it('stays finite for a dataset without usable rows', () => {
    const estimate = estimateRun({ ...local, dataset: { validRows: 0, stats: null } })
    expect(estimate).toMatchObject({ rows: 0, rowsEval: 0, steps: 0, durationMs: null })
  })

  it('a folder of a model nobody has counted tokens for uses no table, only what was measured', () => {
    expect(estimateRun({ ...local, gpu: { name: 'cpu', count: 1 }, model }).durationMs).toBeNull()
  })
})

describe('estimate of a run on RunPod', () => {
  const { hyperparameters } = runConfig({ num_train_epochs: 3, save_every_steps: 50 })
  const cloud: EstimateInput = {
    dataset: { ...dataset, tokens: counted },
    hyperparameters,
    endpointKind: 'runpod',
    measured: [],
    gpu: h100,
    model,
    isModelCached: true,
    priceMicroUsdPerHour: 4_180_000,
  }

  it('before any run it rests on the shipped table: counted tokens, passes, evaluations, start-up and saving', () => {
    const estimate = estimateRun(cloud)
    expect(estimate.tokens).toEqual({ low: 300_000, high: 300_000 })
    expect(estimate.pace?.basis).toBe('table')
    expect(estimate.pace?.sentence).toContain('measured on one H100')
    // 270 rows × 1,000 tokens × 3 epochs at 6,900 tokens/s are 117 s; start, load, 102 passes, 4 evaluations come on top.
    expect(estimate.durationMs?.low).toBeGreaterThan(60_000)
    expect(estimate.durationMs?.low).toBeLessThan(150_000)
    expect(estimate.durationMs?.high).toBeGreaterThan(300_000)
    expect(estimate.durationMs?.high).toBeLessThan(900_000)
    const { low, high } = estimate.costMicroUsd ?? { low: 0, high: 0 }
    expect([Number.isInteger(low), Number.isInteger(high)]).toEqual([true, true])
    expect(high).toBeCloseTo((((estimate.durationMs?.high ?? 0) + 5_000) * 4_180_000) / 3_600_000, -4)
  })

  it('shows no price for an endpoint whose price is not known, and a time all the same', () => {
    const estimate = estimateRun({ ...cloud, priceMicroUsdPerHour: null })
    expect([estimate.costMicroUsd, estimate.durationMs !== null]).toEqual([null, true])
  })

  it('a GPU nobody has told is not guessed', () => {
    expect(estimateRun({ ...cloud, gpu: null })).toMatchObject({ durationMs: null, costMicroUsd: null, pace: null })
  })

  it('where the tokens cannot be counted the simple formula stands in, and is called that', () => {
    const estimate = estimateRun({ ...cloud, dataset })
    expect(estimate.pace?.basis).toBe('simple')
    // Three times 33 s of tokens and 30 minutes of overhead, half to nearly double.
    expect(estimate.durationMs?.low).toBeGreaterThan(1_000_000)
    expect(estimateRun({ ...cloud, dataset, gpu: { name: 'NVIDIA GeForce RTX 4090', count: 1 } }).pace).toBeNull()
  })

  it('runs of a model of about the same size count, scaled; those of another kind or size do not', () => {
    const steps = [{ stepMs: 1000, tokens: 5000 }]
    const run = { runId: 'r', durationMs: null, steps, isSameModel: false, isIn4bit: false, isMixture: false }
    const near = estimateRun({ ...cloud, measured: [{ ...run, activeParameters: 7e9 }] })
    expect(near.pace?.sentence).toBe('Measured over the last run of a model of about this size on this kind of GPU.')
    for (const other of [
      { activeParameters: 3e9 },
      { activeParameters: 7e9, isMixture: true },
      { activeParameters: 7e9, isIn4bit: true },
    ]) {
      expect(estimateRun({ ...cloud, measured: [{ ...run, ...other }] }).pace?.basis).toBe('table')
    }
  })
})

describe('workload', () => {
  const { hyperparameters } = runConfig({ num_train_epochs: 2, eval_fraction: 0 })

  it('rows that are too long are cut: by the histogram where there is one, else between the least and the most', () => {
    const tokens = { ...counted, total: 300_000, longestRow: 3000 }
    const plain = workloadOf({ ...dataset, tokens }, { ...hyperparameters, max_length: 1024 })
    // At most 100 rows of 3,000 tokens can make 300,000; at least one row is that long.
    expect(plain.tokensTrained.low).toBeCloseTo(2 * (300_000 - 100 * 1976), 3)
    expect(plain.tokensTrained.high).toBeCloseTo(2 * (300_000 - 1976), 3)
    const lengths = { edges: [0, 1024, 3000], counts: [290, 10], min: 10, p50: 900, p90: 1000, p99: 2500, max: 3000 }
    const known = workloadOf({ ...dataset, tokens: { ...tokens, lengths } }, { ...hyperparameters, max_length: 1024 })
    expect(known.tokensTrained.low).toBeCloseTo(2 * (300_000 - 10 * 1976), 3)
    expect(known.tokensTrained.high).toBeCloseTo(600_000, 3)
    expect([plain.isCut, known.isCut]).toEqual([true, true])
  })

  it.each([
    [10, 4, 2, null, 1 + 2 * 4],
    [10, 4, 2, 13, 1 + 4 + 1 + 1],
    [10, 1, 1, null, 2],
    [3, 10, 1, null, 1 + 3],
    [10, 2, 1, 5, 2],
  ])(
    '%i steps per epoch with %i evaluations in each, %i epochs, at most %j steps: %i evaluations',
    (stepsPerEpoch, perEpoch, epochs, most, expected) => {
      // 1,000 rows of which 200 are held out; 800 in `stepsPerEpoch` steps.
      const rowsPerStep = Math.ceil(800 / stepsPerEpoch)
      const parameters = {
        ...hyperparameters,
        eval_fraction: 0.2,
        evals_per_epoch: perEpoch,
        num_train_epochs: epochs,
        max_steps: most,
        per_device_train_batch_size: 1,
        gradient_accumulation_steps: rowsPerStep,
      }
      const work = workloadOf({ validRows: 1000, stats: null }, parameters)
      expect([work.stepsPerEpoch, work.evaluations]).toEqual([stepsPerEpoch, expected])
    },
  )
})
