import { z } from 'zod'
import { exportLayoutSchema, splitNameSchema, splitSettingsSchema } from '../../../../../preload/contract/datasets.ts'
import { bytesSchema, countSchema, sha256Schema, timeMsSchema } from '../../../../../preload/contract/primitives.ts'

/** What the caller knows about an export. */
export const manifestFactsSchema = z.object({
  appVersion: z.string(),
  createdAtMs: timeMsSchema,
  dataset: z.object({
    name: z.string(),
    fileNames: z.array(z.string()),
    /** Hash of the source as it was imported. */
    sha256: sha256Schema.nullable(),
    rows: countSchema,
    /** Number of edits in force, and what they did. */
    version: countSchema,
    editedRows: countSchema,
    droppedRows: countSchema,
  }),
  split: splitSettingsSchema.nullable(),
})
export type ManifestFacts = z.infer<typeof manifestFactsSchema>

/** Content of `manifest.json`, from which an export can be checked and made again. */
export const exportManifestSchema = manifestFactsSchema.extend({
  format: z.literal('tunesmith-export'),
  formatVersion: z.literal(1),
  layout: exportLayoutSchema,
  rows: countSchema,
  files: z.array(
    z.object({ name: z.string(), split: splitNameSchema.nullable(), rows: countSchema, bytes: bytesSchema, sha256: sha256Schema }),
  ),
  refused: z.object({
    rows: countSchema,
    reasons: z.array(z.object({ reason: z.string(), rows: countSchema })),
    /** The first of them, by 0-based row. */
    examples: z.array(z.object({ row: countSchema, reason: z.string() })),
  }),
})
