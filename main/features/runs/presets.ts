import { z } from 'zod'
import type { DatasetStats } from '../../../preload/contract/datasets.ts'
import { hyperparametersSchema, type Hyperparameters, type Preset } from '../../../preload/contract/hyperparameters.ts'
import type { ModelFacts } from '../../../preload/contract/models.ts'
import presetTable from '../../../resources/presets/presets.json'

const presetRowSchema = z.strictObject({
  lora_r: z.int(),
  num_train_epochs: z.int(),
  effective_batch: z.int(),
  lr_scheduler_type: hyperparametersSchema.shape.lr_scheduler_type,
  warmup_ratio: z.number(),
  max_length_cap: z.int(),
  lora_dropout: z.number(),
  evals_per_epoch: z.int(),
  early_stopping_patience: z.int().nullable(),
  max_grad_norm: z.number(),
  max_grad_norm_4bit: z.number(),
})
const presetTableSchema = z.strictObject({ fast: presetRowSchema, balanced: presetRowSchema, quality: presetRowSchema })
const presets = presetTableSchema.parse(presetTable)

/** Alpha is fixed, so that the learning rate does not depend on the rank. */
const loraAlpha = 32
const seed = 42
const stepsWanted = 100
const smallBatch = 8
const smallDatasetRows = 500
const largeDatasetRows = 50_000
const evalRows = { share: 0.1, least: 20, most: 500, shareCap: 0.2, leastDataset: 10 }
const warmupStepsWanted = 5
const shortestLength = 256
/** Below four, so that a row in a dense language still fits; each turn adds its template's marks. */
const charactersPerToken = 3
const tokensPerTurn = 8
const largeModelParameters = 8e9

type ShippedPreset = Exclude<Preset, 'custom'>

/** A preset's values for one model and dataset, each departure from the table explained. */
export interface ResolvedPreset {
  readonly hyperparameters: Hyperparameters
  readonly notes: string[]
}

/** Fills in a preset for a model and, when it is chosen already, a dataset; a 4-bit base asks for smaller corrections. */
export function resolvePreset(preset: ShippedPreset, model: ModelFacts, stats: DatasetStats | null, isIn4bit = false): ResolvedPreset {
  const row = presets[preset]
  const rows = stats?.validRows ?? null
  const notes: string[] = []
  const evalFraction = rows === null ? evalRows.share : evalFractionFor(rows, notes)
  const rowsTrain = rows === null ? null : rows - heldOutRows(rows, evalFraction)
  const batch = effectiveBatchFor(preset, rowsTrain, rows, notes)
  const steps = rowsTrain === null ? null : Math.ceil(rowsTrain / batch) * row.num_train_epochs
  const perDevice = (model.parameters ?? 0) > largeModelParameters ? 1 : 4
  const hyperparameters: Hyperparameters = {
    learning_rate: learningRateFor(model, batch, steps),
    num_train_epochs: row.num_train_epochs,
    per_device_train_batch_size: perDevice,
    gradient_accumulation_steps: batch / perDevice,
    max_length: maxLengthFor(row.max_length_cap, model, stats, notes),
    lora_r: preset === 'quality' && rows !== null && rows > largeDatasetRows ? 128 : row.lora_r,
    lora_alpha: loraAlpha,
    lora_dropout: isMixtureOfExperts(model.label) ? 0 : row.lora_dropout,
    lr_scheduler_type: row.lr_scheduler_type,
    warmup_ratio: preset === 'fast' && steps !== null ? warmupFor(row.warmup_ratio, steps) : row.warmup_ratio,
    weight_decay: 0,
    max_grad_norm: isIn4bit ? row.max_grad_norm_4bit : row.max_grad_norm,
    seed,
    eval_fraction: evalFraction,
    evals_per_epoch: row.evals_per_epoch,
    save_every_steps: steps === null ? 50 : Math.min(500, Math.max(1, Math.ceil(steps / 10))),
    max_steps: null,
    packing: true,
    // The values of the 4-bit base differ only once it is chosen; no preset chooses it.
    load_in_4bit: false,
    early_stopping_patience: evalFraction === 0 ? null : row.early_stopping_patience,
  }
  if (isIn4bit && row.max_grad_norm_4bit !== row.max_grad_norm) {
    notes.push(`With a 4-bit base this preset shortens corrections above ${row.max_grad_norm_4bit} instead of ${row.max_grad_norm}.`)
  }
  if (steps !== null && steps < stepsWanted) {
    notes.push(`This makes ${steps} training steps; ${stepsWanted} or more teach better. More conversations help most.`)
  }
  return { hyperparameters: hyperparametersSchema.parse(hyperparameters), notes }
}

/**
 * The learning rate that suits a family, width and batch: a fitted power law for Qwen and Llama, a square-root rule
 * from 2e-4 at 16 rows for the rest; half as much again on short runs; always within 5e-5 and 5e-4.
 */
export function learningRateFor(model: ModelFacts, effectiveBatch: number, totalSteps: number | null): number {
  const power = model.family === 'qwen' ? 0.0775 : model.family === 'llama' ? 0.781 : null
  const base =
    power === null || model.hiddenSize === null
      ? 2e-4 * Math.sqrt(effectiveBatch / 16)
      : 5e-4 * (2000 / model.hiddenSize) ** power * Math.sqrt(effectiveBatch / 128)
  const rate = totalSteps !== null && totalSteps < stepsWanted ? base * 1.5 : base
  return Number(Math.min(5e-4, Math.max(5e-5, rate)).toPrecision(2))
}

/** Rows that the trainer sets aside for evaluation out of all usable rows; the same rule as its own. */
export function heldOutRows(rows: number, evalFraction: number): number {
  if (evalFraction <= 0 || rows < evalRows.leastDataset) return 0
  const least = rows * evalRows.shareCap >= evalRows.least ? evalRows.least : 1
  return Math.min(evalRows.most, Math.max(least, Math.floor(rows * evalFraction + 0.5)))
}

function evalFractionFor(rows: number, notes: string[]): number {
  if (rows < 2 * evalRows.least) {
    notes.push(`With ${rows} rows none are held out for evaluation, so the result cannot be rated.`)
    return 0
  }
  const wanted = Math.min(evalRows.most, Math.max(evalRows.least, Math.round(rows * evalRows.share)))
  return Math.min(evalRows.shareCap, Number((wanted / rows).toPrecision(3)))
}

function effectiveBatchFor(preset: ShippedPreset, rowsTrain: number | null, rows: number | null, notes: string[]): number {
  const { effective_batch: batch, num_train_epochs: epochs } = presets[preset]
  if (rows === null || rowsTrain === null) return batch
  if (preset === 'quality' && rows < smallDatasetRows) {
    notes.push(`With fewer than ${smallDatasetRows} rows this preset learns from ${smallBatch} conversations per step instead of ${batch}.`)
    return smallBatch
  }
  if (Math.ceil(rowsTrain / batch) * epochs >= stepsWanted) return batch
  notes.push(`The dataset is small, so each step learns from ${smallBatch} conversations instead of ${batch}; that makes more steps.`)
  return smallBatch
}

function warmupFor(ratio: number, steps: number): number {
  return Number(Math.min(0.25, Math.max(ratio, warmupStepsWanted / steps)).toPrecision(3))
}

function maxLengthFor(cap: number, model: ModelFacts, stats: DatasetStats | null, notes: string[]): number {
  const limit = Math.min(cap, model.contextLength ?? cap)
  if (stats === null || stats.longestRowCharacters === 0) return limit
  const longest = Math.ceil(stats.longestRowCharacters / charactersPerToken + stats.turnsPerRowMean * tokensPerTurn)
  const rounded = Math.max(shortestLength, Math.ceil(longest / 64) * 64)
  if (rounded > limit) {
    notes.push(`The longest conversation is about ${longest} tokens; what exceeds ${limit} tokens is shortened or left out.`)
  }
  return Math.min(limit, rounded)
}

/** Model names say it: 80B-A3B has 3 of 80 billion parameters active, 8x7B has eight experts. */
function isMixtureOfExperts(label: string): boolean {
  return /\bA\d+(?:\.\d+)?B\b|\b\d+x\d+B\b|\bMoE\b/i.test(label)
}
