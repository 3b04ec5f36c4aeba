import { z } from 'zod'
import { rowShapes } from './dataset-shapes.ts'
import { bytesSchema, countSchema, idSchema, sha256Schema, timeMsSchema } from './primitives.ts'

/** Shapes one row can have; `turns`, `brightrun`, `conversations` and `messages` are the original system's four. */
export const rowShapeSchema = z.enum(rowShapes)
export type RowShape = z.infer<typeof rowShapeSchema>

/** The shape of a whole dataset: that of its rows, or `mixed`. */
export const datasetShapeSchema = z.enum([...rowShapeSchema.options, 'mixed'])
export type DatasetShape = z.infer<typeof datasetShapeSchema>

export const datasetStatusSchema = z.enum(['importing', 'validating', 'ready', 'error'])
export type DatasetStatus = z.infer<typeof datasetStatusSchema>

export const messageRoleSchema = z.enum(['system', 'user', 'assistant', 'tool'])
/** A function that an assistant turn calls; `arguments` is JSON text, as in OpenAI's format. */
export const toolCallSchema = z.object({ id: z.string(), name: z.string(), arguments: z.string() })
/** One chat turn after normalisation; what is absent in the row is absent here. */
export const chatMessageSchema = z.object({
  role: messageRoleSchema,
  content: z.string(),
  name: z.string().optional(),
  reasoning: z.string().optional(),
  toolCalls: z.array(toolCallSchema).optional(),
  toolCallId: z.string().optional(),
  /** False for an assistant turn that the row excludes from training (`weight` 0, `train` false). */
  isTrained: z.boolean().optional(),
})
export type ChatMessage = z.infer<typeof chatMessageSchema>

export const severitySchema = z.enum(['error', 'warning', 'info'])
export type Severity = z.infer<typeof severitySchema>
export const ruleLevelSchema = z.enum(['json', 'schema', 'token', 'set'])

/** Which column of a table is which part of a conversation. */
export const columnMappingSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('chat'), system: z.string().nullable(), user: z.string(), assistant: z.string() }),
  z.strictObject({ kind: z.literal('text'), text: z.string() }),
])
export type ColumnMapping = z.infer<typeof columnMappingSchema>

/** What the bytes of a source turned out to be, with the reasons in plain words. */
export const sourceFormatSchema = z.object({
  format: z.enum(['jsonl', 'json_array', 'csv', 'tsv', 'parquet']),
  compression: z.enum(['gzip', 'zstd']).nullable(),
  encoding: z.enum(['utf-8', 'utf-8-bom', 'utf-16le', 'utf-16be', 'windows-1252']).nullable(),
  evidence: z.array(z.string()),
})
export type SourceFormat = z.infer<typeof sourceFormatSchema>

/** Figures computed over the rows; `tokensEstimate` is characters ÷ 4 and is labelled so. */
export const datasetStatsSchema = z.object({
  rows: countSchema,
  validRows: countSchema,
  errorRows: countSchema,
  errors: countSchema,
  warnings: countSchema.default(0),
  infos: countSchema.default(0),
  /** Rows the user dropped; they are in no other figure but `rows`. */
  droppedRows: countSchema.default(0),
  editedRows: countSchema.default(0),
  blankLines: countSchema,
  turns: countSchema,
  assistantTurns: countSchema,
  characters: countSchema,
  assistantCharacters: countSchema,
  tokensEstimate: countSchema,
  turnsPerRowMean: z.number().nonnegative(),
  longestRowCharacters: countSchema,
  /** Rows that repeat an earlier row: byte for byte, and apart from capitals and spaces once the rows are scanned. */
  duplicateRows: countSchema,
})
export type DatasetStats = z.infer<typeof datasetStatsSchema>

/** Long work on a dataset. */
export const datasetTaskKindSchema = z.enum(['import', 'check', 'tokens', 'scan', 'near_duplicates', 'export'])
export type DatasetTaskKind = z.infer<typeof datasetTaskKindSchema>
export const datasetTaskSchema = z.object({
  kind: datasetTaskKindSchema,
  progress: z.number().min(0).max(1),
  /** Null until it can be computed. */
  leftMs: timeMsSchema.nullable(),
  bytesPerSecond: z.number().nonnegative().nullable(),
})
export type DatasetTask = z.infer<typeof datasetTaskSchema>

/** Exact token counts of the usable rows with one base model's tokenizer and chat template. */
export const datasetTokensSchema = z.object({
  modelId: z.string(),
  modelName: z.string(),
  total: countSchema,
  /** Tokens that carry loss. */
  trained: countSchema,
  rows: countSchema,
  longestRow: countSchema,
  /** Usable rows of which no token carries loss; absent where an earlier version counted. */
  untrainedRows: countSchema.optional(),
})
export type DatasetTokens = z.infer<typeof datasetTokensSchema>

export const splitNameSchema = z.enum(['train', 'validation', 'test'])
export type SplitName = z.infer<typeof splitNameSchema>
/** How the rows are divided; the same seed gives the same division. */
export const splitSettingsSchema = z.strictObject({
  seed: z.int().nonnegative(),
  validationShare: z.number().min(0).max(0.5),
  testShare: z.number().min(0).max(0.5),
  stratifyBy: z.enum(['none', 'length', 'language', 'shape']),
})
export type SplitSettings = z.infer<typeof splitSettingsSchema>
export const datasetSplitSchema = z.object({
  settings: splitSettingsSchema,
  rows: z.object({ train: countSchema, validation: countSchema, test: countSchema }),
  /** Groups of rows (same conversation or same prompt) that stayed together. */
  groups: countSchema,
})

export const datasetSchema = z.object({
  id: idSchema,
  name: z.string().min(1).max(200),
  description: z.string().max(2000),
  fileName: z.string(),
  /** Every file it was made of. */
  fileNames: z.array(z.string()),
  sizeBytes: bytesSchema,
  sha256: sha256Schema.nullable(),
  format: sourceFormatSchema.nullable(),
  shape: datasetShapeSchema.nullable(),
  mapping: columnMappingSchema.nullable(),
  status: datasetStatusSchema,
  /** Share done while importing or validating, 0–1. */
  progress: z.number().min(0).max(1),
  /** Work going on now. */
  tasks: z.array(datasetTaskSchema),
  stats: datasetStatsSchema.nullable(),
  tokens: datasetTokensSchema.nullable(),
  split: datasetSplitSchema.nullable(),
  /** Number of edits in force. */
  version: countSchema,
  canUndo: z.boolean(),
  canRedo: z.boolean(),
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

/** One row of a file that is not imported yet. */
export const previewRowSchema = z.object({
  line: z.int().positive(),
  /** The row as text, cut at 2,000 characters. */
  text: z.string(),
  messages: z.array(chatMessageSchema).nullable(),
  problem: z.string().nullable(),
})
export type PreviewRow = z.infer<typeof previewRowSchema>

/** What a dropped or picked file is, before anything is imported. */
export const filePreviewSchema = z.object({
  token: idSchema,
  fileName: z.string(),
  sizeBytes: bytesSchema,
  format: sourceFormatSchema.nullable(),
  shape: datasetShapeSchema.nullable(),
  evidence: z.string(),
  rows: z.array(previewRowSchema),
  firstConversation: z.array(chatMessageSchema).nullable(),
  /** Columns to map when no shape was recognised; null when nothing needs mapping. */
  columns: z.array(z.string()).nullable(),
  suggestedMapping: columnMappingSchema.nullable(),
  /** Why it cannot be imported. */
  problem: z.string().nullable(),
  /** Set when the same file is already imported. */
  existingDatasetId: idSchema.nullable(),
})
export type FilePreview = z.infer<typeof filePreviewSchema>

/** How many rows fall between two edges; `edges` has one more entry than `counts`. */
export const histogramSchema = z.object({
  edges: z.array(z.number()),
  counts: z.array(countSchema),
  min: z.number(),
  p50: z.number(),
  p90: z.number(),
  p99: z.number(),
  max: z.number(),
})
export type Histogram = z.infer<typeof histogramSchema>
const shareSchema = z.object({ name: z.string(), title: z.string(), rows: countSchema })

/** How many rows one trainer or service would keep, cut, leave out or refuse. */
export const consumerOutcomesSchema = z.object({
  name: z.string(),
  title: z.string(),
  kept: countSchema,
  truncated: countSchema,
  dropped: countSchema,
  rejected: countSchema,
})

/** What the rows are like as a set; parts not computed yet are null. */
export const datasetOverviewSchema = z.object({
  shapes: z.array(shareSchema),
  turns: histogramSchema.nullable(),
  characters: histogramSchema.nullable(),
  tokens: histogramSchema.nullable(),
  trainedTokens: histogramSchema.nullable(),
  /** Writing systems of all rows. */
  scripts: z.array(shareSchema).nullable(),
  /** Languages of a sample of rows. */
  languages: z.array(shareSchema).nullable(),
  languageSampleRows: countSchema,
  /** Privacy and quality findings. */
  flags: z.array(shareSchema.extend({ group: z.enum(['privacy', 'secret', 'quality']) })).nullable(),
  /** What stands out in the set as a whole; `row` is an example. */
  observations: z
    .array(
      z.object({
        kind: z.enum(['system-prompt', 'label-imbalance']),
        severity: severitySchema,
        title: z.string(),
        message: z.string(),
        row: countSchema,
      }),
    )
    .nullable(),
  /** What each trainer or service would do with the rows. */
  consumers: z.array(consumerOutcomesSchema),
})
export type DatasetOverview = z.infer<typeof datasetOverviewSchema>

/** Which rows to show; every field narrows. */
export const rowFilterSchema = z.strictObject({
  text: z.string().max(500).default(''),
  rules: z.array(z.string()).default([]),
  severity: severitySchema.nullable().default(null),
  flags: z.array(z.string()).default([]),
  state: z.enum(['all', 'usable', 'faulty', 'edited', 'dropped']).default('all'),
  split: splitNameSchema.nullable().default(null),
  script: z.string().nullable().default(null),
  tokensFrom: countSchema.nullable().default(null),
  tokensTo: countSchema.nullable().default(null),
  turnsFrom: countSchema.nullable().default(null),
  turnsTo: countSchema.nullable().default(null),
  /** At most so many tokens that carry loss, where they are counted. */
  trainedTo: countSchema.nullable().default(null),
})
export type RowFilter = z.infer<typeof rowFilterSchema>
export const rowSortSchema = z.strictObject({
  by: z.enum(['line', 'tokens', 'trained', 'turns', 'characters']),
  descending: z.boolean(),
})
export type RowSort = z.infer<typeof rowSortSchema>

export const rowStateSchema = z.enum(['source', 'edited', 'dropped'])
/** One line of the row browser. */
export const rowSummarySchema = z.object({
  /** 0-based number of the row in the dataset. */
  row: countSchema,
  /** 1-based line in the source file. */
  line: z.int().positive(),
  shape: rowShapeSchema.nullable(),
  turns: countSchema,
  characters: countSchema,
  tokens: countSchema.nullable(),
  trained: countSchema.nullable(),
  severity: severitySchema.nullable(),
  rules: z.array(z.string()),
  flags: z.array(z.string()),
  state: rowStateSchema,
  split: splitNameSchema.nullable(),
  first: z.string(),
})
export type RowSummary = z.infer<typeof rowSummarySchema>

/** One fault: where it is (true line, RFC 6901 pointer), what is wrong and what to do. */
export const rowIssueSchema = z.object({
  row: countSchema,
  line: z.int().positive(),
  pointer: z.string(),
  rule: z.string(),
  severity: severitySchema,
  message: z.string(),
  got: z.string(),
  expected: z.string(),
  suggestion: z.string(),
  fixLabel: z.string().nullable(),
})
export type RowIssue = z.infer<typeof rowIssueSchema>

export const outcomeSchema = z.enum(['kept', 'truncated', 'dropped', 'rejected'])
/** What one trainer or service would do with a row, and why. */
export const verdictSchema = z.object({ consumer: z.string(), title: z.string(), outcome: outcomeSchema, reason: z.string() })
export type Verdict = z.infer<typeof verdictSchema>

/** A piece of personal data or a secret in a row. */
export const findingSchema = z.object({ flag: z.string(), title: z.string(), text: z.string(), pointer: z.string() })

/** Everything about one row. */
export const rowDetailSchema = z.object({
  row: countSchema,
  line: z.int().positive(),
  fileName: z.string(),
  /** The row's JSON as it would be exported now, cut at 200,000 characters. */
  raw: z.string(),
  isRawCut: z.boolean(),
  shape: rowShapeSchema.nullable(),
  state: rowStateSchema,
  split: splitNameSchema.nullable(),
  messages: z.array(chatMessageSchema),
  rejected: z.array(chatMessageSchema).nullable(),
  text: z.string().nullable(),
  toolsJson: z.string().nullable(),
  issues: z.array(rowIssueSchema),
  findings: z.array(findingSchema),
  verdicts: z.array(verdictSchema),
})
export type RowDetail = z.infer<typeof rowDetailSchema>

/** A row as the model sees it. */
export const tokenPreviewSchema = z.object({
  modelId: z.string(),
  modelName: z.string(),
  total: countSchema,
  trained: countSchema,
  /** Number of tokens that fit; equals `total` when nothing is cut. */
  cutAt: countSchema,
  tokens: z.array(z.object({ id: countSchema, text: z.string(), isTrained: z.boolean(), isSpecial: z.boolean() })),
  /** True when the row has more tokens than are listed. */
  isListCut: z.boolean(),
})
export type TokenPreview = z.infer<typeof tokenPreviewSchema>

/** All faults of one kind. */
export const issueGroupSchema = z.object({
  rule: z.string(),
  level: ruleLevelSchema,
  severity: severitySchema,
  title: z.string(),
  advice: z.string(),
  count: countSchema,
  rows: countSchema,
  firstLine: z.int().positive().nullable(),
  /** What a bulk fix would do; null where no safe one exists. */
  fixLabel: z.string().nullable(),
})
export type IssueGroup = z.infer<typeof issueGroupSchema>

export const rowChangeSchema = z.object({
  row: countSchema,
  line: z.int().positive(),
  /** JSON text before and after, each cut at 4,000 characters; null = the row is (or was) dropped. */
  before: z.string().nullable(),
  after: z.string().nullable(),
})
export type RowChange = z.infer<typeof rowChangeSchema>

/** Which rows an edit is for. */
export const rowChoiceSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('rows'), rows: z.array(countSchema).min(1).max(100_000) }),
  z.strictObject({ kind: z.literal('filter'), filter: rowFilterSchema }),
])
export type RowChoice = z.infer<typeof rowChoiceSchema>

/** A change of the dataset; the source file is never rewritten. */
export const datasetEditSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('fix'), rule: z.string() }),
  z.strictObject({ kind: z.literal('drop'), choice: rowChoiceSchema }),
  z.strictObject({ kind: z.literal('restore'), choice: rowChoiceSchema }),
  z.strictObject({ kind: z.literal('redact'), flags: z.array(z.string()).min(1), choice: rowChoiceSchema }),
  z.strictObject({ kind: z.literal('replace'), row: countSchema, text: z.string().max(2_000_000) }),
  /** Drops all but the first row of each group. */
  z.strictObject({ kind: z.literal('drop_duplicates'), of: z.enum(['exact', 'near']) }),
])
export type DatasetEdit = z.infer<typeof datasetEditSchema>

export const datasetVersionSchema = z.object({
  version: countSchema,
  title: z.string(),
  /** Null for an edit that was taken back and not carried out in this session. */
  rowsChanged: countSchema.nullable(),
  atMs: timeMsSchema,
  isCurrent: z.boolean(),
})
export type DatasetVersion = z.infer<typeof datasetVersionSchema>

export const duplicateKindSchema = z.enum(['exact', 'near', 'same_prompt', 'leakage'])
export type DuplicateKind = z.infer<typeof duplicateKindSchema>
/** Rows that belong together; the first is the one that is kept. */
export const duplicateGroupSchema = z.object({
  rows: z.array(rowSummarySchema.extend({ similarity: z.number().min(0).max(1) })),
  /** Rows of the group, of which at most 20 are listed. */
  total: countSchema,
})
export type DuplicateGroup = z.infer<typeof duplicateGroupSchema>

export const exportLayoutSchema = z.enum(['openai', 'sharegpt', 'alpaca', 'prompt_completion', 'parquet_messages', 'llama_factory'])
export type ExportLayout = z.infer<typeof exportLayoutSchema>
export const reportFormatSchema = z.enum(['json', 'csv', 'sarif', 'html'])
export type ReportFormat = z.infer<typeof reportFormatSchema>

/** Base models whose tokens can be counted exactly here. */
export const tokenizerSchema = z.object({ modelId: z.string(), modelName: z.string(), family: z.string(), licence: z.string() })
export type TokenizerChoice = z.infer<typeof tokenizerSchema>

/** A vocabulary that comes with the app, the package it was made from, and both licences. */
export const vocabularySchema = z.object({
  family: z.string(),
  title: z.string(),
  licence: z.string(),
  package: z.object({ registry: z.string(), name: z.string(), version: z.string(), licence: z.string(), text: z.string() }),
})
export type Vocabulary = z.infer<typeof vocabularySchema>
