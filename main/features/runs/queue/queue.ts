import { AppError } from '../../../../preload/contract/errors.ts'
import type { RouteParsed } from '../../../../preload/contract/contract.ts'
import type { Range } from '../../../../preload/contract/primitives.ts'
import type { QueueEntry, RunQueue } from '../../../../preload/contract/queue.ts'
import type { EventPublisher } from '../../../ipc/events.ts'
import type { Clock } from '../../../lib/clock.ts'
import type { Log } from '../../../lib/log.ts'
import type { RunEngine } from '../engine.ts'
import type { RunEstimator } from '../estimate/estimator.ts'
import type { RunPorts } from '../ports.ts'
import type { RunRepository } from '../repository.ts'
import { toRun } from '../run-view.ts'
import { createExamine } from './examine.ts'
import { pausedByUser } from './reasons.ts'
import type { QueueRepository, QueueState } from './repository.ts'
import { moneyOf, waitingInOrder } from './rules.ts'
import { createQueueScheduler } from './scheduler.ts'
import { readSnapshot } from './snapshot.ts'

interface QueueDependencies {
  readonly queue: QueueRepository
  readonly runs: RunRepository
  readonly engine: RunEngine
  readonly ports: RunPorts
  readonly estimator: RunEstimator
  readonly events: EventPublisher
  readonly clock: Clock
  readonly log: Log
}

/** The queue of runs as the user handles it; its scheduler starts what waits. */
export function createRunQueue(dependencies: QueueDependencies) {
  const { queue, runs, engine, ports, estimator, events, clock } = dependencies
  const examine = createExamine({ runs, ports, estimator })
  const scheduler = createQueueScheduler({
    ...dependencies,
    examine,
    notify: (notice) => ports.notify(notice),
    month: () => ports.costs.month?.() ?? null,
  })
  const snapshot = () => readSnapshot(queue, runs)

  const entryOf = (id: string): QueueEntry[] => {
    const run = runs.find(id)
    if (run === undefined) return []
    const forecast = estimator.find(id)
    return [
      {
        run: toRun(run),
        durationMs: rangeOf(forecast?.lowMs, forecast?.highMs),
        costMicroUsd: rangeOf(forecast?.lowMicroUsd, forecast?.highMicroUsd),
        hold: run.state.queued?.hold ?? null,
      },
    ]
  }
  const view = (): RunQueue => {
    const now = snapshot()
    return {
      settings: now.queue.settings,
      paused: now.queue.paused,
      money: moneyOf(now),
      countsSinceMs: now.queue.countsSinceMs,
      underWay: now.runs.filter(({ isOfQueue, phase }) => isOfQueue && phase === 'active').length,
      entries: waitingInOrder(now).flatMap(({ id }) => entryOf(id)),
    }
  }
  const change = (changes: Partial<QueueState>): RunQueue => {
    queue.write({ ...queue.read(), ...changes })
    events.publish('runs.queueChanged', {})
    scheduler.wake()
    return view()
  }
  const assertWaiting = (id: string) => {
    if (runs.find(id)?.state.phase !== 'waiting') throw new AppError('RUN_NOT_WAITING', 'This run does not wait in the queue any more.')
  }

  return {
    wake: () => scheduler.wake(),
    dispose: () => scheduler.dispose(),
    view,

    update(changes: RouteParsed<'runs.updateQueue'>): RunQueue {
      const before = queue.read()
      const settings = { ...before.settings, ...definedOf(changes) }
      const isFirstBudget = before.settings.budgetMicroUsd === null && settings.budgetMicroUsd !== null
      // A pause for money ends with the money that it waited for; any other one is the user's to end.
      const isAboutMoney = before.paused?.code === 'budget' || before.paused?.code === 'cost_unknown'
      const isLifted = isAboutMoney && settings.budgetMicroUsd !== before.settings.budgetMicroUsd
      return change({
        settings,
        ...(isFirstBudget ? { countsSinceMs: clock.nowMs() } : {}),
        ...(isLifted ? { paused: null } : {}),
      })
    },
    pause: (): RunQueue => change({ paused: pausedByUser }),
    resume: (): RunQueue => change({ paused: null, failuresSinceMs: clock.nowMs() }),
    recount(): RunQueue {
      const { paused } = queue.read()
      const isAboutMoney = paused?.code === 'budget' || paused?.code === 'cost_unknown'
      return change({ countsSinceMs: clock.nowMs(), ...(isAboutMoney ? { paused: null } : {}) })
    },

    move(id: string, toIndex: number): RunQueue {
      assertWaiting(id)
      const rest = waitingInOrder(snapshot())
        .map((run) => run.id)
        .filter((other) => other !== id)
      return change({ order: rest.toSpliced(Math.min(toIndex, rest.length), 0, id) })
    },

    leave(id: string): RunQueue {
      assertWaiting(id)
      engine.dispatch(id, [{ type: 'stop_requested', mode: 'discard' }])
      return change({})
    },

    agreeToPrice(id: string, priceMicroUsdPerHour: number): RunQueue {
      assertWaiting(id)
      engine.dispatch(id, [{ type: 'queue_price_agreed', priceMicroUsdPerHour }])
      return change({})
    },
  }
}

function rangeOf(low: number | null | undefined, high: number | null | undefined): Range | null {
  return low === null || low === undefined || high === null || high === undefined ? null : { low, high }
}

function definedOf<T extends object>(changes: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}
