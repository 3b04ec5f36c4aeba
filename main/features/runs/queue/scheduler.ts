import type { MonthStanding } from '../../../../preload/contract/costs.ts'
import type { QueueReason } from '../../../../preload/contract/queue.ts'
import type { EventPublisher } from '../../../ipc/events.ts'
import type { Clock } from '../../../lib/clock.ts'
import type { Log } from '../../../lib/log.ts'
import type { RunEngine } from '../engine.ts'
import type { RunPorts } from '../ports.ts'
import type { RunRepository } from '../repository.ts'
import type { Examine } from './examine.ts'
import type { QueueRepository } from './repository.ts'
import { admit, candidates, pauseAfterFailures, waitingInOrder, type Verdict } from './rules.ts'
import { readSnapshot } from './snapshot.ts'

/** Starts what waits, one decision at a time, each stored before anything follows from it. */
export interface QueueScheduler {
  /** Looks whether something can be started now. */
  wake(): void
  /** Lets go at once; an answer that is still on its way starts nothing any more. */
  dispose(): void
}

export interface SchedulerDependencies {
  readonly queue: QueueRepository
  readonly runs: RunRepository
  readonly engine: RunEngine
  readonly examine: Examine
  readonly notify: RunPorts['notify']
  readonly month: () => MonthStanding | null
  readonly events: EventPublisher
  readonly clock: Clock
  readonly log: Log
}

/** What holds a run back may pass by itself, so it is looked at again. */
const lookAgainMs = 5 * 60_000

/** Builds the scheduler and lets it follow the ends of runs; it starts nothing before the first `wake`. */
export function createQueueScheduler(dependencies: SchedulerDependencies): QueueScheduler {
  const { queue, runs, engine, examine, clock, log } = dependencies
  const life = new AbortController()
  let isAsked = false
  let isWorking = false
  let cancelTimer = () => undefined as void

  const pass = async () => {
    while (!life.signal.aborted && (await startNext())) log.info('A queued run was started')
    if (!life.signal.aborted && waitingInOrder(readSnapshot(queue, runs)).length > 0) {
      cancelTimer()
      cancelTimer = clock.after(lookAgainMs, () => wake())
    }
  }

  /** True when a run was started, so that the rest is looked at anew. */
  const startNext = async (): Promise<boolean> => {
    const snapshot = readSnapshot(queue, runs)
    const failures = snapshot.queue.paused === null && waitingInOrder(snapshot).length > 0 ? pauseAfterFailures(snapshot) : null
    if (failures !== null) {
      pauseQueue(dependencies, failures)
      return false
    }
    for (const { id } of candidates(snapshot)) {
      const offer = await examine(id)
      if (life.signal.aborted) return false
      if (offer === null) continue
      // Looked at again after the questions: what was true before them may have changed meanwhile.
      const verdict = admit(readSnapshot(queue, runs), id, offer)
      if (carryOut(id, verdict)) return verdict.do === 'start'
    }
    return false
  }

  const releaseOf = (id: string, { priceMicroUsdPerHour, capMicroUsd }: Extract<Verdict, { do: 'start' }>) => {
    const isCharged = engine.stateOf(id).facts.endpointKind === 'runpod'
    const month = isCharged ? dependencies.month() : null
    return { priceMicroUsdPerHour, capMicroUsd, monthShareMicroUsd: month?.leftMicroUsd ?? null }
  }

  /** True when the pass is over with this run. */
  const carryOut = (id: string, verdict: Verdict): boolean => {
    switch (verdict.do) {
      case 'start':
        engine.dispatch(id, [{ type: 'queue_released', ...releaseOf(id, verdict) }])
        return true
      case 'hold':
      case 'wait':
        engine.dispatch(id, [{ type: 'queue_held', hold: verdict.hold }])
        return verdict.do === 'wait'
      case 'pause':
        pauseQueue(dependencies, verdict.reason)
        return true
      case 'skip':
        return false
    }
  }

  const work = async () => {
    while (isAsked && !life.signal.aborted) {
      isAsked = false
      try {
        await pass()
      } catch (problem) {
        if (life.signal.aborted) return
        log.error('The queue could not be looked at; it is looked at again later', problem)
        cancelTimer()
        cancelTimer = clock.after(lookAgainMs, () => wake())
      }
    }
    isWorking = false
  }
  const wake = () => {
    isAsked = true
    if (isWorking || life.signal.aborted) return
    isWorking = true
    void work()
  }

  engine.onChanged((_runId, state) => {
    if (state.phase === 'ended') wake()
  })
  return {
    wake,
    dispose() {
      life.abort(new Error('The app is closing'))
      cancelTimer()
    },
  }
}

/** Stops starting anything, with the reason; tells the user once per pause. */
function pauseQueue({ queue, runs, notify, events, clock }: SchedulerDependencies, reason: QueueReason): void {
  const snapshot = readSnapshot(queue, runs)
  queue.write({ ...snapshot.queue, paused: reason })
  events.publish('runs.queueChanged', {})
  const next = waitingInOrder(snapshot)[0]
  if (next === undefined) return
  notify({
    type: 'job_queued',
    priority: 'high',
    title: 'The queue is paused',
    message: `${reason.text} ${reason.advice}`,
    target: { page: 'runs', id: next.id },
    dedupeKey: `queue:paused:${clock.nowMs()}`,
  })
}
