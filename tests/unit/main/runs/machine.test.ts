import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createState, effectsToResume, reduce, replay } from '../../../../main/features/runs/machine.ts'
import {
  phaseSchema,
  runStateSchema,
  statusOf,
  type Effect,
  type MachineEvent,
  type MachineEventType,
  type Phase,
  type RunState,
} from '../../../../main/features/runs/state.ts'
import { created, keep, discard, innerFailure, oneOfEach, result, remote } from '../../../support/runs/machine-events.ts'
import { runFacts as facts } from '../../../support/runs/run-facts.ts'

const preparing = [created, oneOfEach.dataset_frozen]
const submitting = [...preparing, oneOfEach.dataset_uploaded]
const sent = [...submitting, oneOfEach.submit_started]
const queued = [...sent, oneOfEach.submit_accepted]
const training = [...queued, oneOfEach.job_started, oneOfEach.worker_stage]
const reading = [...training, remote('COMPLETED')]
const collecting = [...reading, result('completed')]
const situations = {
  created: [created],
  uploading: preparing,
  submitting,
  sent,
  reconciling: [...sent, oneOfEach.submit_lost],
  queued,
  training,
  silent: [...training, oneOfEach.contact_lost],
  stopping: [...training, keep],
  reading,
  collecting,
  completed: [...collecting, oneOfEach.collected],
} as const satisfies Record<string, readonly MachineEvent[]>
type Situation = keyof typeof situations

function after(events: readonly MachineEvent[]): RunState {
  const state = replay(events.map((event, index) => ({ event, atMs: 1000 + index })))
  if (state === undefined) throw new Error('Nothing was created')
  return state
}
function phaseAfter(events: readonly MachineEvent[]): string {
  const state = after(events)
  return state.phase === 'ended' ? statusOf(state) : state.phase
}

/** What each event leads to in each situation; whatever is not named must change nothing. */
const table: Readonly<Record<Situation, Partial<Record<MachineEventType, string>>>> = {
  created: { dataset_frozen: 'uploading', prepare_failed: 'failed', stop_requested: 'cancelled' },
  uploading: { dataset_uploaded: 'submitting', prepare_failed: 'failed', stop_requested: 'cancelled', contact_lost: 'uploading' },
  submitting: { submit_started: 'submitting', submit_refused: 'failed', stop_requested: 'cancelled', contact_lost: 'submitting' },
  sent: {
    submit_accepted: 'following',
    submit_lost: 'reconciling',
    submit_refused: 'failed',
    stop_requested: 'submitting',
    contact_lost: 'submitting',
  },
  reconciling: {
    submit_accepted: 'following',
    submit_again: 'submitting',
    job_adopted: 'following',
    result_found: 'collecting',
    stop_requested: 'reconciling',
    contact_lost: 'reconciling',
  },
  queued: {
    job_started: 'following',
    worker_stage: 'following',
    worker_resumed: 'following',
    worker_stopping: 'following',
    stop_requested: 'following',
    remote_ended: 'reading_result',
    result_found: 'collecting',
    contact_lost: 'following',
  },
  training: {
    job_requeued: 'following',
    worker_resumed: 'following',
    worker_stopping: 'following',
    stop_requested: 'following',
    remote_ended: 'reading_result',
    result_found: 'collecting',
    contact_lost: 'following',
  },
  silent: {
    job_requeued: 'following',
    worker_resumed: 'following',
    worker_stopping: 'following',
    stop_requested: 'following',
    remote_ended: 'reading_result',
    result_found: 'collecting',
    contact_regained: 'following',
  },
  stopping: {
    job_requeued: 'following',
    worker_resumed: 'following',
    worker_stopping: 'following',
    remote_ended: 'reading_result',
    result_found: 'collecting',
    contact_lost: 'following',
  },
  reading: {
    worker_resumed: 'reading_result',
    worker_stopping: 'reading_result',
    stop_requested: 'reading_result',
    result_found: 'collecting',
    result_missing: 'failed',
    contact_lost: 'reading_result',
  },
  collecting: { collected: 'completed', collect_failed: 'collecting', adapter_quarantined: 'completed' },
  completed: { settled: 'completed' },
}

const cases = Object.keys(situations).flatMap((situation) =>
  Object.keys(oneOfEach).map((type) => ({ situation: situation as Situation, type: type as MachineEventType })),
)
const moves = cases.flatMap(({ situation, type }) => {
  const to = table[situation][type]
  return to === undefined ? [] : [{ situation, type, to }]
})
const ignored = cases.filter(({ situation, type }) => table[situation][type] === undefined)

describe('every event in every situation', () => {
  it.each(moves)('$situation + $type leads to $to', ({ situation, type, to }) => {
    const before = after(situations[situation])
    const { state } = reduce(before, oneOfEach[type], 5000)
    expect(state).not.toBe(before)
    expect(state.phase === 'ended' ? statusOf(state) : state.phase).toBe(to)
  })

  it.each(ignored)('$situation + $type changes nothing: late, early or repeated', ({ situation, type }) => {
    const before = after(situations[situation])
    const { state, effects } = reduce(before, oneOfEach[type], 5000)
    expect(state).toBe(before)
    expect(effects).toEqual([])
  })
})

const timeLimited: MachineEvent = {
  type: 'result_found',
  result: { ...result('stopped', true).result, error: { code: 'TIME_LIMIT', message: 'm', advice: 'a' }, stepsTotal: 10 },
}

describe('how runs end', () => {
  it.each([
    ['a failure inside COMPLETED is failed', [...reading, result('failed', false)], 'failed'],
    [
      'stopped with keep is cancelled after its adapter is collected',
      [...training, keep, remote('CANCELLED'), result('stopped'), oneOfEach.collected],
      'cancelled',
    ],
    ['stopped with discard is cancelled as soon as the job is gone', [...training, discard, remote('CANCELLED')], 'cancelled'],
    [
      'stop that comes too late leaves completed',
      [...training, keep, remote('COMPLETED'), result('completed'), oneOfEach.collected],
      'completed',
    ],
    ['a time limit that kept an adapter is completed', [...reading, timeLimited, oneOfEach.collected], 'completed'],
    ['an early stop is completed', [...reading, result('completed', true, 'early_stopping'), oneOfEach.collected], 'completed'],
    [
      'an early stop told as stopped is completed too',
      [...reading, result('stopped', true, 'early_stopping'), oneOfEach.collected],
      'completed',
    ],
    [
      'a money limit that kept an adapter is completed',
      [...reading, result('stopped', true, 'cost_limit'), oneOfEach.collected],
      'completed',
    ],
    [
      'a divergence is failed although its best adapter is kept',
      [...reading, result('failed', true, 'diverged'), oneOfEach.collected],
      'failed',
    ],
    ['an early end that nobody asked for is never called complete', [...reading, result('stopped'), oneOfEach.collected], 'cancelled'],
    ['cancelled elsewhere without a result is cancelled', [...training, remote('CANCELLED'), oneOfEach.result_missing], 'cancelled'],
    [
      'cancelled elsewhere with a saved adapter is cancelled with it',
      [...training, remote('CANCELLED'), result('stopped'), oneOfEach.collected],
      'cancelled',
    ],
    ['completed without an adapter is failed', [...reading, result('completed', false)], 'failed'],
    [
      'stopped before the first step is cancelled, not failed',
      [...training, keep, remote('CANCELLED'), result('stopped', false)],
      'cancelled',
    ],
    ['a failure while stopping is cancelled', [...training, keep, remote('CANCELLED'), result('failed', false)], 'cancelled'],
    ['timed out without a result is failed', [...training, remote('TIMED_OUT'), oneOfEach.result_missing], 'failed'],
    ['keep can be changed to discard', [...training, keep, discard, remote('CANCELLED')], 'cancelled'],
    ['a refused post of a stopped run is cancelled', [...sent, keep, oneOfEach.submit_refused], 'cancelled'],
    ['a lost post of a stopped run is not posted again', [...sent, oneOfEach.submit_lost, keep, oneOfEach.submit_again], 'cancelled'],
  ] as const)('%s', (_title, events, expected) => {
    expect(phaseAfter(events)).toBe(expected)
  })

  it('the end sentence says why a run ended before its last step', () => {
    const detail = (endedBy: 'early_stopping' | 'cost_limit' | null) =>
      after([...reading, result('completed', true, endedBy), oneOfEach.collected]).detail
    expect(detail('early_stopping')).toBe('Ended at step 3 of 6: the held-out loss no longer improved, so the best checkpoint was kept')
    expect(detail('cost_limit')).toBe('Ended at step 3 of 6: the money limit was reached')
    expect(detail(null)).toBe('Ended at step 3 of 6')
  })

  it('a divergence keeps its error and its adapter, so that hours of training are not thrown away', () => {
    const state = after([...reading, result('failed', true, 'diverged'), oneOfEach.collected])
    expect(state).toMatchObject({ finalStatus: 'failed', error: innerFailure })
    expect(state.adapterId).not.toBeNull()
  })

  it('a state stored before ended_by was known can still be read', () => {
    const state = after([...reading, result('stopped')])
    const stored = JSON.parse(JSON.stringify(state)) as { result: Record<string, unknown> }
    delete stored.result['endedBy']
    delete stored.result['peakMemoryBytes']
    expect(runStateSchema.parse(stored)).toEqual(state)
  })

  it('a late answer to the post wins over asking again', () => {
    const state = after([...sent, oneOfEach.submit_lost, oneOfEach.submit_accepted])
    expect(state).toMatchObject({ phase: 'following', jobId: 'job-1', posts: 1 })
  })

  it('stage reports of an older attempt do not move the stage back', () => {
    const state = after([...training, oneOfEach.worker_resumed])
    expect(reduce(state, { type: 'worker_stage', stage: 'preparing', attempt: 1 }, 1).state).toBe(state)
  })
})

const anyEvent = fc.constantFrom<MachineEvent>(
  ...Object.values(oneOfEach),
  discard,
  remote('FAILED'),
  remote('CANCELLED'),
  remote('NOT_FOUND'),
  result('stopped'),
  result('failed', false),
)
/** Random events pushed into the usual course, so that deep phases are reached. */
const anyCourse = fc
  .tuple(fc.constantFrom<readonly MachineEvent[]>(...Object.values(situations)), fc.array(anyEvent, { maxLength: 40 }))
  .map(([start, rest]): readonly MachineEvent[] => start.concat(rest))

function walk(events: readonly MachineEvent[]): { states: RunState[]; effects: Effect[] } {
  const first = createState({ type: 'created', facts }, 1000)
  const states = [first.state]
  const effects = [...first.effects]
  for (const [index, event] of events.entries()) {
    const next = reduce(states.at(-1) ?? first.state, event, 1001 + index)
    states.push(next.state)
    effects.push(...next.effects)
  }
  return { states, effects }
}

describe('any order of events', () => {
  it('never leaves a final state, and ends with one closing', () => {
    fc.assert(
      fc.property(anyCourse, (events) => {
        const { states, effects } = walk(events)
        const end = states.findIndex((state) => state.phase === 'ended')
        if (end === -1) return
        const final = states[end]
        for (const later of states.slice(end)) expect({ ...later, isSettled: true }).toEqual({ ...final, isSettled: true })
        expect(effects.filter((effect) => effect.type === 'settle')).toHaveLength(1)
      }),
      { numRuns: 2000 },
    )
  })

  it('posts again only after a lost answer was looked into, or once to fetch what a stop left behind', () => {
    fc.assert(
      fc.property(anyCourse, (events) => {
        const { states } = walk(events)
        let looks = 0
        let rescues = 0
        for (const [index, state] of states.entries()) {
          const before = states[index - 1]
          if (before?.phase === 'reconciling' && state.phase === 'submitting') looks += 1
          if (before?.isRescue === false && state.isRescue) rescues += 1
          expect(state.posts).toBeLessThanOrEqual(1 + looks + Math.min(1, rescues))
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('is the same when replayed from what is stored', () => {
    fc.assert(
      fc.property(anyCourse, (events) => {
        const { states } = walk(events)
        const stored = events.flatMap((event, index) => (states[index] === states[index + 1] ? [] : [{ event, atMs: 1001 + index }]))
        expect(replay([{ event: created, atMs: 1000 }, ...stored])).toEqual(states.at(-1))
      }),
      { numRuns: 1000 },
    )
  })

  it('can be taken up again in every phase: the work of the phase is among the effects', () => {
    const phases = new Set<Phase>()
    fc.assert(
      fc.property(anyCourse, (events) => {
        const state = walk(events).states.at(-1)
        if (state === undefined) return
        phases.add(state.phase)
        const work = effectsToResume(state).filter((effect) => effect.type !== 'notify')
        const closing = state.isSettled ? [] : [{ type: 'settle' }]
        expect(work).toEqual(state.phase === 'ended' ? closing : [{ type: 'begin', phase: state.phase }])
      }),
      { numRuns: 2000 },
    )
    // A run that was started at once never waits; the queue's own tests are beside this one.
    expect(phases).toEqual(new Set(phaseSchema.options.filter((phase) => phase !== 'waiting')))
  })
})
