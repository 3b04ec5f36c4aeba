import { describe, expect, it } from 'vitest'
import { runErrorSchema, type Run } from '../../../../preload/contract/runs.ts'
import { workerErrorCodeSchema } from '../../../../preload/contract/worker.ts'
import { hyperparametersSchema, type Hyperparameters } from '../../../../preload/contract/hyperparameters.ts'
import { retryChangeFor } from '../../../../renderer/features/runs/retry-change.ts'
import { createRun, plan } from './fixtures.ts'

type Code = (typeof workerErrorCodeSchema.options)[number]

function failed(code: Code, hyperparameters: Partial<Hyperparameters> = {}, rest: Partial<Run> = {}): Run {
  const run = createRun({ status: 'failed', endedAtMs: 2, workerError: { code, message: 'm', advice: 'a' }, ...rest })
  return { ...run, config: { ...run.config, ...rest.config, hyperparameters: { ...run.config.hyperparameters, ...hyperparameters } } }
}

const after = (run: Run) => retryChangeFor(run)?.config.hyperparameters

describe('what a failed run is tried again with', () => {
  it('would change how many rows make a correction when memory was short', () => {
    const run = failed('OUT_OF_MEMORY', { per_device_train_batch_size: 4, gradient_accumulation_steps: 2 })
    expect(after(run)).toMatchObject({ per_device_train_batch_size: 2, gradient_accumulation_steps: 4 })
    expect(retryChangeFor(run)?.lines).toEqual([
      { label: 'Batch size', from: '4', to: '2' },
      { label: 'Accumulated batches', from: '2', to: '4' },
    ])
  })

  it('would offer 4 bits where there is no such GPU, or nothing where shorter rows help', () => {
    const one = { per_device_train_batch_size: 1, load_in_4bit: false, max_length: 2048 }
    expect(after(failed('OUT_OF_MEMORY', one, { endpointKind: 'runpod' }))).toMatchObject({ load_in_4bit: true, max_length: 2048 })
    expect(after(failed('OUT_OF_MEMORY', one, { endpointKind: 'local' }))).toMatchObject({ load_in_4bit: false, max_length: 1024 })
    expect(retryChangeFor(failed('OUT_OF_MEMORY', { ...one, max_length: 256 }, { endpointKind: 'local' }))).toBeNull()
  })

  it('would go on with a rate that has diverged, or an adapter that is too large', () => {
    expect(after(failed('DIVERGED', { learning_rate: 2e-4 }))).toMatchObject({ learning_rate: 1e-4 })
    expect(after(failed('TARGETS_TOO_LARGE', { lora_r: 64 }))).toMatchObject({ lora_r: 32 })
    expect(retryChangeFor(failed('DIVERGED', { learning_rate: 1e-6 }))).toBeNull()
  })

  it('would name a sum that does not follow from the steps that were paid for', () => {
    const base = failed('COST_LIMIT')
    const longer = { ...plan, stepsTotal: 400 }
    const paid = { ...base, plan: longer, head: { ...base.head, step: 100 }, costMicroUsd: 1_000_000, endpointKind: 'runpod' as const }
    const limited: Run = { ...paid, config: { ...paid.config, budgetMicroUsd: 1_000_000 } }
    // Four times the steps, and a quarter more.
    expect(retryChangeFor(limited)?.config.budgetMicroUsd).toBe(5_000_000)
    expect(retryChangeFor({ ...limited, head: { ...limited.head, step: 0 } })).toBeNull()
    expect(retryChangeFor({ ...limited, costMicroUsd: null })).toBeNull()
  })

  it.each(workerErrorCodeSchema.options)('would offer values that the form refuses, or a change that changes nothing: %s', (code) => {
    for (const batch of [1, 3, 64]) {
      const run = failed(code, { per_device_train_batch_size: batch, gradient_accumulation_steps: 64, num_train_epochs: 20 })
      const change = retryChangeFor(run)
      if (change === null) continue
      expect(hyperparametersSchema.safeParse(change.config.hyperparameters).success).toBe(true)
      expect(change.lines.length).toBeGreaterThan(0)
      expect(change.config).not.toEqual(run.config)
    }
  })

  it('would offer a change for a run that did not fail', () => {
    expect(retryChangeFor({ ...failed('OUT_OF_MEMORY'), status: 'completed' })).toBeNull()
    const error = runErrorSchema.parse({ code: 'ENDPOINT_REFUSED', message: 'm', advice: 'a' })
    expect(retryChangeFor({ ...failed('INTERNAL'), workerError: null, error })).toBeNull()
  })
})
