import type { TrainInput } from '../../../preload/contract/worker.ts'
import type { QuickProgress } from './quick-checkpoints.ts'
import type { QuickPace } from './quick-session.ts'

const tokensPerRow = 180
const learnedPerRow = 90
const firstLoss = 2.6
const lastLoss = 1.1

/** What a scripted training will do, from its input alone. */
export interface QuickPlan {
  readonly steps: number
  readonly stepsPerEpoch: number
  readonly rowsEval: number
  readonly evalEvery: number
  readonly event: Record<string, unknown>
}

/** Lays a training out as the trainer would: held-out rows, steps per epoch, steps. */
export function planOf({ dataset, hyperparameters: chosen }: TrainInput, pace: QuickPace): QuickPlan {
  const rowsEval = Math.min(dataset.rows - 1, Math.round(dataset.rows * chosen.eval_fraction))
  const rowsTrain = dataset.rows - rowsEval
  const perStep = chosen.per_device_train_batch_size * chosen.gradient_accumulation_steps
  const stepsPerEpoch = Math.max(1, Math.ceil(rowsTrain / perStep))
  const all = stepsPerEpoch * chosen.num_train_epochs
  const steps = Math.min(all, chosen.max_steps ?? pace.mostSteps)
  return {
    steps,
    stepsPerEpoch,
    rowsEval,
    evalEvery: Math.max(1, Math.ceil(stepsPerEpoch / chosen.evals_per_epoch)),
    event: {
      rows_train: rowsTrain,
      rows_eval: rowsEval,
      rows_dropped: 0,
      rows_truncated: 0,
      tokens_total: rowsTrain * tokensPerRow,
      tokens_trained: rowsTrain * learnedPerRow,
      steps_total: steps,
      steps_per_epoch: stepsPerEpoch,
      parameters_trainable: chosen.lora_r * 16,
      parameters_total: 1_000_000,
      device: 'cuda',
      dtype: 'bfloat16',
      processes: 1,
      packing: chosen.packing,
      targets: ['q_proj'],
    },
  }
}

/** The event of the step after `progress`. */
export function stepEvent(progress: QuickProgress, plan: QuickPlan, { hyperparameters: chosen }: TrainInput, stepMs: number) {
  const step = progress.step + 1
  const rows = chosen.per_device_train_batch_size * chosen.gradient_accumulation_steps
  return {
    step,
    epoch: step / plan.stepsPerEpoch,
    loss: lossAt(step, plan) + ((step * 7919) % 13) / 200,
    learning_rate: chosen.learning_rate * (1 - progress.step / plan.steps),
    grad_norm: 0.8 + ((step * 31) % 7) / 20,
    tokens: progress.tokens + rows * tokensPerRow,
    label_tokens: progress.label_tokens + rows * learnedPerRow,
    tokens_per_s: (rows * tokensPerRow * 1000) / Math.max(1, stepMs),
    step_ms: stepMs,
    memory_bytes: 8_000_000_000,
  }
}

/** Held-out loss at a step; falls from the base model's to the end. */
export function evalLossAt(step: number, plan: QuickPlan): number {
  return lossAt(step, plan)
}

function lossAt(step: number, plan: QuickPlan): number {
  return lastLoss + (firstLoss - lastLoss) * Math.exp((-3 * step) / plan.steps)
}
