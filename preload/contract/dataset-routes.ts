import { z } from 'zod'
import {
  columnMappingSchema,
  datasetEditSchema,
  datasetOverviewSchema,
  datasetSchema,
  datasetSortSchema,
  datasetStatusSchema,
  datasetTaskKindSchema,
  datasetTaskSchema,
  datasetVersionSchema,
  duplicateGroupSchema,
  duplicateKindSchema,
  exportLayoutSchema,
  filePreviewSchema,
  issueGroupSchema,
  previewRowSchema,
  reportFormatSchema,
  rowChangeSchema,
  rowDetailSchema,
  rowFilterSchema,
  rowIssueSchema,
  rowSortSchema,
  rowSummarySchema,
  splitSettingsSchema,
  tokenPreviewSchema,
  tokenizerSchema,
  vocabularySchema,
} from './datasets.ts'
import { defineEvents, defineRoutes } from './define.ts'
import { byIdSchema, bytesSchema, countSchema, doneSchema, emptySchema, idSchema } from './primitives.ts'

const pageSchema = { offset: countSchema.default(0), limit: z.int().min(1).max(200).default(50) }

/** What a page may ask of the datasets. */
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
  /** Opens the OS file dialog; the answer is empty when the user closes it. */
  'datasets.pickFiles': { input: emptySchema, output: z.array(filePreviewSchema) },
  /** Reads the first rows of a dropped file; call it with `invokeWithFile`, the page never sees or sends a path. */
  'datasets.previewDrop': { input: emptySchema, output: filePreviewSchema },
  /** The first rows of a chosen file under a mapping. */
  'datasets.previewMapping': {
    input: z.strictObject({ token: idSchema, mapping: columnMappingSchema }),
    output: z.object({ rows: z.array(previewRowSchema) }),
  },
  /** Several files become one dataset, in the order given. */
  'datasets.import': {
    input: z.strictObject({
      tokens: z.array(idSchema).min(1).max(100),
      name: z.string().trim().min(1).max(200),
      mapping: columnMappingSchema.nullable().default(null),
    }),
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
  /** Checks the dataset again with other columns. */
  'datasets.setMapping': { input: z.strictObject({ id: idSchema, mapping: columnMappingSchema.nullable() }), output: datasetSchema },
  'datasets.delete': { input: byIdSchema, output: doneSchema },
  'datasets.undoDelete': { input: byIdSchema, output: datasetSchema },

  'datasets.getOverview': { input: byIdSchema, output: datasetOverviewSchema },
  'datasets.listRows': {
    input: z.strictObject({
      id: idSchema,
      filter: rowFilterSchema,
      sort: rowSortSchema.default({ by: 'line', descending: false }),
      ...pageSchema,
    }),
    /** While a text search still runs, `searched` is below 1 and `total` grows. */
    output: z.object({ total: countSchema, searched: z.number().min(0).max(1), rows: z.array(rowSummarySchema) }),
  },
  'datasets.getRow': { input: z.strictObject({ id: idSchema, row: countSchema }), output: rowDetailSchema },
  'datasets.previewTokens': {
    input: z.strictObject({ id: idSchema, row: countSchema, modelId: z.string(), maxLength: z.int().min(64).max(1_048_576) }),
    output: tokenPreviewSchema,
  },
  'datasets.listIssues': { input: byIdSchema, output: z.array(issueGroupSchema) },
  'datasets.listIssueExamples': {
    input: z.strictObject({ id: idSchema, rule: z.string(), ...pageSchema }),
    output: z.object({ total: countSchema, examples: z.array(rowIssueSchema) }),
  },
  'datasets.previewFix': {
    input: z.strictObject({ id: idSchema, rule: z.string() }),
    output: z.object({ rows: countSchema, label: z.string(), examples: z.array(rowChangeSchema) }),
  },
  'datasets.applyEdit': { input: z.strictObject({ id: idSchema, edit: datasetEditSchema }), output: datasetSchema },
  'datasets.undoEdit': { input: byIdSchema, output: datasetSchema },
  'datasets.redoEdit': { input: byIdSchema, output: datasetSchema },
  'datasets.listVersions': { input: byIdSchema, output: z.array(datasetVersionSchema) },
  'datasets.diffVersions': {
    input: z.strictObject({ id: idSchema, from: countSchema, to: countSchema }),
    output: z.object({ dropped: countSchema, restored: countSchema, edited: countSchema, examples: z.array(rowChangeSchema) }),
  },
  'datasets.goToVersion': { input: z.strictObject({ id: idSchema, version: countSchema }), output: datasetSchema },

  'datasets.listTokenizers': { input: emptySchema, output: z.array(tokenizerSchema) },
  'datasets.listVocabularies': { input: emptySchema, output: z.array(vocabularySchema) },
  /** Starts counting in the background. */
  'datasets.countTokens': { input: z.strictObject({ id: idSchema, modelId: z.string() }), output: datasetSchema },
  /** Starts the search for near duplicates in the background; `threshold` is the least similarity. */
  'datasets.findNearDuplicates': {
    input: z.strictObject({ id: idSchema, threshold: z.number().min(0.5).max(1) }),
    output: datasetSchema,
  },
  'datasets.cancelTask': { input: z.strictObject({ id: idSchema, kind: datasetTaskKindSchema }), output: datasetSchema },
  'datasets.listDuplicates': {
    input: z.strictObject({ id: idSchema, of: duplicateKindSchema, ...pageSchema }),
    /** `isKnown` is false until the pass that finds them has run. */
    output: z.object({ isKnown: z.boolean(), total: countSchema, rows: countSchema, groups: z.array(duplicateGroupSchema) }),
  },
  'datasets.setSplit': { input: z.strictObject({ id: idSchema, settings: splitSettingsSchema.nullable() }), output: datasetSchema },

  /** Asks for a folder and writes the usable rows there; answers null when the user closes the dialog. */
  'datasets.export': {
    input: z.strictObject({ id: idSchema, layout: exportLayoutSchema }),
    output: z
      .object({
        folder: z.string(),
        files: z.array(z.object({ name: z.string(), rows: countSchema, bytes: bytesSchema })),
        /** Usable rows that the layout cannot hold. */
        refusedRows: countSchema,
        refusedReasons: z.array(z.object({ reason: z.string(), rows: countSchema })),
      })
      .nullable(),
  },
  /** Asks for a place and writes the report; answers null when the user closes the dialog. */
  'datasets.exportReport': {
    input: z.strictObject({ id: idSchema, format: reportFormatSchema }),
    output: z.object({ fileName: z.string(), bytes: bytesSchema }).nullable(),
  },
})

/** What main says about the datasets. */
export const datasetEvents = defineEvents({
  'datasets.changed': z.object({ id: idSchema }),
  'datasets.progressed': z.object({
    id: idSchema,
    status: datasetStatusSchema,
    progress: z.number().min(0).max(1),
    tasks: z.array(datasetTaskSchema),
  }),
})
