import type { Hyperparameters } from '../../../preload/contract/hyperparameters.ts'
import type { Range } from '../../../preload/contract/primitives.ts'
import type { Estimate } from '../../../preload/contract/runs.ts'
import type { DatasetFacts } from './ports.ts'
import { heldOutRows } from './presets.ts'
import { median } from './progress/live.ts'
import type { MeasuredRun } from './progress/repository.ts'

interface EstimateInput {
  readonly dataset: Pick<DatasetFacts, 'validRows' | 'stats'>
  readonly hyperparameters: Hyperparameters
  readonly endpointKind: 'local' | 'runpod'
  /** Earlier runs of the same base model on the same endpoint. */
  readonly measured: readonly MeasuredRun[]
}

/** A rough token count is given as a range of three to five characters per token. */
const charactersPerToken = { low: 3, high: 5 }
const fewSteps = 20

/** What a run will do, take and cost; what cannot be computed is left out and said so. */
export function estimateRun({ dataset, hyperparameters, endpointKind, measured }: EstimateInput): Estimate {
  const rowsEval = heldOutRows(dataset.validRows, hyperparameters.eval_fraction)
  const rowsTrain = dataset.validRows - rowsEval
  const { steps, stepsPerEpoch } = countSteps(rowsTrain, hyperparameters)
  const characters = dataset.stats?.characters ?? 0
  const tokens: Range = {
    low: Math.floor(characters / charactersPerToken.high),
    high: Math.ceil(characters / charactersPerToken.low),
  }
  const trainedShare = dataset.validRows === 0 || stepsPerEpoch === 0 ? 0 : (rowsTrain / dataset.validRows) * (steps / stepsPerEpoch)
  const durationMs = estimateDuration(measured, { low: tokens.low * trainedShare, high: tokens.high * trainedShare })
  const place = endpointKind === 'local' ? 'this computer' : 'this endpoint'
  return {
    rows: rowsTrain,
    rowsEval,
    tokens,
    steps,
    stepsPerEpoch,
    durationMs,
    costMicroUsd: endpointKind === 'local' ? { low: 0, high: 0 } : null,
    basis: [
      { figure: 'tokens', text: 'Characters of the valid rows at 3 to 5 per token; the exact number is known after loading.' },
      { figure: 'steps', text: stepsText(rowsTrain, hyperparameters) },
      {
        figure: 'time',
        text:
          durationMs === null
            ? `No run of this model on ${place} yet; time is known after the first steps.`
            : `Measured over the last ${measured.length === 1 ? 'run' : `${measured.length} runs`} of this model on ${place}.`,
      },
      {
        figure: 'cost',
        text: endpointKind === 'local' ? 'No charge; runs on this computer.' : 'The price of this endpoint is not known here.',
      },
    ],
    warnings: warningsFor(steps, rowsEval),
  }
}

/** Optimizer steps of a run; `max_steps` cuts it short. */
export function countSteps(rowsTrain: number, hyperparameters: Hyperparameters): { steps: number; stepsPerEpoch: number } {
  const batch = effectiveBatch(hyperparameters)
  const stepsPerEpoch = Math.ceil(rowsTrain / batch)
  const steps = Math.min(stepsPerEpoch * hyperparameters.num_train_epochs, hyperparameters.max_steps ?? Number.POSITIVE_INFINITY)
  return { steps, stepsPerEpoch }
}

function effectiveBatch(hyperparameters: Hyperparameters): number {
  return hyperparameters.per_device_train_batch_size * hyperparameters.gradient_accumulation_steps
}

function stepsText(rowsTrain: number, hyperparameters: Hyperparameters): string {
  const epochs = hyperparameters.num_train_epochs === 1 ? '1 epoch' : `${hyperparameters.num_train_epochs} epochs`
  const cut = hyperparameters.max_steps === null ? '' : `, at most ${hyperparameters.max_steps}`
  return `${rowsTrain} training rows ÷ ${effectiveBatch(hyperparameters)} per step × ${epochs}${cut}.`
}

function warningsFor(steps: number, rowsEval: number): string[] {
  const warnings: string[] = []
  if (steps < fewSteps)
    warnings.push(`Only ${steps} steps: the adapter will have learnt little. Lower the batch size or add conversations.`)
  if (rowsEval === 0) warnings.push('No rows are held out, so there is no evaluation and the result is not rated.')
  return warnings
}

/** Measured milliseconds per token (middle half of all steps) plus what earlier runs took beside their steps. */
function estimateDuration(measured: readonly MeasuredRun[], tokens: Range): Range | null {
  const msPerToken = measured.flatMap((run) => run.steps.map((step) => step.stepMs / step.tokens)).toSorted((a, b) => a - b)
  const low = msPerToken[Math.floor((msPerToken.length - 1) * 0.25)]
  const high = msPerToken[Math.ceil((msPerToken.length - 1) * 0.75)]
  if (low === undefined || high === undefined || tokens.high === 0) return null
  const overheads = measured.flatMap((run) =>
    run.durationMs === null ? [] : [Math.max(0, run.durationMs - run.steps.reduce((sum, step) => sum + step.stepMs, 0))],
  )
  const overheadMs = median(overheads) ?? 0
  return { low: Math.round(tokens.low * low + overheadMs), high: Math.round(tokens.high * high + overheadMs) }
}

/** Price per GPU-hour and tokens per second of the original system's table. */
export const simpleGpuTable = {
  'A100-80GB': { usdPerHour: 3.5, tokensPerSecond: 1800 },
  'A100-40GB': { usdPerHour: 2.8, tokensPerSecond: 1500 },
  H100: { usdPerHour: 4.2, tokensPerSecond: 2200 },
  'V100-32GB': { usdPerHour: 2.1, tokensPerSecond: 1200 },
} as const

interface SimpleInput {
  readonly pairs: number | null
  readonly tokens: number | null
  readonly gpu: keyof typeof simpleGpuTable
  readonly gpuCount: number
  readonly batchSize: number
  readonly epochs: number
}

/** The original system's rule of thumb, unrounded; kept to compare with, not shown for this computer. */
export function simpleEstimate({ pairs, tokens, gpu, gpuCount, batchSize, epochs }: SimpleInput) {
  const knownPairs = pairs ?? 1000
  const knownTokens = tokens ?? knownPairs * 200
  const { usdPerHour, tokensPerSecond } = simpleGpuTable[gpu]
  const steps = Math.ceil(knownPairs / batchSize) * epochs
  const trainSeconds = (steps * (knownTokens / knownPairs) * batchSize) / (tokensPerSecond * gpuCount)
  const overheadSeconds = 600 + 300 * epochs + 300
  const hours = (trainSeconds + overheadSeconds) / 3600
  const storageUsd = 0.5
  return { steps, hours, totalUsd: usdPerHour * gpuCount * hours + storageUsd }
}
