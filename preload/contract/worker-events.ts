import { z } from 'zod'
import { bytesSchema, countSchema, idSchema, timeMsSchema } from './primitives.ts'

/** Steps a training child goes through, in order. */
export const workerStageSchema = z.enum(['preparing', 'loading_model', 'evaluating_base', 'training', 'saving', 'packaging'])
export type WorkerStage = z.infer<typeof workerStageSchema>

const common = { seq: z.int().positive(), attempt: z.int().positive(), t: timeMsSchema }
const step = countSchema

/** Why a run ends before its last step. */
export const stopReasonSchema = z.enum(['user', 'time_limit', 'cost_limit', 'early_stopping', 'diverged', 'shutdown'])

const maskSampleFields = {
  /** Line of the training file, from 1. */
  row: z.int().positive(),
  tokens: countSchema,
  tokens_trained: countSchema,
  /** Neighbouring tokens of the same kind as one text; long rows end with `is_cut`. */
  segments: z.array(z.object({ text: z.string(), is_trained: z.boolean() })),
  is_cut: z.boolean(),
}
export const maskSampleSchema = z.object(maskSampleFields)

/** One line of the worker's event log; `seq` is monotonic over the whole run. */
export const workerEventSchema = z.discriminatedUnion('kind', [
  z.object({
    ...common,
    kind: z.literal('stage'),
    stage: workerStageSchema,
    detail: z.string().optional(),
    done: z.number().nonnegative().optional(),
    total: z.number().nonnegative().optional(),
    unit: z.enum(['bytes', 'rows', 'steps']).optional(),
  }),
  z.object({ ...common, kind: z.literal('resumed'), step }),
  z.object({
    ...common,
    kind: z.literal('plan'),
    rows_train: countSchema,
    rows_eval: countSchema,
    rows_dropped: countSchema,
    rows_truncated: countSchema,
    tokens_total: countSchema,
    tokens_trained: countSchema,
    steps_total: countSchema,
    steps_per_epoch: countSchema,
    parameters_trainable: countSchema,
    parameters_total: countSchema,
    device: z.string(),
    dtype: z.string(),
    /** GPUs (or processes) that share each step. */
    processes: z.int().positive().optional(),
    /** Whether short rows are laid end to end; never changes the loss. */
    packing: z.boolean().optional(),
    /** Layer names that LoRA adapts. */
    targets: z.array(z.string()).optional(),
  }),
  /** What the run will need, computed before any weight is loaded. */
  z.object({
    ...common,
    kind: z.literal('memory_plan'),
    weights_bytes: bytesSchema,
    adapter_bytes: bytesSchema,
    optimizer_bytes: bytesSchema,
    activations_bytes: bytesSchema,
    total_bytes: bytesSchema,
    available_bytes: bytesSchema.nullable(),
    quantization: z.enum(['none', 'nf4', 'nf4-experts']),
  }),
  /** One training row as the model reads it, each stretch marked as learned or only read. */
  z.object({ ...common, kind: z.literal('mask_sample'), ...maskSampleFields }),
  /** Three steps without a finite loss: the last good checkpoint was put back and the rate halved. */
  z.object({ ...common, kind: z.literal('rolled_back'), step, learning_rate_factor: z.number().positive() }),
  z.object({
    ...common,
    kind: z.literal('step'),
    step,
    epoch: z.number().nonnegative(),
    loss: z.number(),
    learning_rate: z.number().nonnegative(),
    grad_norm: z.number().nonnegative(),
    tokens: countSchema,
    label_tokens: countSchema,
    tokens_per_s: z.number().nonnegative(),
    step_ms: z.number().nonnegative(),
    memory_bytes: bytesSchema,
  }),
  z.object({
    ...common,
    kind: z.literal('eval'),
    step,
    epoch: z.number().nonnegative(),
    eval_loss: z.number(),
    eval_tokens: countSchema,
    rows: countSchema,
    /** Share of label tokens that the model would have chosen itself. */
    accuracy: z.number().min(0).max(1).optional(),
  }),
  z.object({ ...common, kind: z.literal('sample'), step, prompt: z.string(), text: z.string() }),
  z.object({ ...common, kind: z.literal('checkpoint'), step, bytes: bytesSchema, best: z.boolean() }),
  z.object({ ...common, kind: z.literal('log'), level: z.enum(['info', 'warning', 'error']), message: z.string() }),
  z.object({ ...common, kind: z.literal('skipped_step'), step, reason: z.string() }),
  z.object({ ...common, kind: z.literal('stopping'), reason: stopReasonSchema }),
  z.object({ ...common, kind: z.literal('finished'), status: z.enum(['completed', 'stopped', 'failed']) }),
  z.object({ ...common, kind: z.literal('heartbeat'), stage: workerStageSchema }),
])
export type WorkerEvent = z.infer<typeof workerEventSchema>

/** The value /status shows in `output` while a job runs. */
export const progressSnapshotSchema = z.object({
  v: z.literal(1),
  run_id: idSchema,
  attempt: z.int().positive(),
  from: countSchema,
  to: countSchema,
  events: z.array(workerEventSchema),
})
