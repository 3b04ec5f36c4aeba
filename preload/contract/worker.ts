import { z } from 'zod'
import { baseModelRefSchema } from './models.ts'
import { hyperparametersSchema } from './hyperparameters.ts'
import { bytesSchema, countSchema, idSchema, sha256Schema, timeMsSchema } from './primitives.ts'
import { maskSampleSchema, stopReasonSchema } from './worker-events.ts'

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
  limits: z.strictObject({
    max_seconds: z.int().positive().nullable(),
    /** The run ends, with its adapter, before seconds × price reach this; needs the price. */
    max_cost_micro_usd: z.int().positive().nullable(),
    price_micro_usd_per_hour: z.int().positive().nullable(),
  }),
  /** Departures from the safe course that the user has agreed to. */
  accepts: z.strictObject({
    /** Leave rows out that have nothing to learn, instead of refusing the run. */
    rows_without_answer: z.boolean(),
    /** Go on although more than one row in twenty is shortened or left out by max_length. */
    rows_cut: z.boolean(),
  }),
  /** Answered by the base model and at every evaluation; without any, held-out rows are used. */
  sample_prompts: z.array(z.string().min(1).max(4000)).max(10),
})
export type TrainInput = z.infer<typeof trainInputSchema>

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
  'COST_LIMIT',
  'ROWS_CUT',
  'TARGETS_TOO_LARGE',
  'VOLUME_READ_ONLY',
  'UNSAFE_URL',
  'NOT_FOUND',
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
  /** Why it ended before its last step; null when all steps were done. Absent in results of older workers. */
  ended_by: stopReasonSchema.nullable().optional(),
  mask_samples: z.array(maskSampleSchema).max(3).optional(),
  processes: z.int().positive().optional(),
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
