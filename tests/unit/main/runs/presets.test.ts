import { describe, expect, it } from 'vitest'
import type { ModelFacts } from '../../../../preload/contract/models.ts'
import { checkHyperparameters } from '../../../../main/features/runs/config-check.ts'
import { learningRateFor, resolvePreset } from '../../../../main/features/runs/presets.ts'
import { runConfig } from '../../../support/runs/run-world.ts'

function model(changes: Partial<ModelFacts> = {}): ModelFacts {
  return {
    label: 'Qwen/Qwen3-1.7B',
    family: 'qwen',
    parameters: 1.7e9,
    hiddenSize: 2048,
    contextLength: 32_768,
    isGated: false,
    ...changes,
  }
}
function stats(validRows: number, longestRowCharacters = 1500) {
  return {
    rows: validRows,
    validRows,
    errorRows: 0,
    errors: 0,
    warnings: 0,
    infos: 0,
    droppedRows: 0,
    editedRows: 0,
    blankLines: 0,
    turns: validRows * 4,
    assistantTurns: validRows * 2,
    characters: validRows * 800,
    assistantCharacters: validRows * 400,
    tokensEstimate: validRows * 200,
    turnsPerRowMean: 4,
    longestRowCharacters,
    duplicateRows: 0,
  }
}
function heldOutOf(rows: number) {
  return Math.round(resolvePreset('balanced', model(), stats(rows)).hyperparameters.eval_fraction * rows)
}
function batchOf(values: { per_device_train_batch_size: number; gradient_accumulation_steps: number }) {
  return values.per_device_train_batch_size * values.gradient_accumulation_steps
}

describe('learning rate', () => {
  it.each([
    ['Qwen, width 2048', model(), 1.8e-4],
    ['Qwen, width 4096', model({ hiddenSize: 4096 }), 1.7e-4],
    ['Llama 8B', model({ family: 'llama', hiddenSize: 4096 }), 1e-4],
    ['Llama 70B', model({ family: 'llama', hiddenSize: 8192 }), 5.9e-5],
    ['another family', model({ family: 'gemma', hiddenSize: 2048 }), 2e-4],
    ['a Qwen of unknown width', model({ hiddenSize: null }), 2e-4],
  ])('for %s at 16 rows is the published figure', (_name, facts, expected) => {
    expect(learningRateFor(facts, 16, null)).toBe(expected)
  })

  it('is half as much again below 100 steps, and not at 100', () => {
    const facts = model({ family: 'other' })
    expect(learningRateFor(facts, 16, 99)).toBe(3e-4)
    expect(learningRateFor(facts, 16, 100)).toBe(2e-4)
  })

  it('stays between 5e-5 and 5e-4', () => {
    expect(learningRateFor(model({ family: 'llama', hiddenSize: 200 }), 64, 10)).toBe(5e-4)
    expect(learningRateFor(model({ family: 'llama', hiddenSize: 100_000 }), 1, 1000)).toBe(5e-5)
  })
})

describe('presets', () => {
  it('have the values of the table when nothing is known about the data', () => {
    const fast = resolvePreset('fast', model(), null).hyperparameters
    const balanced = resolvePreset('balanced', model(), null).hyperparameters
    const quality = resolvePreset('quality', model(), null).hyperparameters
    expect(fast).toMatchObject({
      lora_r: 16,
      lora_alpha: 32,
      num_train_epochs: 1,
      lr_scheduler_type: 'linear',
      warmup_ratio: 0.03,
      max_length: 2048,
    })
    expect(balanced).toMatchObject({
      lora_r: 32,
      lora_alpha: 32,
      num_train_epochs: 2,
      lr_scheduler_type: 'cosine',
      max_length: 4096,
      evals_per_epoch: 5,
    })
    expect(quality).toMatchObject({
      lora_r: 64,
      lora_alpha: 32,
      num_train_epochs: 3,
      lora_dropout: 0.05,
      max_length: 8192,
      evals_per_epoch: 10,
    })
    expect([fast, balanced, quality].map(batchOf)).toEqual([16, 16, 16])
  })

  it('lower the batch to 8 on small data, to reach more steps', () => {
    expect(batchOf(resolvePreset('fast', model(), stats(300)).hyperparameters)).toBe(8)
    expect(batchOf(resolvePreset('fast', model(), stats(5000)).hyperparameters)).toBe(16)
  })

  it('quality learns from 8 rows per step below 500 rows and from 16 at 600', () => {
    expect(batchOf(resolvePreset('quality', model(), stats(499)).hyperparameters)).toBe(8)
    expect(batchOf(resolvePreset('quality', model(), stats(600)).hyperparameters)).toBe(16)
  })

  it('quality has rank 128 above 50,000 rows only', () => {
    expect(resolvePreset('quality', model(), stats(50_000)).hyperparameters.lora_r).toBe(64)
    expect(resolvePreset('quality', model(), stats(50_001)).hyperparameters.lora_r).toBe(128)
  })

  it('hold out 20 to 500 rows, and none from fewer than 40', () => {
    expect([39, 150, 300, 20_000].map(heldOutOf)).toEqual([0, 20, 30, 500])
  })

  it('set the maximum length to what the data needs, within the preset and the model', () => {
    expect(resolvePreset('fast', model(), stats(300, 1500)).hyperparameters.max_length).toBe(576)
    expect(resolvePreset('fast', model(), stats(300, 90_000)).hyperparameters.max_length).toBe(2048)
    expect(resolvePreset('quality', model({ contextLength: 1024, isGated: false }), stats(300, 90_000)).hyperparameters.max_length).toBe(
      1024,
    )
  })

  it('warm up for at least five steps when there are few', () => {
    const { hyperparameters } = resolvePreset('fast', model(), stats(300))
    expect(hyperparameters.warmup_ratio * Math.ceil(270 / 8)).toBeGreaterThanOrEqual(4.99)
  })

  it('use no dropout for a mixture of experts', () => {
    expect(resolvePreset('quality', model({ label: 'Qwen/Qwen3-Next-80B-A3B-Instruct' }), null).hyperparameters.lora_dropout).toBe(0)
  })

  it('stop early after three measurements in quality only, and never without held-out rows to measure', () => {
    const patience = (preset: 'fast' | 'balanced' | 'quality', rows: number) =>
      resolvePreset(preset, model(), stats(rows)).hyperparameters.early_stopping_patience
    expect([patience('fast', 300), patience('balanced', 300), patience('quality', 300)]).toEqual([null, null, 3])
    expect(patience('quality', 39)).toBeNull()
  })

  it('shorten corrections at 0.3 for a 4-bit base in quality only, and at 1 everywhere else', () => {
    const clip = (preset: 'fast' | 'balanced' | 'quality', isIn4bit: boolean) =>
      resolvePreset(preset, model(), null, isIn4bit).hyperparameters.max_grad_norm
    expect([clip('fast', false), clip('balanced', false), clip('quality', false)]).toEqual([1, 1, 1])
    expect([clip('fast', true), clip('balanced', true), clip('quality', true)]).toEqual([1, 1, 0.3])
  })

  it('pack rows and leave the base in full precision', () => {
    expect(resolvePreset('quality', model(), null, true).hyperparameters).toMatchObject({ packing: true, load_in_4bit: false })
  })

  it.each([
    ['Qwen3-8B', { hiddenSize: 4096 }, 2000, 1.7e-4, 16],
    ['Qwen3-8B on a small dataset', { hiddenSize: 4096 }, 300, 1.8e-4, 8],
    ['Llama-3.1-8B', { family: 'llama', hiddenSize: 4096 }, 2000, 1e-4, 16],
    ['Llama-3.1-8B on a small dataset', { family: 'llama', hiddenSize: 4096 }, 300, 1.1e-4, 8],
    ['Gemma-3-12B', { family: 'gemma', hiddenSize: 3840 }, 2000, 2e-4, 16],
    ['SmolLM2-135M on a small dataset', { family: 'smollm', hiddenSize: 576 }, 300, 2.1e-4, 8],
  ] as const)('give %s the learning rate of the published rule', (_name, facts, rows, rate, batch) => {
    const { hyperparameters } = resolvePreset('balanced', model(facts), stats(rows))
    expect([hyperparameters.learning_rate, batchOf(hyperparameters)]).toEqual([rate, batch])
  })

  it('resolve for a single row', () => {
    const { hyperparameters, notes } = resolvePreset('fast', model(), stats(1))
    expect(hyperparameters.eval_fraction).toBe(0)
    expect(notes.length).toBeGreaterThan(0)
  })
})

describe('hyperparameter checks name the field', () => {
  const base = runConfig().hyperparameters
  const surroundings = { model: model({ contextLength: 4096 }), endpoint: { hasCuda: false }, validRows: 300 }
  it.each([
    [{ learning_rate: 0.02 }, 'learning_rate'],
    [{ learning_rate: 9e-7 }, 'learning_rate'],
    [{ num_train_epochs: 21 }, 'num_train_epochs'],
    [{ lora_r: 0 }, 'lora_r'],
    [{ max_length: 8192 }, 'max_length'],
    [{ per_device_train_batch_size: 64, gradient_accumulation_steps: 64 }, 'gradient_accumulation_steps'],
    [{ load_in_4bit: true }, 'load_in_4bit'],
  ])('%j', (change, field) => {
    expect(checkHyperparameters({ ...base, ...change }, surroundings)[0]?.field).toBe(field)
  })

  it('accepts the outermost allowed values', () => {
    expect(checkHyperparameters({ ...base, learning_rate: 1e-2, lora_r: 256, max_length: 4096 }, surroundings)).toEqual([])
  })

  it('lets a 4-bit base through where there is an NVIDIA GPU, so that RunPod users are not locked out', () => {
    expect(checkHyperparameters({ ...base, load_in_4bit: true }, { ...surroundings, endpoint: { hasCuda: true } })).toEqual([])
  })
})
