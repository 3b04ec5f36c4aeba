import { z } from 'zod'
import { bytesSchema, countSchema, idSchema, sha256Schema, timeMsSchema } from './primitives.ts'
import { workerEventSchema } from './worker-events.ts'

/** Small jobs besides `train`. All are safe to repeat: the platform may run a job twice. */
const version = { v: z.literal(1) }

/** A file on the volume that jobs may read or write: training files, and what a run leaves behind. */
const volumeKeySchema = z
  .string()
  .max(300)
  .regex(/^(?:datasets|runs)\/[A-Za-z0-9][A-Za-z0-9._-]*(?:\/[A-Za-z0-9][A-Za-z0-9._-]*)*$/)
const base64Schema = z.string().regex(/^[A-Za-z0-9+/]*={0,2}$/)
const encodingSchema = z.enum(['identity', 'gzip'])

/** Asks a worker what it is; costs one short job. */
export const helloInputSchema = z.strictObject({ ...version, action: z.literal('hello') })

/** Writes one piece of a training file; when all bytes are there and the hash agrees, the file appears under its key. */
export const putInputSchema = z.strictObject({
  ...version,
  action: z.literal('put'),
  key: z.string().regex(/^datasets\/[0-9a-f]{64}\.jsonl$/),
  total_bytes: bytesSchema,
  /** Of the whole file; also its name. */
  sha256: sha256Schema,
  offset: bytesSchema,
  encoding: encodingSchema,
  data: base64Schema.max(9_500_000),
})
export const putReplySchema = z.object({ ...version, key: z.string(), received_bytes: bytesSchema, is_complete: z.boolean() })

/** Reads one piece of a file on the volume. */
export const getInputSchema = z.strictObject({
  ...version,
  action: z.literal('get'),
  key: volumeKeySchema,
  offset: bytesSchema,
  max_bytes: z.int().min(1).max(4_000_000),
})
export const getReplySchema = z.object({
  ...version,
  key: z.string(),
  offset: bytesSchema,
  bytes: bytesSchema,
  total_bytes: bytesSchema,
  /** Of the piece, before encoding. */
  sha256: sha256Schema,
  encoding: encodingSchema,
  data: base64Schema,
})

/** Names and sizes of the files under a prefix. */
export const listInputSchema = z.strictObject({ ...version, action: z.literal('list'), prefix: volumeKeySchema })
export const listReplySchema = z.object({
  ...version,
  files: z.array(z.object({ key: z.string(), bytes: bytesSchema, modified_ms: timeMsSchema })),
  is_truncated: z.boolean(),
})

/** Events of a run after a sequence number, when they cannot be read from the volume. */
export const readEventsInputSchema = z.strictObject({
  ...version,
  action: z.literal('read_events'),
  run_id: idSchema,
  after_seq: countSchema,
  max_events: z.int().min(1).max(5000),
})
export const readEventsReplySchema = z.object({ ...version, run_id: idSchema, events: z.array(workerEventSchema), has_more: z.boolean() })

/** Leaves the durable word that the user stopped a run, so that no worker trains it on. */
export const markStopInputSchema = z.strictObject({ ...version, action: z.literal('mark_stop'), run_id: idSchema })
export const markStopReplySchema = z.object({ ...version, run_id: idSchema })

/** Adds a finished run's adapter to its base model's weights and leaves the whole model on the volume. */
export const mergeInputSchema = z.strictObject({ ...version, action: z.literal('merge'), run_id: idSchema })
export const mergeReplySchema = z.object({
  ...version,
  run_id: idSchema,
  folder_key: z.string(),
  files: z.array(z.object({ name: z.string(), bytes: bytesSchema, sha256: sha256Schema })).min(1),
})

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
  disk_total_bytes: bytesSchema,
  /** Versions of the packages that decide what a run computes, by package name. */
  packages: z.record(z.string(), z.string()),
  cuda: z.string().nullable(),
  /** Base models that are on the volume already. */
  base_models: z.array(z.object({ id: z.string(), revision: z.string().nullable(), bytes: bytesSchema })),
  actions: z.array(z.string()),
})
