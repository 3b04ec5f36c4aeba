import { describe, expect, it } from 'vitest'
import { estimateRun, simpleEstimate } from '../../../../main/features/runs/estimate.ts'
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

describe('estimate of a run', () => {
  const { hyperparameters } = runConfig({ num_train_epochs: 2 })

  it('shows no time before a run was measured, and says why', () => {
    const estimate = estimateRun({ dataset, hyperparameters, endpointKind: 'local', measured: [] })
    expect(estimate).toMatchObject({
      rows: 270,
      rowsEval: 30,
      steps: 68,
      stepsPerEpoch: 34,
      durationMs: null,
      costMicroUsd: { low: 0, high: 0 },
    })
    expect(estimate.tokens).toEqual({ low: 30_000, high: 50_000 })
    expect(estimate.basis.find(({ figure }) => figure === 'time')?.text).toBe(
      'No run of this model on this computer yet; time is known after the first steps.',
    )
  })

  it('takes the time from measured milliseconds per token and from what earlier runs took beside their steps', () => {
    const steps = Array.from({ length: 10 }, () => ({ stepMs: 1000, tokens: 500 }))
    const estimate = estimateRun({ dataset, hyperparameters, endpointKind: 'local', measured: [{ runId: 'r', durationMs: 25_000, steps }] })
    // 0.9 of the rows twice = 54,000 to 90,000 tokens at 2 ms each, and 15 s beside.
    expect(estimate.durationMs).toEqual({ low: 123_000, high: 195_000 })
  })

  it('counts no more steps than max_steps allows, and shortens the time with them', () => {
    const steps = [{ stepMs: 1000, tokens: 500 }]
    const short = estimateRun({
      dataset,
      hyperparameters: { ...hyperparameters, max_steps: 34 },
      endpointKind: 'local',
      measured: [{ runId: 'r', durationMs: null, steps }],
    })
    expect(short.steps).toBe(34)
    expect(short.durationMs).toEqual({ low: 54_000, high: 90_000 })
  })

  it('shows no price for an endpoint whose price is not known', () => {
    expect(estimateRun({ dataset, hyperparameters, endpointKind: 'runpod', measured: [] }).costMicroUsd).toBeNull()
  })

  it('stays finite for a dataset without usable rows', () => {
    const estimate = estimateRun({ dataset: { validRows: 0, stats: null }, hyperparameters, endpointKind: 'local', measured: [] })
    expect(estimate).toMatchObject({ rows: 0, rowsEval: 0, steps: 0, durationMs: null })
  })
})
