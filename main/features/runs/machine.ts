import { assertNever } from '../../lib/assert-never.ts'
import {
  isRescuing,
  reduceCollection,
  reduceEndingWorkers,
  reduceMissingResult,
  reduceRemoteEnd,
  reduceResult,
  reduceStop,
} from './machine-end.ts'
import { firstPhaseOf, queuedFrom, reduceQueue } from './queue/machine-queue.ts'
import { isBeingRescued, isRescueEvent, reduceRescue } from './rescue/rescue-state.ts'
import type { Effect, MachineEvent, RunState } from './state.ts'
import { begin, end, enter, ignore, type EventOf, type Transition } from './transition.ts'

/** The first state of a run and what follows from it. */
export function createState(event: EventOf<'created'>, atMs: number): Transition {
  const state: RunState = {
    v: 1,
    phase: firstPhaseOf(event),
    stage: 'waiting',
    detail: null,
    facts: event.facts,
    dataset: null,
    queued: queuedFrom(event),
    submission: 'none',
    posts: 0,
    isRescue: false,
    jobId: null,
    isSeenRunning: false,
    attempt: 0,
    stopRequested: null,
    stopAskedAtMs: null,
    endingWorkers: 'not_asked',
    remoteEnd: null,
    result: null,
    collectFailures: 0,
    finalStatus: null,
    error: null,
    workerError: null,
    adapterId: null,
    contactLost: null,
    rescue: null,
    createdAtMs: atMs,
    submittedAtMs: null,
    startedAtMs: null,
    remoteEndedAtMs: null,
    endedAtMs: null,
    isSettled: false,
  }
  return { state, effects: [{ type: 'notify', notice: 'job_queued' }, begin(state.phase)] }
}

/** The pure heart of a run: (state, event) → new state and what to do; anything out of place is ignored. */
export function reduce(state: RunState, event: MachineEvent, atMs: number): Transition {
  if (state.phase === 'ended') return reduceEnded(state, event, atMs)
  switch (event.type) {
    case 'created':
    case 'settled':
    case 'rescue_asked':
    case 'rescue_posted':
    case 'rescue_failed':
    case 'rescued':
      return ignore(state)
    case 'queue_held':
    case 'queue_price_agreed':
    case 'queue_released':
      return reduceQueue(state, event, atMs)
    case 'dataset_frozen':
    case 'dataset_uploaded':
    case 'prepare_failed':
      return reducePreparation(state, event, atMs)
    case 'submit_started':
    case 'submit_accepted':
    case 'submit_lost':
    case 'submit_refused':
    case 'submit_again':
    case 'job_adopted':
      return reduceSubmission(state, event, atMs)
    case 'job_started':
    case 'job_requeued':
    case 'worker_stage':
    case 'worker_resumed':
    case 'worker_stopping':
      return isWatching(state) ? reduceProgress(state, event, atMs) : ignore(state)
    case 'stop_requested':
      return reduceStop(state, event.mode, atMs)
    case 'workers_end_asked':
    case 'workers_ended':
    case 'workers_end_refused':
      return reduceEndingWorkers(state, event)
    case 'remote_ended':
      return reduceRemoteEnd(state, event, atMs)
    case 'result_found':
      return reduceResult(state, event.result, atMs)
    case 'result_missing':
      return reduceMissingResult(state, event.reason, atMs)
    case 'collected':
    case 'collect_failed':
    case 'adapter_quarantined':
      return state.phase === 'collecting' ? reduceCollection(state, event, atMs) : ignore(state)
    case 'contact_lost':
      if (!needsContact(state) || state.contactLost === event.message) return ignore(state)
      return { state: { ...state, contactLost: event.message }, effects: [] }
    case 'contact_regained':
      return state.contactLost === null ? ignore(state) : { state: { ...state, contactLost: null }, effects: [] }
    default:
      return assertNever(event)
  }
}

function reduceEnded(state: RunState, event: MachineEvent, atMs: number): Transition {
  if (event.type === 'settled') return state.isSettled ? ignore(state) : { state: { ...state, isSettled: true }, effects: [] }
  return isRescueEvent(event) ? reduceRescue(state, event, atMs) : ignore(state)
}

/** The effects that carry a stored state on after a restart; each is safe to do twice. */
export function effectsToResume(state: RunState): readonly Effect[] {
  if (state.phase === 'ended') {
    if (!state.isSettled) return [{ type: 'settle' }]
    return isBeingRescued(state) ? [{ type: 'rescue' }] : []
  }
  return [
    { type: 'notify', notice: 'job_queued' },
    ...(state.startedAtMs === null ? [] : [{ type: 'notify', notice: 'job_started' } as const]),
    begin(state.phase),
  ]
}

/** The state after a list of stored events, from nothing. */
export function replay(events: readonly { readonly event: MachineEvent; readonly atMs: number }[]): RunState | undefined {
  return events.reduce<RunState | undefined>((state, { event, atMs }) => {
    if (state !== undefined) return reduce(state, event, atMs).state
    return event.type === 'created' ? createState(event, atMs).state : undefined
  }, undefined)
}

function reducePreparation(
  state: RunState,
  event: EventOf<'dataset_frozen' | 'dataset_uploaded' | 'prepare_failed'>,
  atMs: number,
): Transition {
  if (event.type === 'prepare_failed') {
    if (state.phase !== 'freezing' && state.phase !== 'uploading') return ignore(state)
    return end({ ...state, error: event.error }, 'failed', atMs)
  }
  if (event.type === 'dataset_frozen') {
    if (state.phase !== 'freezing') return ignore(state)
    return enter({ ...state, dataset: event.dataset, stage: 'uploading', contactLost: null }, 'uploading')
  }
  if (state.phase !== 'uploading') return ignore(state)
  return enter({ ...state, detail: 'Handing the run to the endpoint', contactLost: null }, 'submitting')
}

function reduceSubmission(
  state: RunState,
  event: EventOf<'submit_started' | 'submit_accepted' | 'submit_lost' | 'submit_refused' | 'submit_again' | 'job_adopted'>,
  atMs: number,
): Transition {
  const isSent = state.phase === 'submitting' && state.submission === 'sent'
  switch (event.type) {
    case 'submit_started':
      if (state.phase !== 'submitting' || state.submission !== 'none') return ignore(state)
      return { state: { ...state, submission: 'sent', posts: state.posts + 1, submittedAtMs: state.submittedAtMs ?? atMs }, effects: [] }
    case 'submit_accepted': {
      // A late reply is still the truth about which job is ours.
      if (!isSent && state.phase !== 'reconciling') return ignore(state)
      return enter(
        { ...state, submission: 'accepted', jobId: event.jobId, stage: 'queued_on_endpoint', detail: null, contactLost: null },
        'following',
      )
    }
    case 'submit_lost':
      if (!isSent) return ignore(state)
      return enter({ ...state, detail: 'Checking whether the endpoint took the run' }, 'reconciling')
    case 'submit_refused': {
      if (state.phase !== 'submitting') return ignore(state)
      if (state.stopRequested !== null) return end(state, 'cancelled', atMs)
      return end({ ...state, error: event.error }, 'failed', atMs)
    }
    case 'submit_again':
      if (state.phase !== 'reconciling') return ignore(state)
      if (state.stopRequested !== null && !isRescuing(state)) return end(state, 'cancelled', atMs)
      return enter({ ...state, submission: 'none', detail: 'Handing the run to the endpoint again' }, 'submitting')
    case 'job_adopted':
      if (state.phase !== 'reconciling') return ignore(state)
      return enter({ ...state, submission: 'accepted', stage: 'starting_worker', detail: null, contactLost: null }, 'following')
  }
}

function reduceProgress(
  state: RunState,
  event: EventOf<'job_started' | 'job_requeued' | 'worker_stage' | 'worker_resumed' | 'worker_stopping'>,
  atMs: number,
): Transition {
  switch (event.type) {
    case 'job_started':
      if (state.phase !== 'following' || state.isSeenRunning) return ignore(state)
      return started({ ...state, isSeenRunning: true, stage: isQueuedStage(state) ? 'starting_worker' : state.stage, detail: null }, atMs)
    case 'job_requeued': {
      if (state.phase !== 'following' || !state.isSeenRunning) return ignore(state)
      const detail = 'The worker stopped. The run waits for a worker and goes on from its last checkpoint.'
      return { state: { ...state, isSeenRunning: false, stage: 'queued_on_endpoint', detail }, effects: [] }
    }
    case 'worker_stage': {
      if (event.attempt < state.attempt || (event.stage === state.stage && event.attempt === state.attempt)) return ignore(state)
      const detail = state.stopRequested === null && state.phase === 'following' ? null : state.detail
      return started({ ...state, stage: event.stage, attempt: event.attempt, detail }, atMs)
    }
    case 'worker_resumed':
      if (event.attempt < state.attempt) return ignore(state)
      return started({ ...state, attempt: event.attempt }, atMs)
    case 'worker_stopping':
      return { state: { ...state, detail: stoppingDetail[event.reason] }, effects: [] }
  }
}

const stoppingDetail: Readonly<Record<EventOf<'worker_stopping'>['reason'], string>> = {
  user: 'Stopping: the trainer finishes its step and saves',
  time_limit: 'The time limit is reached: the trainer saves what it has',
  cost_limit: 'The money limit is reached: the trainer saves what it has',
  early_stopping: 'The held-out loss no longer improves: the trainer keeps the best checkpoint',
  diverged: 'The loss left its range: the trainer keeps the best checkpoint',
  shutdown: 'The worker is shutting down: the trainer writes a checkpoint',
}

/** While a worker may be alive its reports count, also after the job API has closed the job. */
function isWatching(state: RunState): boolean {
  return state.phase === 'following' || state.phase === 'reading_result'
}

function needsContact(state: RunState): boolean {
  return state.phase !== 'waiting' && state.phase !== 'freezing' && state.phase !== 'collecting'
}

function isQueuedStage(state: RunState): boolean {
  return state.stage === 'queued_on_endpoint'
}

function started(state: RunState, atMs: number): Transition {
  if (state.startedAtMs !== null) return { state, effects: [] }
  return { state: { ...state, startedAtMs: atMs }, effects: [{ type: 'notify', notice: 'job_started' }] }
}
