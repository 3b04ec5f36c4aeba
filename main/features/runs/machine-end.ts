import { assertNever } from '../../lib/assert-never.ts'
import type { StopMode } from '../../../preload/contract/runs.ts'
import { adapterMissingError, remoteEndError } from './run-errors.ts'
import type { ResultSummary, RunState } from './state.ts'
import { end, enter, ignore, type EventOf, type Transition } from './transition.ts'

/** What a wish to stop does in each phase. */
export function reduceStop(state: RunState, mode: StopMode, atMs: number): Transition {
  if (state.stopRequested === 'discard' || state.stopRequested === mode) return ignore(state)
  switch (state.phase) {
    case 'waiting':
    case 'freezing':
    case 'uploading':
      return end({ ...state, stopRequested: mode, stopAskedAtMs: state.stopAskedAtMs ?? atMs }, 'cancelled', atMs)
    case 'submitting':
      if (state.submission === 'none')
        return end({ ...state, stopRequested: mode, stopAskedAtMs: state.stopAskedAtMs ?? atMs }, 'cancelled', atMs)
      return { state: { ...state, stopRequested: mode, stopAskedAtMs: state.stopAskedAtMs ?? atMs, detail: stopDetail(mode) }, effects: [] }
    case 'reconciling':
      return { state: { ...state, stopRequested: mode, stopAskedAtMs: state.stopAskedAtMs ?? atMs, detail: stopDetail(mode) }, effects: [] }
    case 'following':
      return {
        state: { ...state, stopRequested: mode, stopAskedAtMs: state.stopAskedAtMs ?? atMs, detail: stopDetail(mode) },
        effects: [{ type: 'cancel_job' }],
      }
    case 'reading_result':
      if (mode === 'discard') return end({ ...state, stopRequested: mode, stopAskedAtMs: state.stopAskedAtMs ?? atMs }, 'cancelled', atMs)
      return { state: { ...state, stopRequested: mode, stopAskedAtMs: state.stopAskedAtMs ?? atMs }, effects: [] }
    case 'collecting':
      // Training is over: there is nothing to keep that is not being fetched already.
      if (mode === 'keep') return ignore(state)
      return end({ ...state, stopRequested: mode, stopAskedAtMs: state.stopAskedAtMs ?? atMs }, 'cancelled', atMs)
    case 'ended':
      return ignore(state)
    default:
      return assertNever(state.phase)
  }
}

function goneDetail(isWorkerGone: boolean | null): string | null {
  if (isWorkerGone === null) return null
  if (isWorkerGone) return 'Stopped: its worker was seen to have ended'
  return 'The job is cancelled, but its worker was not seen to end and may still be billed. Look at the endpoint in the RunPod console.'
}

/** All workers of the endpoint are ended when a stop is not followed; asked for by the user, carried out, or refused. */
export function reduceEndingWorkers(
  state: RunState,
  event: EventOf<'workers_end_asked' | 'workers_ended' | 'workers_end_refused'>,
): Transition {
  if (state.phase !== 'following' || state.stopRequested === null || state.facts.endpointKind !== 'runpod') return ignore(state)
  switch (event.type) {
    case 'workers_end_asked':
      if (state.endingWorkers !== 'not_asked') return ignore(state)
      return {
        state: { ...state, endingWorkers: 'asked', detail: 'Ending the workers of the endpoint' },
        effects: [{ type: 'cancel_job' }],
      }
    case 'workers_ended':
      if (state.endingWorkers !== 'asked') return ignore(state)
      return { state: { ...state, endingWorkers: 'done', detail: 'The workers of the endpoint were told to end' }, effects: [] }
    case 'workers_end_refused':
      if (state.endingWorkers !== 'asked') return ignore(state)
      return { state: { ...state, endingWorkers: 'not_asked', detail: `The workers could not be ended: ${event.message}` }, effects: [] }
  }
}

function stopDetail(mode: StopMode): string {
  return mode === 'keep' ? 'Stopping: the adapter is saved first' : 'Stopping: the result is thrown away'
}

/** The job API has closed the job; its result is still to be read. */
export function reduceRemoteEnd(state: RunState, event: EventOf<'remote_ended'>, atMs: number): Transition {
  if (state.phase !== 'following') return ignore(state)
  const next: RunState = {
    ...state,
    remoteEnd: { how: event.how, error: event.error, executionMs: event.executionMs },
    startedAtMs: state.startedAtMs ?? event.startedAtMs ?? null,
    remoteEndedAtMs: event.endedAtMs ?? atMs,
    contactLost: null,
  }
  if (state.stopRequested === 'discard') return end(next, 'cancelled', atMs, goneDetail(event.isWorkerGone ?? null))
  const detail = state.stopRequested === 'keep' ? stopDetail('keep') : 'Reading the result from the volume'
  return enter({ ...next, detail }, 'reading_result')
}

/** The result is there and decides. */
export function reduceResult(state: RunState, result: ResultSummary, atMs: number): Transition {
  if (state.phase !== 'following' && state.phase !== 'reading_result' && state.phase !== 'reconciling') return ignore(state)
  const remoteEndedAtMs = state.remoteEndedAtMs ?? atMs
  const next: RunState = { ...state, result, remoteEndedAtMs, workerError: result.error, contactLost: null }
  if (state.stopRequested === 'discard') return end(next, 'cancelled', atMs)
  // The job API says COMPLETED for these too: only the inner status counts.
  if (result.status === 'failed' && !result.hasAdapter) return endFailedInside(next, atMs)
  // A training that failed late has kept its best checkpoint; it is fetched, and the run is failed all the same.
  if (result.hasAdapter) {
    return enter({ ...next, stage: 'collecting', detail: earlyEndNote(result), submission: 'accepted' }, 'collecting')
  }
  if (endStatusAfter(next) === 'cancelled') return end(next, 'cancelled', atMs)
  return end({ ...next, error: adapterMissingError }, 'failed', atMs)
}

function endFailedInside(state: RunState, atMs: number, detail: string | null = null): Transition {
  if (state.stopRequested !== null) return end(state, 'cancelled', atMs)
  const inner = state.workerError
  const error =
    inner === null
      ? { code: 'INTERNAL', message: 'The trainer failed and gave no reason.', advice: 'Look at the log, then start the run again.' }
      : { code: inner.code, message: inner.message, advice: inner.advice }
  return end({ ...state, error }, 'failed', atMs, detail)
}

/** True while a stopped run has been posted again only to have its adapter packaged. */
export function isRescuing(state: RunState): boolean {
  return state.isRescue && state.stopRequested === 'keep'
}

/** A stop that was to keep the adapter, of a run that had begun, left nothing: once, a worker is asked for it. It costs nothing here. */
function canBeRescued(state: RunState): boolean {
  return state.stopRequested === 'keep' && state.startedAtMs !== null && !state.isRescue && state.facts.endpointKind === 'local'
}

/** There is no result, so the way the job ended decides. */
export function reduceMissingResult(state: RunState, reason: string, atMs: number): Transition {
  if (state.phase !== 'reading_result' || state.remoteEnd === null) return ignore(state)
  if (canBeRescued(state)) {
    const detail = 'The stop was cut short: the trainer is asked to package what it had saved'
    return enter(
      { ...state, isRescue: true, submission: 'none', jobId: null, remoteEnd: null, remoteEndedAtMs: null, isSeenRunning: false, detail },
      'submitting',
    )
  }
  if (state.stopRequested !== null) return end(state, 'cancelled', atMs)
  const { how, error } = state.remoteEnd
  const status = how === 'CANCELLED' ? 'cancelled' : 'failed'
  return end({ ...state, error: remoteEndError(how, error, reason) }, status, atMs)
}

/** Fetching the adapter has succeeded, failed, or shown it to be corrupt. */
export function reduceCollection(
  state: RunState,
  event: EventOf<'collected' | 'collect_failed' | 'adapter_quarantined'>,
  atMs: number,
): Transition {
  switch (event.type) {
    case 'collected':
      return endCollected({ ...state, adapterId: event.adapterId }, earlyEndNote(state.result), atMs)
    case 'collect_failed':
      return { state: { ...state, collectFailures: state.collectFailures + 1, detail: event.message }, effects: [] }
    case 'adapter_quarantined': {
      // The training is whole; only the copy is not, and that can be fetched again from the adapter's page.
      const detail = `The adapter did not pass its check and is kept apart: ${event.message}`
      return endCollected({ ...state, adapterId: event.adapterId }, detail, atMs)
    }
  }
}

function endCollected(state: RunState, detail: string | null, atMs: number): Transition {
  if (state.result?.status === 'failed') return endFailedInside(state, atMs, detail)
  return end(state, endStatusAfter(state), atMs, detail)
}

/** Ends that belong to the plan: a limit the user set, or nothing left to gain. */
const plannedEnds: ReadonlySet<string> = new Set(['time_limit', 'cost_limit', 'early_stopping'])

/** A planned early end is a good one; any other early end is cancelled, even when its adapter is kept. */
function endStatusAfter(state: RunState): 'completed' | 'cancelled' {
  if (state.result?.status !== 'stopped') return 'completed'
  const wasAskedTo = state.stopRequested !== null || state.remoteEnd?.how === 'CANCELLED'
  const reason = endReasonOf(state.result)
  return !wasAskedTo && reason !== null && plannedEnds.has(reason) ? 'completed' : 'cancelled'
}

/** Older trainers gave the reason only as the code of an error. */
function endReasonOf({ endedBy, error }: ResultSummary): ResultSummary['endedBy'] {
  if (endedBy !== null) return endedBy
  if (error?.code === 'TIME_LIMIT') return 'time_limit'
  if (error?.code === 'COST_LIMIT') return 'cost_limit'
  return error?.code === 'DIVERGED' ? 'diverged' : null
}

const endReasons: Readonly<Record<NonNullable<ResultSummary['endedBy']>, string>> = {
  user: 'it was stopped',
  time_limit: 'the time limit was reached',
  cost_limit: 'the money limit was reached',
  early_stopping: 'the held-out loss no longer improved, so the best checkpoint was kept',
  diverged: 'the loss left its range, so the best checkpoint was kept',
  shutdown: 'the worker was shut down',
}

function earlyEndNote(result: ResultSummary | null): string | null {
  if (result === null || result.stepsDone >= result.stepsTotal) return null
  const place = `Ended at step ${result.stepsDone.toLocaleString('en-US')} of ${result.stepsTotal.toLocaleString('en-US')}`
  const reason = endReasonOf(result)
  return reason === null ? place : `${place}: ${endReasons[reason]}`
}
