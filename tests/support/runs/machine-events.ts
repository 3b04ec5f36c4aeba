import type { MachineEvent, MachineEventType } from '../../../main/features/runs/state.ts'
import type { EventOf } from '../../../main/features/runs/transition.ts'
import { runFacts as facts } from './run-facts.ts'

const adapterId = '01890a5d-ac96-774b-bcce-b302099a8057'
const failure = { code: 'X', message: 'It broke.', advice: 'Start again.' }
/** A failure inside the worker. */
export const innerFailure = { code: 'OUT_OF_MEMORY' as const, message: 'Too big.', advice: 'Smaller batch.' }
/** The first event of a run. */
export const created: MachineEvent = { type: 'created', facts }

/** A result of a worker. */
export function result(
  status: 'completed' | 'stopped' | 'failed',
  hasAdapter = true,
  endedBy: EventOf<'result_found'>['result']['endedBy'] = null,
): EventOf<'result_found'> {
  const error = status === 'failed' ? innerFailure : null
  return {
    type: 'result_found',
    result: { status, hasAdapter, error, stepsDone: 3, stepsTotal: 6, endedBy, peakMemoryBytes: null, trainedMs: null },
  }
}
/** The end of a job at the platform. */
export function remote(how: 'COMPLETED' | 'FAILED' | 'CANCELLED' | 'TIMED_OUT' | 'NOT_FOUND'): MachineEvent {
  return { type: 'remote_ended', how, error: null, executionMs: null }
}
/** A wish to stop that keeps the adapter. */
export const keep: MachineEvent = { type: 'stop_requested', mode: 'keep' }
/** A wish to stop that throws the result away. */
export const discard: MachineEvent = { type: 'stop_requested', mode: 'discard' }

/** One event of every type. */
export const oneOfEach: Readonly<Record<MachineEventType, MachineEvent>> = {
  created,
  queue_held: {
    type: 'queue_held',
    hold: { code: 'preflight', text: 'no space', advice: 'free some', askedPriceMicroUsdPerHour: null },
  },
  queue_price_agreed: { type: 'queue_price_agreed', priceMicroUsdPerHour: 2_000_000 },
  queue_released: { type: 'queue_released', priceMicroUsdPerHour: 1_000_000, capMicroUsd: 500_000, monthShareMicroUsd: null },
  dataset_frozen: { type: 'dataset_frozen', dataset: { sha256: 'a'.repeat(64), bytes: 1, rows: 3 } },
  dataset_uploaded: { type: 'dataset_uploaded' },
  prepare_failed: { type: 'prepare_failed', error: failure },
  submit_started: { type: 'submit_started' },
  submit_accepted: { type: 'submit_accepted', jobId: 'job-1' },
  submit_lost: { type: 'submit_lost', message: 'lost' },
  submit_refused: { type: 'submit_refused', error: failure },
  submit_again: { type: 'submit_again', reason: 'nothing found' },
  job_adopted: { type: 'job_adopted' },
  job_started: { type: 'job_started', workerId: 'w' },
  job_requeued: { type: 'job_requeued', retries: 1 },
  worker_stage: { type: 'worker_stage', stage: 'training', attempt: 1 },
  worker_resumed: { type: 'worker_resumed', step: 2, attempt: 2 },
  worker_stopping: { type: 'worker_stopping', reason: 'user' },
  stop_requested: keep,
  workers_end_asked: { type: 'workers_end_asked' },
  workers_ended: { type: 'workers_ended' },
  workers_end_refused: { type: 'workers_end_refused', message: 'no' },
  remote_ended: remote('COMPLETED'),
  result_found: result('completed'),
  result_missing: { type: 'result_missing', reason: 'gone' },
  collected: { type: 'collected', adapterId },
  collect_failed: { type: 'collect_failed', message: 'no' },
  adapter_quarantined: { type: 'adapter_quarantined', adapterId: null, message: 'bad hash' },
  contact_lost: { type: 'contact_lost', message: 'silent' },
  contact_regained: { type: 'contact_regained' },
  settled: { type: 'settled' },
  rescue_asked: { type: 'rescue_asked' },
  rescue_posted: { type: 'rescue_posted', jobId: 'job-2' },
  rescue_failed: { type: 'rescue_failed', message: 'no' },
  rescued: { type: 'rescued', adapterId },
}
