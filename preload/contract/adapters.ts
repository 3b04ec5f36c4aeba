import { z } from 'zod'
import { defineEvents, defineRoutes } from './define.ts'
import { hyperparametersSchema } from './hyperparameters.ts'
import { byIdSchema, bytesSchema, doneSchema, idSchema, microUsdSchema, sha256Schema, timeMsSchema } from './primitives.ts'

/** `quarantined` means a hash or header was wrong; the files are kept apart and can be fetched again. */
export const adapterStatusSchema = z.enum(['collecting', 'verified', 'quarantined', 'missing'])
export type AdapterStatus = z.infer<typeof adapterStatusSchema>

/** One reason behind the stars, with the numbers it rests on. */
export const healthReasonSchema = z.object({
  id: z.string(),
  text: z.string(),
  /** Cap this reason puts on the stars; null when it only informs. */
  cap: z.int().min(1).max(5).nullable(),
})

/** Training health, not answer quality; null stars mean "not rated". */
export const trainingHealthSchema = z.object({
  stars: z.int().min(1).max(5).nullable(),
  summary: z.string(),
  reasons: z.array(healthReasonSchema),
})
export type TrainingHealth = z.infer<typeof trainingHealthSchema>

export const adapterFileSchema = z.object({ name: z.string(), bytes: bytesSchema, sha256: sha256Schema })
export type AdapterFile = z.infer<typeof adapterFileSchema>

export const adapterSchema = z.object({
  id: idSchema,
  runId: idSchema,
  name: z.string(),
  status: adapterStatusSchema,
  /** Copied bytes over all bytes while collecting, 0–1. */
  progress: z.number().min(0).max(1),
  baseModelId: z.string(),
  baseModelRevision: z.string().nullable(),
  sizeBytes: bytesSchema,
  files: z.array(adapterFileSchema),
  verifiedAtMs: timeMsSchema.nullable(),
  quarantineReason: z.string().nullable(),
  health: trainingHealthSchema,
  stoppedEarly: z.boolean(),
  datasetName: z.string(),
  datasetSha256: sha256Schema,
  hyperparameters: hyperparametersSchema,
  summary: z.object({
    stepsDone: z.int(),
    stepsTotal: z.int(),
    bestStep: z.int().nullable(),
    lossFirst: z.number().nullable(),
    lossLast: z.number().nullable(),
    evalLossBase: z.number().nullable(),
    evalLossBest: z.number().nullable(),
    tokensTrained: z.int(),
    trainSeconds: z.number(),
    costMicroUsd: microUsdSchema.nullable(),
  }),
  createdAtMs: timeMsSchema,
})
export type Adapter = z.infer<typeof adapterSchema>

export const adapterRoutes = defineRoutes({
  'adapters.list': {
    input: z.strictObject({
      search: z.string().max(200).default(''),
      sort: z.enum(['newest', 'name', 'health']).default('newest'),
    }),
    output: z.array(adapterSchema),
  },
  'adapters.get': { input: byIdSchema, output: adapterSchema },
  'adapters.rename': { input: z.strictObject({ id: idSchema, name: z.string().trim().min(1).max(200) }), output: adapterSchema },
  /** Checks every hash on disk again; a mismatch quarantines it. */
  'adapters.verify': { input: byIdSchema, output: adapterSchema },
  /** Fetches all parts again from the volume. */
  'adapters.fetchAgain': { input: byIdSchema, output: adapterSchema },
  /** Starts a real OS drag of the adapter folder out of the calling window. */
  'adapters.startDrag': { input: byIdSchema, output: doneSchema },
  /** Asks where to save; null when the user closes the dialog. */
  'adapters.saveAs': {
    input: z.strictObject({ id: idSchema, format: z.enum(['zip', 'folder']) }),
    output: z.object({ path: z.string(), bytes: bytesSchema }).nullable(),
  },
  'adapters.reveal': { input: byIdSchema, output: doneSchema },
  'adapters.copyPath': { input: byIdSchema, output: z.object({ path: z.string() }) },
  /** Removes the record and moves its files to the system's trash. */
  'adapters.delete': { input: byIdSchema, output: doneSchema },
})

export const adapterEvents = defineEvents({
  'adapters.changed': z.object({ id: idSchema }),
})
