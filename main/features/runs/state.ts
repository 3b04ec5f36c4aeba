import { z } from 'zod'
import { queueHoldSchema } from '../../../preload/contract/queue.ts'
import { countSchema, idSchema, sha256Schema, timeMsSchema } from '../../../preload/contract/primitives.ts'
import {
  endingWorkersSchema,
  runErrorSchema,
  runStageSchema,
  stopModeSchema,
  type RunStage,
  type RunStatus,
} from '../../../preload/contract/runs.ts'
import { stopReasonSchema, workerStageSchema } from '../../../preload/contract/worker-events.ts'
import { workerErrorSchema } from '../../../preload/contract/worker.ts'
import { rescueSchema } from './rescue/rescue-schema.ts'

/** What the driver is busy with; each phase can be started again from the stored state alone. */
export const phaseSchema = z.enum([
  'waiting',
  'freezing',
  'uploading',
  'submitting',
  'reconciling',
  'following',
  'reading_result',
  'collecting',
  'ended',
])
export type Phase = z.infer<typeof phaseSchema>

/** How the job ended according to the job API. */
export const remoteEndSchema = z.enum(['COMPLETED', 'FAILED', 'CANCELLED', 'TIMED_OUT', 'NOT_FOUND'])
export type RemoteEnd = z.infer<typeof remoteEndSchema>

/** Names and numbers as they were when the run was created; later renames do not rewrite history. */
export const runFactsSchema = z.object({
  datasetName: z.string(),
  datasetRows: countSchema,
  baseModelLabel: z.string(),
  endpointName: z.string(),
  endpointKind: z.enum(['local', 'runpod']),
  /** Of one worker, when the run was started; null where nothing is charged or the price was not known. */
  priceMicroUsdPerHour: countSchema.nullable().default(null),
  /** What the month's budget had left when the run was started; null without such a budget. */
  monthShareMicroUsd: countSchema.nullable().default(null),
  /** The run that this one tries again. */
  retryOf: idSchema.nullable().default(null),
})

/** What the queue knows of a run that was added to it. */
const queuedSchema = z.object({
  /** The most per hour that the user has agreed to; null where no price was known then, or nothing is charged. */
  agreedPriceMicroUsdPerHour: countSchema.nullable(),
  hold: queueHoldSchema.nullable(),
  releasedAtMs: timeMsSchema.nullable(),
  /** What the shared budget left it at its start; null without one. */
  capMicroUsd: countSchema.nullable(),
})

const frozenSchema = z.object({ sha256: sha256Schema, bytes: countSchema, rows: countSchema })
/** The part of result.json that decides how a run ends. */
export const resultSummarySchema = z.object({
  status: z.enum(['completed', 'stopped', 'failed']),
  hasAdapter: z.boolean(),
  error: workerErrorSchema.nullable(),
  stepsDone: countSchema,
  stepsTotal: countSchema,
  /** Why it ended before its last step; null in results of older trainers. */
  endedBy: stopReasonSchema.nullable().default(null),
  peakMemoryBytes: countSchema.nullable().default(null),
  /** What the worker says its steps took. */
  trainedMs: countSchema.nullable().default(null),
})
export type ResultSummary = z.infer<typeof resultSummarySchema>

/** The reducer's whole state, stored with every event. */
export const runStateSchema = z.object({
  v: z.literal(1),
  phase: phaseSchema,
  stage: runStageSchema,
  detail: z.string().nullable(),
  facts: runFactsSchema,
  dataset: frozenSchema.nullable(),
  /** Null for a run that was started at once. */
  queued: queuedSchema.nullable().default(null),
  submission: z.enum(['none', 'sent', 'accepted']),
  /** How many times the job was posted. */
  posts: countSchema,
  /** Posted once more after a stop that left no result, so that a worker packages what was trained. */
  isRescue: z.boolean().default(false),
  jobId: z.string().nullable(),
  isSeenRunning: z.boolean(),
  attempt: countSchema,
  stopRequested: stopModeSchema.nullable(),
  stopAskedAtMs: timeMsSchema.nullable().default(null),
  /** The stronger measure of a stop: all workers of the endpoint are ended. */
  endingWorkers: endingWorkersSchema.default('not_asked'),
  remoteEnd: z.object({ how: remoteEndSchema, error: z.string().nullable(), executionMs: countSchema.nullable().default(null) }).nullable(),
  result: resultSummarySchema.nullable(),
  collectFailures: countSchema,
  finalStatus: z.enum(['completed', 'failed', 'cancelled']).nullable(),
  error: runErrorSchema.nullable(),
  workerError: workerErrorSchema.nullable(),
  adapterId: idSchema.nullable(),
  contactLost: z.string().nullable(),
  rescue: rescueSchema.nullable().default(null),
  createdAtMs: timeMsSchema,
  /** When the job was first handed over: before that, no worker was started for it. */
  submittedAtMs: timeMsSchema.nullable().default(null),
  startedAtMs: timeMsSchema.nullable(),
  /** When the job was seen to have ended: what comes after, fetching the adapter, costs nothing. */
  remoteEndedAtMs: timeMsSchema.nullable().default(null),
  endedAtMs: timeMsSchema.nullable(),
  /** True once the cost record and the closing notice are made. */
  isSettled: z.boolean(),
})
export type RunState = Readonly<z.infer<typeof runStateSchema>>

/** Everything that can happen to a run; stored in run_event before anything is done about it. */
export const machineEventSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('created'), facts: runFactsSchema, isQueued: z.boolean().optional() }),
  z.object({ type: z.literal('queue_held'), hold: queueHoldSchema.nullable() }),
  z.object({ type: z.literal('queue_price_agreed'), priceMicroUsdPerHour: countSchema }),
  z.object({
    type: z.literal('queue_released'),
    priceMicroUsdPerHour: countSchema.nullable(),
    capMicroUsd: countSchema.nullable(),
    monthShareMicroUsd: countSchema.nullable(),
  }),
  z.object({ type: z.literal('dataset_frozen'), dataset: frozenSchema }),
  z.object({ type: z.literal('dataset_uploaded') }),
  z.object({ type: z.literal('prepare_failed'), error: runErrorSchema }),
  z.object({ type: z.literal('submit_started') }),
  z.object({ type: z.literal('submit_accepted'), jobId: z.string().min(1) }),
  z.object({ type: z.literal('submit_lost'), message: z.string() }),
  z.object({ type: z.literal('submit_refused'), error: runErrorSchema }),
  z.object({ type: z.literal('submit_again'), reason: z.string() }),
  z.object({ type: z.literal('job_adopted') }),
  z.object({ type: z.literal('job_started'), workerId: z.string().nullable() }),
  z.object({ type: z.literal('job_requeued'), retries: countSchema }),
  z.object({ type: z.literal('worker_stage'), stage: workerStageSchema, attempt: countSchema }),
  z.object({ type: z.literal('worker_resumed'), step: countSchema, attempt: countSchema }),
  z.object({ type: z.literal('worker_stopping'), reason: stopReasonSchema }),
  z.object({ type: z.literal('stop_requested'), mode: stopModeSchema }),
  z.object({ type: z.literal('workers_end_asked') }),
  z.object({ type: z.literal('workers_ended') }),
  z.object({ type: z.literal('workers_end_refused'), message: z.string() }),
  z.object({
    type: z.literal('remote_ended'),
    how: remoteEndSchema,
    error: z.string().nullable(),
    /** What the platform says the last attempt took; null where it says nothing. */
    executionMs: countSchema.nullable().default(null),
    /** When it began and ended, where it was not seen to. */
    startedAtMs: timeMsSchema.optional(),
    endedAtMs: timeMsSchema.optional(),
    /** Whether the worker of a discarded run was seen to have ended; absent where nobody looked or could. */
    isWorkerGone: z.boolean().nullable().optional(),
  }),
  z.object({ type: z.literal('result_found'), result: resultSummarySchema }),
  z.object({ type: z.literal('result_missing'), reason: z.string() }),
  z.object({ type: z.literal('collected'), adapterId: idSchema }),
  z.object({ type: z.literal('collect_failed'), message: z.string() }),
  z.object({ type: z.literal('adapter_quarantined'), adapterId: idSchema.nullable(), message: z.string() }),
  z.object({ type: z.literal('contact_lost'), message: z.string() }),
  z.object({ type: z.literal('contact_regained') }),
  z.object({ type: z.literal('settled') }),
  z.object({ type: z.literal('rescue_asked') }),
  z.object({ type: z.literal('rescue_posted'), jobId: z.string().min(1) }),
  z.object({ type: z.literal('rescue_failed'), message: z.string() }),
  z.object({ type: z.literal('rescued'), adapterId: idSchema }),
])
export type MachineEvent = z.infer<typeof machineEventSchema>
export type MachineEventType = MachineEvent['type']

/** What has to be done after an event is stored. */
export type Effect =
  | { readonly type: 'begin'; readonly phase: Phase }
  | { readonly type: 'cancel_job' }
  | { readonly type: 'notify'; readonly notice: 'job_queued' | 'job_started' }
  | { readonly type: 'settle' }
  | { readonly type: 'rescue' }

/** The status word that belongs to a stage and a final status. */
export function statusOf(state: Pick<RunState, 'stage' | 'finalStatus'>): RunStatus {
  return state.finalStatus ?? statusByStage[state.stage]
}

const statusByStage: Readonly<Record<RunStage, RunStatus>> = {
  waiting: 'queued',
  uploading: 'initializing',
  queued_on_endpoint: 'queued',
  starting_worker: 'initializing',
  preparing: 'initializing',
  loading_model: 'initializing',
  evaluating_base: 'running',
  training: 'running',
  saving: 'running',
  packaging: 'running',
  collecting: 'collecting',
  ended: 'collecting',
}
