import { delay, type Clock } from '../../lib/clock.ts'
import type { EventPublisher } from '../../ipc/events.ts'
import type { Log } from '../../lib/log.ts'
import type { RunEngine } from './engine.ts'
import type { Ingest } from './ingest.ts'
import type { RunEstimator } from './estimate/estimator.ts'
import { effectsToResume } from './machine.ts'
import { noticeFor } from './notices.ts'
import { hasLeftQueueUnstarted } from './queue/machine-queue.ts'
import type { RunPorts } from './ports.ts'
import type { RunRepository, StoredRun } from './repository.ts'
import { rescueRun } from './rescue/rescue-run.ts'
import { isBeingRescued } from './rescue/rescue-state.ts'
import { closingCost } from './run-cost.ts'
import type { Effect, Phase } from './state.ts'
import { collectAdapter } from './work/collect.ts'
import { followJob } from './work/follow.ts'
import { freezeDataset, uploadDataset } from './work/prepare.ts'
import { readResult } from './work/read-result.ts'
import { reconcileSubmission, submitJob } from './work/submit.ts'
import { backOffMs, type Work } from './work/work.ts'
import type { WorkerLogKeeper } from './log/keeper.ts'

/** Carries out the effects of all active runs, one loop per run. */
export interface RunDriver {
  /** Goes on with every run that has work left, from what is stored. */
  resumeAll(): void
  /** Ends the waits of all runs, or of those that are out of touch, so that each is looked at now. */
  lookNow(which: 'all' | 'out_of_touch'): void
  /** Ends all loops without changing any run; they go on after the next start. */
  dispose(): Promise<void>
}

interface DriverDependencies {
  readonly repository: RunRepository
  readonly engine: RunEngine
  readonly ingest: Ingest
  readonly ports: RunPorts
  readonly estimator: RunEstimator
  readonly workerLogs: WorkerLogKeeper
  readonly events: EventPublisher
  readonly clock: Clock
  readonly log: Log
}

interface Loop {
  interrupt: () => void
  readonly done: Promise<void>
}

const performers: Readonly<Record<Exclude<Phase, 'waiting' | 'ended'>, (work: Work) => Promise<void>>> = {
  freezing: freezeDataset,
  uploading: uploadDataset,
  submitting: submitJob,
  reconciling: reconcileSubmission,
  following: followJob,
  reading_result: readResult,
  collecting: collectAdapter,
}

/** A run that only goes on is told this often, so that the windows know that it is in touch. */
const tellAgainMs = 20_000
/** Longest wait for an answer that is on its way when the app closes. */
const farewellMs = 5_000

/** Builds the driver and connects it to the engine; nothing runs before an effect or `resumeAll`. */
export function createRunDriver(dependencies: DriverDependencies): RunDriver {
  const { repository, engine, ports, estimator, clock, log } = dependencies
  const life = new AbortController()
  const loops = new Map<string, Loop>()

  const settle = (runId: string) => {
    dependencies.workerLogs.end(runId)
    const run = repository.find(runId)
    // Nothing was charged or done for a run that left the queue before its turn.
    if (run !== undefined && !hasLeftQueueUnstarted(run.state)) {
      const cost = closingCost(run)
      ports.costs.record(cost)
      estimator.compare(run, { gpu: null, amountMicroUsd: cost.amountMicroUsd })
      ports.notify(noticeFor(closingNotice(run), run))
    }
    engine.dispatch(runId, [{ type: 'settled' }])
  }

  const carryOutOne = (runId: string, effect: Effect) => {
    switch (effect.type) {
      case 'begin':
      case 'rescue':
        return ensureLoop(runId)
      case 'cancel_job':
        return loops.get(runId)?.interrupt()
      case 'settle':
        loops.get(runId)?.interrupt()
        return settle(runId)
      case 'notify': {
        const run = repository.find(runId)
        return run === undefined ? undefined : ports.notify(noticeFor(effect.notice, run))
      }
    }
  }
  const carryOut = (runId: string, effects: readonly Effect[]) => {
    for (const effect of effects) {
      try {
        carryOutOne(runId, effect)
      } catch (problem) {
        log.error('An effect of a run failed; it is done again at the next start', { runId, effect: effect.type, problem })
      }
    }
  }

  const ensureLoop = (runId: string) => {
    if (life.signal.aborted || loops.has(runId)) return
    const loop: Loop = { interrupt: () => undefined, done: Promise.resolve().then(() => runLoop(runId, loop)) }
    loops.set(runId, loop)
  }

  const runLoop = async (runId: string, loop: Loop) => {
    let failures = 0
    try {
      while (!life.signal.aborted) {
        const state = engine.stateOf(runId)
        const { phase } = state
        const perform = phase === 'ended' ? (isBeingRescued(state) ? rescueRun : null) : phase === 'waiting' ? null : performers[phase]
        if (perform === null) return
        const interruption = new AbortController()
        loop.interrupt = () => interruption.abort(new Error('Interrupted'))
        const signal = AbortSignal.any([life.signal, interruption.signal])
        const work = createWork(dependencies, runId, signal, life.signal)
        try {
          await perform(work)
          failures = 0
        } catch (problem) {
          if (signal.aborted) continue
          failures += 1
          log.error('A step of a run failed and is tried again', { runId, phase, problem })
          await delay(clock, backOffMs(failures), signal).catch(() => undefined)
        }
      }
    } catch (problem) {
      log.error('A run is no longer followed; it goes on at the next start', { runId, problem })
    } finally {
      loops.delete(runId)
    }
  }

  engine.onEffects(carryOut)
  return {
    resumeAll() {
      for (const runId of repository.listUnfinishedIds()) carryOut(runId, effectsToResume(engine.stateOf(runId)))
    },
    lookNow(which) {
      for (const [runId, loop] of loops) {
        const { contactLost, collectFailures, phase } = engine.stateOf(runId)
        const isOutOfTouch = contactLost !== null || (phase === 'collecting' && collectFailures > 0)
        if (which === 'all' || isOutOfTouch) loop.interrupt()
      }
    },
    async dispose() {
      life.abort(new Error('The app is closing'))
      const ended = Promise.all([...loops.values()].map((loop) => loop.done))
      const patience = new AbortController()
      const timeOut = delay(clock, farewellMs, patience.signal).catch(() => undefined)
      await Promise.race([ended, timeOut])
      patience.abort()
    },
  }
}

function closingNotice({ state }: StoredRun): 'job_completed' | 'job_failed' | 'job_cancelled' {
  if (state.finalStatus === 'failed') return 'job_failed'
  return state.finalStatus === 'cancelled' ? 'job_cancelled' : 'job_completed'
}

function createWork(dependencies: DriverDependencies, runId: string, signal: AbortSignal, closing: AbortSignal): Work {
  const { repository, engine, ports, ingest, workerLogs, events, clock, log } = dependencies
  let toldAtMs = clock.nowMs()
  const run = (): StoredRun => {
    const stored = repository.find(runId)
    if (stored === undefined) throw new Error(`Run ${runId} is gone`)
    return stored
  }
  return {
    runId,
    signal,
    ports,
    ingest,
    clock,
    log,
    run,
    state: () => engine.stateOf(runId),
    dispatch(event) {
      closing.throwIfAborted()
      return engine.dispatch(runId, [event])
    },
    recordFact: (event) => engine.dispatch(runId, [event]),
    connect: () => ports.endpoints.connect(run().config.endpointId),
    wait: (delayMs) => delay(clock, delayMs, signal),
    showDetail(detail) {
      repository.saveStageDetail(runId, detail)
      events.publish('runs.changed', { id: runId })
    },
    touch() {
      const nowMs = clock.nowMs()
      repository.touch(runId, nowMs)
      if (nowMs - toldAtMs < tellAgainMs) return
      toldAtMs = nowMs
      events.publish('runs.changed', { id: runId })
    },
    keepWorkerLog: (connection, workerId) => workerLogs.watch(runId, connection, workerId),
  }
}
