import type { Hyperparameters } from '../../../preload/contract/hyperparameters.ts'
import type { Run, RunConfig } from '../../../preload/contract/runs.ts'
import { formatMoney } from '../../lib/format.ts'
import { readableHyperparameter, hyperparameterTexts } from '../../lib/hyperparameter-text.ts'

/** One setting that a retry would have otherwise. */
interface ChangeLine {
  readonly label: string
  readonly from: string
  readonly to: string
}

/** What a failed run could be tried again with, so that it does not fail in the same way. */
export interface RetryChange {
  readonly config: RunConfig
  readonly lines: readonly ChangeLine[]
}

type FailedRun = Pick<Run, 'status' | 'error' | 'workerError' | 'config' | 'endpointKind' | 'head' | 'plan' | 'costMicroUsd'>

const shortestLength = 256
const smallestRank = 4
const mostAccumulation = 64
const slowestLearning = 1e-6
const centMicroUsd = 10_000
/** Loading and packaging come on top of the steps. */
const budgetMargin = 1.25

/** The change that the reason of a failure suggests; null when nothing about the run itself would help. */
export function retryChangeFor(run: FailedRun): RetryChange | null {
  if (run.status !== 'failed') return null
  const code: string = run.workerError?.code ?? run.error?.code ?? 'UNKNOWN'
  switch (code) {
    case 'OUT_OF_MEMORY':
    case 'WORKER_LOST':
      return lessMemory(run)
    case 'DIVERGED':
      return changed(run.config, {
        learning_rate: Math.max(slowestLearning, Number((run.config.hyperparameters.learning_rate / 2).toPrecision(2))),
      })
    case 'TARGETS_TOO_LARGE':
      return changed(run.config, { lora_r: Math.max(smallestRank, Math.floor(run.config.hyperparameters.lora_r / 2)) })
    case 'COST_LIMIT':
      return moreBudget(run)
    case 'TIME_LIMIT':
    case 'JOB_TIMED_OUT':
      return moreBudget(run) ?? fewerEpochs(run)
    default:
      return null
  }
}

/** Half the batch with the same number of rows per correction; then a smaller base, then shorter rows. */
function lessMemory({ config, endpointKind }: FailedRun): RetryChange | null {
  const {
    per_device_train_batch_size: batch,
    gradient_accumulation_steps: accumulated,
    load_in_4bit: isIn4bit,
    max_length: length,
  } = config.hyperparameters
  if (batch > 1) {
    const smaller = Math.floor(batch / 2)
    const more = Math.min(mostAccumulation, Math.ceil((batch * accumulated) / smaller))
    return changed(config, { per_device_train_batch_size: smaller, gradient_accumulation_steps: more })
  }
  // Only NVIDIA GPUs load a base in 4 bits.
  if (!isIn4bit && endpointKind === 'runpod') return changed(config, { load_in_4bit: true })
  return length > shortestLength ? changed(config, { max_length: Math.max(shortestLength, Math.floor(length / 2)) }) : null
}

/** The money that all steps take at the pace of those that were made. */
function moreBudget({ config, head, plan, costMicroUsd }: FailedRun): RetryChange | null {
  const { budgetMicroUsd } = config
  if (budgetMicroUsd === null || plan === null || costMicroUsd === null || costMicroUsd === 0 || head.step === 0) return null
  const needed = (costMicroUsd * plan.stepsTotal * budgetMargin) / head.step
  const budget = Math.ceil(needed / centMicroUsd) * centMicroUsd
  if (budget <= budgetMicroUsd) return null
  return {
    config: { ...config, budgetMicroUsd: budget },
    lines: [{ label: 'Budget', from: formatMoney(budgetMicroUsd), to: formatMoney(budget) }],
  }
}

/** The whole epochs that fitted into the time there was. */
function fewerEpochs({ config, head }: FailedRun): RetryChange | null {
  const epochs = Math.max(1, Math.floor(head.epoch))
  return epochs < config.hyperparameters.num_train_epochs ? changed(config, { num_train_epochs: epochs }) : null
}

function changed(config: RunConfig, change: Partial<Hyperparameters>): RetryChange | null {
  const hyperparameters = { ...config.hyperparameters, ...change }
  const names = (Object.keys(change) as (keyof Hyperparameters)[]).filter((name) => hyperparameters[name] !== config.hyperparameters[name])
  if (names.length === 0) return null
  const lines = names.map((name) => ({
    label: hyperparameterTexts[name].label,
    from: readableHyperparameter(name, config.hyperparameters[name]),
    to: readableHyperparameter(name, hyperparameters[name]),
  }))
  return { config: { ...config, preset: 'custom', hyperparameters }, lines }
}
