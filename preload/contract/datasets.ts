import { z } from 'zod'
import { defineEvents, defineRoutes } from './define.ts'
import { byIdSchema, bytesSchema, countSchema, doneSchema, emptySchema, idSchema, sha256Schema, timeMsSchema } from './primitives.ts'

/** Line shapes the parser knows; `turns`, `brightrun`, `conversations` and `messages` are the original system's four. */
export const datasetShapeSchema = z.enum(['messages', 'turns', 'brightrun', 'conversations', 'mixed'])
export type DatasetShape = z.infer<typeof datasetShapeSchema>

export const datasetStatusSchema = z.enum(['importing', 'validating', 'ready', 'error'])
export type DatasetStatus = z.infer<typeof datasetStatusSchema>

export const messageRoleSchema = z.enum(['system', 'user', 'assistant', 'tool'])
/** One chat turn after normalisation. */
export const chatMessageSchema = z.object({ role: messageRoleSchema, content: z.string() })
export type ChatMessage = z.infer<typeof chatMessageSchema>
/** One conversation after normalisation, with its true line in the source file. */
export const conversationSchema = z.object({ line: z.int().positive(), messages: z.array(chatMessageSchema).min(1) })
export type Conversation = z.infer<typeof conversationSchema>

/** Everything that can be wrong with one row. */
export const datasetErrorCodeSchema = z.enum([
  'ENCODING_INVALID',
  'JSON_INVALID',
  'ROW_TOO_LARGE',
  'ROW_NOT_OBJECT',
  'SHAPE_UNKNOWN',
  'FIELD_MISSING',
  'FIELD_TYPE',
  'ROLE_UNKNOWN',
  'CONTENT_EMPTY',
  'MESSAGES_EMPTY',
  'ASSISTANT_MISSING',
  'ROLE_ORDER',
])
export type DatasetErrorCode = z.infer<typeof datasetErrorCodeSchema>

/** One fault: where it is (true line, RFC 6901 pointer), what is wrong and what to do. */
export const datasetErrorSchema = z.object({
  line: z.int().positive(),
  pointer: z.string(),
  code: datasetErrorCodeSchema,
  message: z.string(),
  suggestion: z.string(),
})
export type DatasetError = z.infer<typeof datasetErrorSchema>

/** Figures computed over the valid rows; `tokensEstimate` is characters ÷ 4 and is labelled so. */
export const datasetStatsSchema = z.object({
  rows: countSchema,
  validRows: countSchema,
  errorRows: countSchema,
  errors: countSchema,
  blankLines: countSchema,
  turns: countSchema,
  assistantTurns: countSchema,
  characters: countSchema,
  assistantCharacters: countSchema,
  tokensEstimate: countSchema,
  turnsPerRowMean: z.number().nonnegative(),
  longestRowCharacters: countSchema,
  /** Exact rows that repeat an earlier row's messages. */
  duplicateRows: countSchema,
})
export type DatasetStats = z.infer<typeof datasetStatsSchema>

export const datasetSchema = z.object({
  id: idSchema,
  name: z.string().min(1).max(200),
  description: z.string().max(2000),
  fileName: z.string(),
  sizeBytes: bytesSchema,
  sha256: sha256Schema.nullable(),
  shape: datasetShapeSchema.nullable(),
  status: datasetStatusSchema,
  /** Rows done of the known total while importing or validating, 0–1. */
  progress: z.number().min(0).max(1),
  stats: datasetStatsSchema.nullable(),
  /** True once the user agreed to train on the valid rows only. */
  acceptsValidRowsOnly: z.boolean(),
  /** True when a run can be started with it now. */
  isTrainable: z.boolean(),
  errorMessage: z.string().nullable(),
  createdAtMs: timeMsSchema,
  updatedAtMs: timeMsSchema,
  validatedAtMs: timeMsSchema.nullable(),
})
export type Dataset = z.infer<typeof datasetSchema>

export const datasetSortSchema = z.enum(['newest', 'name', 'rows', 'size'])

/** What a dropped or picked file is, before anything is imported. */
export const filePreviewSchema = z.object({
  token: idSchema,
  fileName: z.string(),
  sizeBytes: bytesSchema,
  shape: datasetShapeSchema.nullable(),
  evidence: z.string(),
  firstConversation: z.array(chatMessageSchema).nullable(),
  problem: z.string().nullable(),
  /** Set when the same file is already imported. */
  existingDatasetId: idSchema.nullable(),
})
export type FilePreview = z.infer<typeof filePreviewSchema>

export const datasetRoutes = defineRoutes({
  'datasets.list': {
    input: z.strictObject({
      search: z.string().max(200).default(''),
      status: datasetStatusSchema.nullable().default(null),
      sort: datasetSortSchema.default('newest'),
    }),
    output: z.array(datasetSchema),
  },
  'datasets.get': { input: byIdSchema, output: datasetSchema },
  /** Opens the OS file dialog; answers null when the user closes it. */
  'datasets.pickFile': { input: emptySchema, output: filePreviewSchema.nullable() },
  /** Reads the first rows of a dropped file; call it with `invokeWithFile`, the page never sees or sends a path. */
  'datasets.previewDrop': { input: emptySchema, output: filePreviewSchema },
  'datasets.import': {
    input: z.strictObject({ token: idSchema, name: z.string().trim().min(1).max(200) }),
    output: datasetSchema,
  },
  'datasets.importSample': { input: z.strictObject({ sampleId: z.string().max(100) }), output: datasetSchema },
  'datasets.listSamples': {
    input: emptySchema,
    output: z.array(z.object({ id: z.string(), title: z.string(), description: z.string(), rows: countSchema })),
  },
  'datasets.rename': {
    input: z.strictObject({ id: idSchema, name: z.string().trim().min(1).max(200), description: z.string().max(2000) }),
    output: datasetSchema,
  },
  'datasets.acceptValidRows': { input: z.strictObject({ id: idSchema, accept: z.boolean() }), output: datasetSchema },
  'datasets.validateAgain': { input: byIdSchema, output: datasetSchema },
  'datasets.listErrors': {
    input: z.strictObject({ id: idSchema, offset: countSchema.default(0), limit: z.int().min(1).max(500).default(100) }),
    output: z.object({
      total: countSchema,
      byCode: z.array(z.object({ code: datasetErrorCodeSchema, count: countSchema })),
      errors: z.array(datasetErrorSchema),
    }),
  },
  'datasets.listRows': {
    input: z.strictObject({ id: idSchema, offset: countSchema.default(0), limit: z.int().min(1).max(200).default(50) }),
    output: z.object({ total: countSchema, rows: z.array(conversationSchema) }),
  },
  'datasets.delete': { input: byIdSchema, output: doneSchema },
  'datasets.undoDelete': { input: byIdSchema, output: datasetSchema },
})

export const datasetEvents = defineEvents({
  'datasets.changed': z.object({ id: idSchema }),
  'datasets.progressed': z.object({ id: idSchema, status: datasetStatusSchema, progress: z.number().min(0).max(1) }),
})
