import type { LogLevel } from '../../lib/log.ts'
import { stageLabel } from './stage-words.ts'
import type { MachineEvent, MachineEventType } from './state.ts'

/** One line of a run's history in words. */
export function describeEvent(event: MachineEvent): string {
  switch (event.type) {
    case 'created':
      return `Run ${event.isQueued === true ? 'added to the queue for' : 'created on'} ${event.facts.endpointName} with ${event.facts.baseModelLabel} and ${event.facts.datasetName}`
    case 'queue_held':
      return event.hold === null ? 'Nothing holds the run back any more' : `The run waits: ${event.hold.text}`
    case 'queue_price_agreed':
      return `Agreed to ${dollars(event.priceMicroUsdPerHour)} an hour`
    case 'queue_released':
      return `Its turn has come${event.capMicroUsd === null ? '' : `; the shared budget leaves it ${dollars(event.capMicroUsd)}`}`
    case 'dataset_frozen':
      return `Training file fixed: ${count(event.dataset.rows, 'row')}, SHA-256 ${event.dataset.sha256.slice(0, 12)}…`
    case 'dataset_uploaded':
      return 'Training file is on the volume'
    case 'prepare_failed':
    case 'submit_refused':
      return event.error.message
    case 'submit_started':
      return 'Handing the run to the endpoint'
    case 'submit_accepted':
      return `The endpoint accepted the run as job ${event.jobId}`
    case 'submit_lost':
      return `The endpoint's answer was lost: ${event.message}`
    case 'submit_again':
      return `Handing the run over again: ${event.reason}`
    case 'job_adopted':
      return 'A worker already has this run; following it through the volume'
    case 'job_started':
      return event.workerId === null ? 'A worker took the run' : `Worker ${event.workerId} took the run`
    case 'job_requeued':
      return `The worker stopped; the run is back in the queue (retry ${event.retries})`
    case 'worker_stage':
      return event.attempt > 1 ? `${stageLabel(event.stage)} (attempt ${event.attempt})` : stageLabel(event.stage)
    case 'worker_resumed':
      return `Training goes on after step ${event.step} (attempt ${event.attempt})`
    case 'worker_stopping':
      return `The trainer is stopping: ${stopReasons[event.reason]}`
    case 'stop_requested':
      return event.mode === 'keep' ? 'Stop requested; the adapter is kept' : 'Stop requested; the result is thrown away'
    case 'workers_end_asked':
      return 'All workers of the endpoint are to be ended'
    case 'workers_ended':
      return 'The endpoint was told to end its workers; the next run lets it start them again'
    case 'workers_end_refused':
      return `The workers of the endpoint could not be ended: ${event.message}`
    case 'remote_ended':
      return `The endpoint reports the job as ${remoteEnds[event.how]}${event.error === null ? '' : `: ${event.error.slice(0, 300)}`}`
    case 'result_found':
      return `Result found: ${event.result.status} at step ${event.result.stepsDone} of ${event.result.stepsTotal}`
    case 'result_missing':
      return `No result on the volume. ${event.reason}`
    case 'collected':
      return 'Adapter fetched and checked'
    case 'collect_failed':
      return event.message
    case 'adapter_quarantined':
      return `Adapter set apart: ${event.message}`
    case 'contact_lost':
      return `Contact lost: ${event.message}`
    case 'contact_regained':
      return 'Contact is back'
    case 'settled':
      return 'Cost recorded and run closed'
    case 'rescue_asked':
      return 'A worker is asked to package what was saved'
    case 'rescue_posted':
      return `The packaging is job ${event.jobId}`
    case 'rescue_failed':
      return event.message
    case 'rescued':
      return 'The checkpoint was packaged, fetched and checked'
  }
}

/** The level at which an event also goes to the run's log; null keeps it out. */
export function logLevelOf(event: MachineEvent): LogLevel | null {
  if (event.type === 'settled') return null
  if (event.type === 'result_found') return event.result.status === 'failed' ? 'error' : 'info'
  return levels[event.type] ?? 'info'
}

const levels: Partial<Record<MachineEventType, LogLevel>> = {
  prepare_failed: 'error',
  submit_refused: 'error',
  rescue_failed: 'error',
  result_missing: 'error',
  submit_lost: 'warning',
  job_requeued: 'warning',
  collect_failed: 'warning',
  adapter_quarantined: 'warning',
  contact_lost: 'warning',
}

const stopReasons = {
  user: 'requested',
  time_limit: 'the time limit is reached',
  cost_limit: 'the money limit is reached',
  early_stopping: 'the held-out loss no longer improves',
  diverged: 'the loss left its range',
  shutdown: 'the worker is shutting down',
} as const

const remoteEnds = {
  COMPLETED: 'done',
  FAILED: 'failed',
  CANCELLED: 'cancelled',
  TIMED_OUT: 'timed out',
  NOT_FOUND: 'no longer known',
} as const

function dollars(microUsd: number): string {
  return `$${(microUsd / 1_000_000).toFixed(2)}`
}

function count(value: number, unit: string): string {
  return `${value.toLocaleString('en-US')} ${unit}${value === 1 ? '' : 's'}`
}
