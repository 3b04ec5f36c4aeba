import { z } from 'zod'
import { baseModelRefSchema } from './models.ts'
import { hyperparametersSchema } from './hyperparameters.ts'
import { bytesSchema, countSchema, idSchema, sha256Schema, timeMsSchema } from './primitives.ts'

/** The job input of one training run, as posted to /run and frozen in config.json. */
export const trainInputSchema = z.strictObject({
  v: z.literal(1),
  action: z.literal('train'),
  run_id: idSchema,
  dataset: z.strictObject({
    kind: z.literal('volume'),
    key: z.string().regex(/^datasets\/[0-9a-f]{64}\.jsonl$/),
    sha256: sha256Schema,
    bytes: bytesSchema,
    rows: z.int().positive(),
  }),
  base_model: baseModelRefSchema,
  hyperparameters: hyperparametersSchema,
  limits: z.strictObject({ max_seconds: z.int().positive().nullable() }),
})
export type TrainInput = z.infer<typeof trainInputSchema>

/** Asks a worker what it is; costs one short job. */
export const helloInputSchema = z.strictObject({ v: z.literal(1), action: z.literal('hello') })

/** Steps a training child goes through, in order. */
export const workerStageSchema = z.enum(['preparing', 'loading_model', 'evaluating_base', 'training', 'saving', 'packaging'])
export type WorkerStage = z.infer<typeof workerStageSchema>

const common = { seq: z.int().positive(), attempt: z.int().positive(), t: timeMsSchema }
const step = countSchema

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
  }),
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
  }),
  z.object({ ...common, kind: z.literal('sample'), step, prompt: z.string(), text: z.string() }),
  z.object({ ...common, kind: z.literal('checkpoint'), step, bytes: bytesSchema, best: z.boolean() }),
  z.object({ ...common, kind: z.literal('log'), level: z.enum(['info', 'warning', 'error']), message: z.string() }),
  z.object({ ...common, kind: z.literal('skipped_step'), step, reason: z.string() }),
  z.object({ ...common, kind: z.literal('stopping'), reason: z.enum(['user', 'time_limit', 'diverged', 'shutdown']) }),
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

export const workerErrorCodeSchema = z.enum([
  'INVALID_INPUT',
  'DATASET_MISMATCH',
  'DATASET_EMPTY',
  'MASK_EMPTY',
  'MODEL_NOT_FOUND',
  'MODEL_GATED',
  'OUT_OF_MEMORY',
  'DISK_FULL',
  'DIVERGED',
  'TIME_LIMIT',
  'CONFIG_MISMATCH',
  'INTERNAL',
])
export const workerErrorSchema = z.object({ code: workerErrorCodeSchema, message: z.string(), advice: z.string() })
const endStatusSchema = z.enum(['completed', 'stopped', 'failed'])

/** result.json: written last, the system of record of a run. */
export const workerResultSchema = z.object({
  v: z.literal(1),
  run_id: idSchema,
  status: endStatusSchema,
  attempt: z.int().positive(),
  error: workerErrorSchema.nullable(),
  steps_done: countSchema,
  steps_total: countSchema,
  loss_first: z.number().nullable(),
  loss_last: z.number().nullable(),
  eval_loss_base: z.number().nullable(),
  eval_loss_best: z.number().nullable(),
  eval_loss_last: z.number().nullable(),
  best_step: countSchema.nullable(),
  tokens_trained: countSchema,
  train_seconds: z.number().nonnegative(),
  last_seq: countSchema,
  config_sha256: sha256Schema,
  dataset_sha256: sha256Schema,
  base_model: z.object({ id: z.string(), revision: z.string().nullable(), resolved: z.string(), fingerprint: z.string() }).nullable(),
  manifest_sha256: sha256Schema.nullable(),
  peak_memory_bytes: bytesSchema,
  /** Per held-out row: loss of the base, loss of the shipped checkpoint, label tokens. */
  eval_rows: z.array(z.tuple([z.number(), z.number(), countSchema])).nullable(),
  rows_truncated: countSchema,
  rows_dropped: countSchema,
})
export type WorkerResult = z.infer<typeof workerResultSchema>

/** What a train job returns through the job API; under 10 KB. */
export const jobReturnSchema = z.object({
  v: z.literal(1),
  run_id: idSchema,
  status: endStatusSchema,
  manifest_key: z.string().nullable(),
  manifest_sha256: sha256Schema.nullable(),
  result_key: z.string(),
  /** Not `error`: the worker SDK takes that key out of the answer and calls the job failed. */
  failure: workerErrorSchema.nullable(),
})

/** The adapter's packing list: files, parts, hashes. */
export const manifestSchema = z.object({
  v: z.literal(1),
  run_id: idSchema,
  created_ms: timeMsSchema,
  adapter_files: z.array(z.object({ name: z.string().regex(/^[A-Za-z0-9._-]+$/), bytes: bytesSchema, sha256: sha256Schema })).min(1),
  parts: z.array(
    z.object({
      key: z.string().regex(/^adapter\/part-\d{4,}$/),
      bytes: bytesSchema,
      sha256: sha256Schema,
      file: z.string(),
      offset: bytesSchema,
    }),
  ),
  base_model: z.object({ id: z.string(), revision: z.string().nullable(), fingerprint: z.string() }),
  dataset_sha256: sha256Schema,
  config_sha256: sha256Schema,
  trainer_version: z.string(),
})
export type AdapterManifest = z.infer<typeof manifestSchema>

/** Answer of a worker to `hello`. */
export const helloReplySchema = z.object({
  v: z.literal(1),
  trainer_version: z.string(),
  python: z.string(),
  torch: z.string(),
  device: z.object({
    kind: z.enum(['cpu', 'cuda', 'mps']),
    name: z.string(),
    memory_bytes: bytesSchema.nullable(),
    count: z.int().positive(),
  }),
  disk_free_bytes: bytesSchema,
})
