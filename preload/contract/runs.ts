import { z } from 'zod'
import { defineEvents, defineRoutes } from './define.ts'
import { hyperparametersSchema, presetSchema } from './hyperparameters.ts'
import { baseModelRefSchema } from './models.ts'
import {
  byIdSchema,
  bytesSchema,
  countSchema,
  doneSchema,
  durationMsSchema,
  idSchema,
  microUsdSchema,
  rangeSchema,
  sha256Schema,
  timeMsSchema,
} from './primitives.ts'
import { workerErrorSchema } from './worker.ts'

/** Status words of a run; completed, failed and cancelled are final. */
export const runStatusSchema = z.enum(['queued', 'initializing', 'running', 'collecting', 'completed', 'failed', 'cancelled'])
export type RunStatus = z.infer<typeof runStatusSchema>

/** The finer step shown in the stage strip. */
export const runStageSchema = z.enum([
  'waiting',
  'uploading',
  'queued_on_endpoint',
  'starting_worker',
  'preparing',
  'loading_model',
  'evaluating_base',
  'training',
  'saving',
  'packaging',
  'collecting',
  'ended',
])
export type RunStage = z.infer<typeof runStageSchema>

/** `keep` saves a usable adapter first; `discard` throws the result away. */
export const stopModeSchema = z.enum(['keep', 'discard'])
export type StopMode = z.infer<typeof stopModeSchema>

/** How far the stronger measure of a stop has come: all workers of the endpoint are ended. */
export const endingWorkersSchema = z.enum(['not_asked', 'asked', 'done'])

/** Departures from the safe course; a run without them is refused rather than trained on less than was given. */
const runAcceptsSchema = z.strictObject({ rowsWithoutAnswer: z.boolean(), rowsCut: z.boolean() })
export type RunAccepts = z.infer<typeof runAcceptsSchema>

/** Everything the user decides before a run; frozen at creation. */
export const runConfigSchema = z.strictObject({
  datasetId: idSchema,
  baseModel: baseModelRefSchema,
  endpointId: idSchema,
  preset: presetSchema,
  hyperparameters: hyperparametersSchema,
  /** What the user agreed to after the trainer refused an earlier run. */
  accepts: runAcceptsSchema.default({ rowsWithoutAnswer: false, rowsCut: false }),
  /** The run ends and keeps its best weights before it costs more than this; null where nothing is charged or no limit is wanted. */
  budgetMicroUsd: microUsdSchema.min(10_000, 'A budget starts at one cent').nullable().default(null),
  /** Prompts to answer before and during training; without any, held-out rows are used. */
  samplePrompts: z.array(z.string().trim().min(1).max(4000)).max(10).default([]),
})
export type RunConfig = z.infer<typeof runConfigSchema>

/** Figures of the trainer's plan event. */
export const runPlanSchema = z.object({
  rowsTrain: countSchema,
  rowsEval: countSchema,
  rowsDropped: countSchema,
  rowsTruncated: countSchema,
  tokensTotal: countSchema,
  tokensTrained: countSchema,
  stepsTotal: countSchema,
  stepsPerEpoch: countSchema,
  parametersTrainable: countSchema,
  parametersTotal: countSchema,
  device: z.string(),
  dtype: z.string(),
  /** GPUs or processes that share each step; null when an older trainer did not say. */
  processes: z.int().positive().nullable().default(null),
  packing: z.boolean().nullable().default(null),
  /** Layer names that LoRA adapts; empty when not told. */
  targets: z.array(z.string()).default([]),
})
export type RunPlan = z.infer<typeof runPlanSchema>

/** Memory a run was computed to need before any weight was loaded. */
export const runMemoryPlanSchema = z.object({
  weightsBytes: bytesSchema,
  adapterBytes: bytesSchema,
  optimizerBytes: bytesSchema,
  activationsBytes: bytesSchema,
  totalBytes: bytesSchema,
  /** Null where the device does not tell. */
  availableBytes: bytesSchema.nullable(),
  quantization: z.enum(['none', 'nf4', 'nf4-experts']),
})
export type RunMemoryPlan = z.infer<typeof runMemoryPlanSchema>

/** Why a run did not succeed, in words for the user. */
export const runErrorSchema = z.object({ code: z.string(), message: z.string(), advice: z.string() })
export type RunError = z.infer<typeof runErrorSchema>

/** Latest scalars of a run; null until the worker has reported them. */
export const runHeadSchema = z.object({
  step: countSchema,
  epoch: z.number().nonnegative(),
  loss: z.number().nullable(),
  lossFirst: z.number().nullable(),
  evalLoss: z.number().nullable(),
  evalLossBase: z.number().nullable(),
  evalLossBest: z.number().nullable(),
  learningRate: z.number().nullable(),
  gradNorm: z.number().nullable(),
  tokensPerSecond: z.number().nullable(),
  tokens: countSchema,
  memoryBytes: bytesSchema.nullable(),
  /** The most that any step used. */
  memoryPeakBytes: bytesSchema.nullable().default(null),
  /** Median milliseconds of the last 50 steps; null before the first. */
  stepMs: z.number().nullable(),
})
export type RunHead = z.infer<typeof runHeadSchema>

export const runSchema = z.object({
  id: idSchema,
  name: z.string(),
  status: runStatusSchema,
  stage: runStageSchema,
  stageDetail: z.string().nullable(),
  config: runConfigSchema,
  datasetName: z.string(),
  datasetSha256: sha256Schema.nullable(),
  datasetRows: countSchema,
  baseModelLabel: z.string(),
  endpointName: z.string(),
  endpointKind: z.enum(['local', 'runpod']),
  /** True while it waits for its turn in the queue. */
  isWaiting: z.boolean().optional(),
  jobId: z.string().nullable(),
  attempt: countSchema,
  plan: runPlanSchema.nullable(),
  memoryPlan: runMemoryPlanSchema.nullable(),
  head: runHeadSchema,
  /** 0–1 over all steps; null until the number of steps is known. */
  progress: z.number().min(0).max(1).nullable(),
  etaMs: durationMsSchema.nullable(),
  stopRequested: stopModeSchema.nullable(),
  stopAskedAtMs: timeMsSchema.nullable(),
  endingWorkers: endingWorkersSchema,
  error: runErrorSchema.nullable(),
  workerError: workerErrorSchema.nullable(),
  adapterId: idSchema.nullable(),
  /** A checkpoint that an ended run without a result has left, and what fetching it may cost at most; null where there is none. */
  rescue: z
    .object({
      state: z.enum(['offered', 'working']),
      step: z.int().positive(),
      mostMicroUsd: microUsdSchema.nullable(),
      /** Why an earlier try did not work. */
      message: z.string().nullable(),
    })
    .nullable()
    .default(null),
  /** The run that this one tries again. */
  retryOf: idSchema.nullable(),
  costMicroUsd: microUsdSchema.nullable(),
  /** What the cost so far grows by; null where nothing is charged. */
  meter: z
    .object({
      priceMicroUsdPerHour: microUsdSchema.nullable(),
      /** The worker's start, estimated. */
      startUpMs: durationMsSchema,
      /** The run ends before it costs more; null without a budget. */
      capMicroUsd: microUsdSchema.nullable(),
      /** False before the job starts and once it is over. */
      isRunning: z.boolean(),
    })
    .nullable(),
  createdAtMs: timeMsSchema,
  startedAtMs: timeMsSchema.nullable(),
  endedAtMs: timeMsSchema.nullable(),
  /** Last time the worker or the platform answered about this run. */
  lastSeenAtMs: timeMsSchema.nullable(),
  /** Set while contact is lost: what is being done about it. */
  contactLost: z.string().nullable(),
})
export type Run = z.infer<typeof runSchema>

/** One point of the loss curve (`train` rows carry every scalar, `eval` rows only the loss). */
export const metricPointSchema = z.object({
  kind: z.enum(['train', 'eval']),
  step: countSchema,
  epoch: z.number(),
  loss: z.number(),
  learningRate: z.number().nullable(),
  gradNorm: z.number().nullable(),
  tokensPerSecond: z.number().nullable(),
  tokens: countSchema.nullable(),
  /** Share of the held-out answer tokens that the model would have chosen itself; `eval` rows only. */
  accuracy: z.number().min(0).max(1).nullable(),
  atMs: timeMsSchema,
})
export type MetricPoint = z.infer<typeof metricPointSchema>

export const runLogLineSchema = z.object({
  id: z.int().positive(),
  atMs: timeMsSchema,
  level: z.enum(['debug', 'info', 'warning', 'error']),
  source: z.enum(['app', 'worker', 'trainer']),
  message: z.string(),
})
export type RunLogLine = z.infer<typeof runLogLineSchema>

export const runSampleSchema = z.object({ step: countSchema, prompt: z.string(), text: z.string(), atMs: timeMsSchema })
export type RunSample = z.infer<typeof runSampleSchema>

/** One training row as the model reads it, stretch by stretch: learned or only read. */
export const runMaskSampleSchema = z.object({
  row: z.int().positive(),
  tokens: countSchema,
  tokensTrained: countSchema,
  segments: z.array(z.object({ text: z.string(), isTrained: z.boolean() })),
  isCut: z.boolean(),
})
export type RunMaskSample = z.infer<typeof runMaskSampleSchema>

/** One line of a run's history, as it was appended before its effect. */
export const runEventRecordSchema = z.object({ seq: z.int().positive(), atMs: timeMsSchema, type: z.string(), detail: z.string() })

export const checkpointMarkSchema = z.object({ step: countSchema, isBest: z.boolean(), bytes: bytesSchema, atMs: timeMsSchema })

/** What a run will do and cost, each figure with where it comes from. */
export const estimateSchema = z.object({
  rows: countSchema,
  rowsEval: countSchema,
  tokens: rangeSchema,
  steps: countSchema,
  stepsPerEpoch: countSchema,
  durationMs: rangeSchema.nullable(),
  costMicroUsd: rangeSchema.nullable(),
  /** One sentence per figure: how it was computed. */
  basis: z.array(z.object({ figure: z.enum(['tokens', 'steps', 'time', 'cost']), text: z.string() })),
  /** What time and cost rest on: earlier runs, the shipped table, or a simple formula; null when they are not known. */
  pace: z
    .object({ basis: z.enum(['measured', 'table', 'simple']), sentence: z.string() })
    .nullable()
    .optional(),
  warnings: z.array(z.string()),
})
export type Estimate = z.infer<typeof estimateSchema>

/** A fix that the app can carry out, or the place where the user can. */
export const preflightActionSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('set_budget'), budgetMicroUsd: microUsdSchema }),
  z.object({
    kind: z.literal('set_hyperparameter'),
    name: z.enum(['max_length', 'gradient_accumulation_steps', 'load_in_4bit']),
    value: z.union([z.int(), z.boolean()]),
  }),
  /** Opens a choice of the new run again. */
  z.object({ kind: z.literal('choose'), choice: z.enum(['dataset', 'model', 'endpoint', 'preset']) }),
  /** Drops the rows of which no token is trained; it can be undone like every edit. */
  z.object({ kind: z.literal('leave_rows_out'), datasetId: idSchema }),
  z.object({ kind: z.literal('open_dataset'), datasetId: idSchema, tab: z.enum(['issues', 'tokens']) }),
  z.object({ kind: z.literal('open_page'), page: z.enum(['endpoints', 'costs']) }),
  z.object({ kind: z.literal('open_link'), link: z.enum(['runpod_console']) }),
  /** Reads the endpoint again, after something was changed at RunPod. */
  z.object({ kind: z.literal('test_connection'), endpointId: idSchema }),
])
export type PreflightAction = z.infer<typeof preflightActionSchema>

/** One line of the red/green list before Start. */
export const preflightItemSchema = z.object({
  id: z.enum([
    'dataset',
    'mask',
    'model',
    'gated',
    'endpoint',
    'key',
    'worker',
    'stock',
    'hyperparameters',
    'upload',
    'disk',
    'time',
    'money',
  ]),
  /** False where it keeps the run from starting. */
  isOk: z.boolean(),
  /** False where nothing is known to be wrong and nothing shows that it is right. */
  isKnown: z.boolean(),
  text: z.string(),
  fix: z.string().nullable(),
  /** The fix as one step of the app; absent where it is the user's. */
  action: preflightActionSchema.optional(),
})
export type PreflightItem = z.infer<typeof preflightItemSchema>

export const runRoutes = defineRoutes({
  'runs.list': {
    input: z.strictObject({
      search: z.string().max(200).default(''),
      status: z.enum(['all', 'active', 'completed', 'failed', 'cancelled']).default('all'),
      sort: z.enum(['newest', 'name', 'loss']).default('newest'),
    }),
    output: z.array(runSchema),
  },
  'runs.get': { input: byIdSchema, output: runSchema },
  'runs.resolvePreset': {
    input: z.strictObject({
      preset: presetSchema.exclude(['custom']),
      baseModel: baseModelRefSchema,
      datasetId: idSchema.nullable(),
      /** Whether the base is to be loaded in 4 bits, which asks for smaller corrections. */
      isIn4bit: z.boolean().default(false),
    }),
    output: z.object({ hyperparameters: hyperparametersSchema, notes: z.array(z.string()) }),
  },
  'runs.estimate': { input: runConfigSchema, output: estimateSchema },
  'runs.preflight': { input: runConfigSchema, output: z.array(preflightItemSchema) },
  'runs.start': {
    input: z.strictObject({
      config: runConfigSchema,
      name: z.string().trim().max(200),
      /** The run that this one tries again. */
      retryOf: idSchema.nullable().optional(),
    }),
    output: runSchema,
  },
  'runs.stop': { input: z.strictObject({ id: idSchema, mode: stopModeSchema }), output: runSchema },
  /** Ends all workers of the run's endpoint, after a stop that its worker does not follow. */
  'runs.endWorkers': { input: byIdSchema, output: runSchema },
  /** Has a worker, which is charged, package the checkpoint of an ended run; how it goes comes with the run. */
  'runs.rescue': { input: byIdSchema, output: runSchema },
  'runs.rename': { input: z.strictObject({ id: idSchema, name: z.string().trim().min(1).max(200) }), output: runSchema },
  'runs.delete': { input: byIdSchema, output: doneSchema },
  'runs.listMetrics': {
    input: z.strictObject({ id: idSchema, afterStep: z.int().min(-1).default(-1) }),
    output: z.object({ points: z.array(metricPointSchema), checkpoints: z.array(checkpointMarkSchema), cursor: countSchema }),
  },
  'runs.listEvents': { input: byIdSchema, output: z.array(runEventRecordSchema) },
  'runs.listSamples': { input: byIdSchema, output: z.array(runSampleSchema) },
  'runs.listMaskSamples': { input: byIdSchema, output: z.array(runMaskSampleSchema) },
  /** Asks where to save and writes the curve as CSV; null when the user closes the dialog. */
  'runs.exportMetricsCsv': { input: byIdSchema, output: z.object({ path: z.string() }).nullable() },
})

export const runEvents = defineEvents({
  'runs.changed': z.object({ id: idSchema }),
  /** New curve points (≤ 4 Hz); `voidAfterStep` tells the chart to drop later points first. */
  'runs.progressed': z.object({
    id: idSchema,
    voidAfterStep: countSchema.nullable(),
    points: z.array(metricPointSchema),
    checkpoints: z.array(checkpointMarkSchema),
    cursor: countSchema,
  }),
  'runs.logged': z.object({ id: idSchema, lines: z.array(runLogLineSchema) }),
})
