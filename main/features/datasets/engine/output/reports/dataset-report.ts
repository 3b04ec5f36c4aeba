import { z } from 'zod'
import {
  consumerOutcomesSchema,
  columnMappingSchema,
  datasetShapeSchema,
  datasetStatsSchema,
  datasetTokensSchema,
  ruleLevelSchema,
  severitySchema,
} from '../../../../../../preload/contract/datasets.ts'
import { bytesSchema, countSchema, sha256Schema, timeMsSchema } from '../../../../../../preload/contract/primitives.ts'

/** One place where a rule is broken. */
export const reportExampleSchema = z.object({
  /** 0-based row of the dataset. */
  row: countSchema,
  /** 1-based line in the source file; null for faults of the set as a whole. */
  line: z.int().positive().nullable(),
  fileName: z.string(),
  pointer: z.string(),
  message: z.string(),
  got: z.string(),
  expected: z.string(),
})
export type ReportExample = z.infer<typeof reportExampleSchema>

/** All faults of one kind: exact counts and the first places. */
export const reportRuleSchema = z.object({
  rule: z.string(),
  level: ruleLevelSchema,
  severity: severitySchema,
  title: z.string(),
  advice: z.string(),
  count: countSchema,
  rows: countSchema,
  examples: z.array(reportExampleSchema),
})
export type ReportRule = z.infer<typeof reportRuleSchema>

/** Everything a report says; the JSON report is this object. */
export const datasetReportSchema = z.object({
  format: z.literal('tunesmith-dataset-report'),
  formatVersion: z.literal(1),
  appVersion: z.string(),
  createdAtMs: timeMsSchema,
  dataset: z.object({
    name: z.string(),
    fileNames: z.array(z.string()),
    sizeBytes: bytesSchema,
    sha256: sha256Schema.nullable(),
    shape: datasetShapeSchema.nullable(),
    mapping: columnMappingSchema.nullable(),
    /** Number of edits in force. */
    version: countSchema,
    stats: datasetStatsSchema,
    tokens: datasetTokensSchema.nullable(),
  }),
  rules: z.array(reportRuleSchema),
  consumers: z.array(consumerOutcomesSchema),
})
export type DatasetReport = z.infer<typeof datasetReportSchema>
