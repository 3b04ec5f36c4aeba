import { beforeEach, describe, expect, it } from 'vitest'
import { createRunEstimator, type EstimateFacts, type RunEstimator } from '../../../../main/features/runs/estimate/estimator.ts'
import { createForecastRepository } from '../../../../main/features/runs/estimate/repository.ts'
import type { SqliteDatabase } from '../../../../main/db/open.ts'
import { createUuidV7 } from '../../../../main/lib/ids.ts'
import { createRunWorld, runConfig, type RunWorld } from '../../../support/runs/run-world.ts'

const h100 = { name: 'NVIDIA H100 80GB HBM3', count: 1 }
const tokens = { modelId: 'acme/tiny-1B', modelName: 'tiny', total: 300_000, trained: 150_000, rows: 300, longestRow: 1000 }
const facts: EstimateFacts = {
  config: runConfig(),
  dataset: { validRows: 300, stats: null, tokens },
  model: { label: 'acme/tiny-1B', parameters: 1e9 },
  endpointKind: 'runpod',
  gpu: h100,
  priceMicroUsdPerHour: 4_180_000,
  isModelCached: true,
}
let number = 0

/** A run that ended, with steps of so many milliseconds for 4,000 tokens each. */
function endedRun(db: SqliteDatabase, { stepMs = 1000, durationMs = 60_000, steps = 5 } = {}): string {
  number += 1
  const id = createUuidV7(1_700_000_000_000 + number * 1000)
  const { config } = facts
  const state = { facts: { baseModelLabel: facts.model.label } }
  db.prepare(
    `INSERT INTO run (id, name, dataset_id, endpoint_id, config_json, state_json, status, stage, head_json, plan_json, created_at_ms, started_at_ms, ended_at_ms)
     VALUES (?, 'run', ?, ?, ?, ?, 'completed', 'ended', '{"evalMs":2000}', '{"parametersTotal":1000000000,"rowsEval":30}', ?, 1000, ?)`,
  ).run(id, config.datasetId, config.endpointId, JSON.stringify(config), JSON.stringify(state), number, 1000 + durationMs)
  const insert = db.prepare(
    "INSERT INTO metric (run_id, kind, step, epoch, loss, tokens, step_ms, attempt, at_ms) VALUES (?, 'train', ?, 0, 1, ?, ?, 1, 1)",
  )
  for (let step = 1; step <= steps; step += 1) insert.run(id, step, step * 4000, stepMs)
  return id
}

describe('estimates that learn from stored runs', () => {
  let world: RunWorld
  let estimator: RunEstimator
  const stored = (id: string, changes: { finalStatus?: string; attempt?: number; stepsDone?: number; tookMs: number }) => {
    const { tookMs, stepsDone = 5, finalStatus = 'completed', attempt = 1 } = changes
    const state = { startedAtMs: 1000, endedAtMs: 1000 + tookMs, finalStatus, attempt, result: { stepsDone, stepsTotal: 5 } }
    return { id, state } as unknown as Parameters<RunEstimator['compare']>[0]
  }
  beforeEach(() => {
    world = createRunWorld({ kind: 'runpod' })
    estimator = createRunEstimator(createForecastRepository(world.db))
  })

  it('a run on the same GPU and model takes the place of the table, without being told the GPU again', () => {
    expect(estimator.estimate(facts).pace?.basis).toBe('table')
    const id = endedRun(world.db)
    estimator.remember(id, facts, 5)
    expect(estimator.estimate(facts).pace?.sentence).toContain('Measured over the last run of this model')
    expect(estimator.estimate({ ...facts, gpu: null }).pace?.basis).toBe('measured')
  })

  it('a run on another GPU of the same endpoint measures nothing', () => {
    const id = endedRun(world.db)
    estimator.remember(id, { ...facts, gpu: { name: 'NVIDIA GeForce RTX 4090', count: 1 } }, 5)
    expect(estimator.estimate(facts).pace?.basis).toBe('table')
  })

  it('the GPU a worker turned out to have replaces the one that was expected', () => {
    const id = endedRun(world.db)
    estimator.remember(id, { ...facts, gpu: { name: 'NVIDIA GeForce RTX 4090', count: 1 } }, 5)
    estimator.compare(stored(id, { tookMs: 60_000 }), { gpu: h100, amountMicroUsd: 70_000 })
    expect(estimator.estimate(facts).pace?.basis).toBe('measured')
    expect(estimator.find(id)).toMatchObject({ gpuClass: 'h100', actualMs: 60_000, actualMicroUsd: 70_000 })
  })

  it('a prediction that was too short makes the next one longer, and says so', () => {
    const before = estimator.estimate(facts)
    for (let run = 0; run < 3; run += 1) {
      // Without steps it cannot be a measure, so that the table stays in use and only its error counts.
      const id = endedRun(world.db, { steps: 0 })
      estimator.remember(id, facts, 5)
      const { rawMs } = estimator.find(id) ?? { rawMs: 0 }
      estimator.compare(stored(id, { tookMs: (rawMs ?? 0) * 2 }), { gpu: h100, amountMicroUsd: null })
    }
    const after = estimator.estimate(facts)
    expect(after.durationMs?.low).toBeGreaterThan((before.durationMs?.low ?? 0) * 1.2)
    expect(after.pace?.sentence).toContain('longer, as 3 earlier runs took')
  })

  it.each([{ finalStatus: 'failed' }, { finalStatus: 'cancelled' }, { stepsDone: 3 }, { attempt: 2 }])(
    'what a run took that was not done in one go is kept, but teaches nothing: %j',
    (changes) => {
      const id = endedRun(world.db, { steps: 0 })
      estimator.remember(id, facts, 5)
      const before = estimator.estimate(facts)
      estimator.compare(stored(id, { ...changes, tookMs: 10_000_000 }), { gpu: h100, amountMicroUsd: null })
      expect(estimator.estimate(facts)).toEqual(before)
      expect(estimator.find(id)?.actualMs).toBe(10_000_000)
    },
  )

  it('a run whose end is told twice is compared once', () => {
    const id = endedRun(world.db, { steps: 0 })
    estimator.remember(id, facts, 5)
    estimator.compare(stored(id, { tookMs: 500_000 }), { gpu: h100, amountMicroUsd: null })
    const once = estimator.estimate(facts)
    estimator.compare(stored(id, { tookMs: 500_000 }), { gpu: h100, amountMicroUsd: null })
    expect(estimator.estimate(facts)).toEqual(once)
  })

  it('time beside training is what is left after all steps and evaluations, also of runs that are over long ago', () => {
    const slow = endedRun(world.db, { durationMs: 5 * 1000 + 30_000 })
    estimator.remember(slow, facts, 5)
    // 270 rows × 1,000 tokens at 0.25 ms are 68 s, and the start took 30 s.
    const { low, high } = estimator.estimate(facts).durationMs ?? { low: 0, high: 0 }
    expect(low).toBeGreaterThan(80_000)
    expect(high).toBeLessThan(140_000)
  })
})
