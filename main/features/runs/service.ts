import { writeFileAtomically } from '../../lib/atomic-file.ts'
import { AppError } from '../../../preload/contract/errors.ts'
import type { RouteOutput, RouteParsed } from '../../../preload/contract/contract.ts'
import type { Estimate, Run, RunConfig, RunLogLine, StopMode } from '../../../preload/contract/runs.ts'
import type { EventPublisher } from '../../ipc/events.ts'
import type { Clock } from '../../lib/clock.ts'
import type { NewId } from '../../lib/ids.ts'
import type { Log } from '../../lib/log.ts'
import { createRunMaker } from './create-run.ts'
import { describeEvent } from './describe-event.ts'
import { createRunDriver } from './driver.ts'
import { createRunEngine } from './engine.ts'
import type { RunEstimator } from './estimate/estimator.ts'
import { estimateFacts } from './estimate/run-facts.ts'
import { createIngest } from './ingest.ts'
import { leavingText } from './leaving.ts'
import { createWorkerLogBook } from './log/book.ts'
import { createWorkerLogKeeper } from './log/keeper.ts'
import { createRunLogReader } from './log/reader.ts'
import type { RunLogRepository } from './log/repository.ts'
import { metricsCsv } from './metrics-csv.ts'
import type { ActiveCost, RunPorts } from './ports.ts'
import { attempt } from './preflight/item.ts'
import { runPreflight } from './preflight/preflight.ts'
import { resolvePreset } from './presets.ts'
import { isBeingRescued, rescueOf } from './rescue/rescue-state.ts'
import { createRunQueue } from './queue/queue.ts'
import type { QueueRepository } from './queue/repository.ts'
import type { ProgressRepository } from './progress/repository.ts'
import type { RunRepository, StoredRun } from './repository.ts'
import { activeCost } from './run-cost.ts'
import { toRun } from './run-view.ts'
import { createSleepWatch, sleepText } from './sleep-watch.ts'
import type { RunState } from './state.ts'

export interface RunServiceDependencies {
  readonly repository: RunRepository
  readonly progress: ProgressRepository
  readonly runLog: RunLogRepository
  readonly queue: QueueRepository
  readonly ports: RunPorts
  readonly estimator: RunEstimator
  readonly events: EventPublisher
  readonly clock: Clock
  readonly newId: NewId
  readonly log: Log
  /** Asks the user where to save a CSV file; null when the dialog is closed. */
  readonly pickCsvPath: (windowId: number, defaultName: string) => Promise<string | null>
  readonly pickLogPath: (windowId: number, defaultName: string, extension: string) => Promise<string | null>
  readonly copyText: (text: string) => void
}

export type RunService = ReturnType<typeof createRunService>

/** The rules of runs: start, watch, stop, list, estimate; owns the driver of all active runs. */
export function createRunService(dependencies: RunServiceDependencies) {
  const { repository, progress, ports, estimator, events, clock, newId } = dependencies
  const log = dependencies.log.scoped('runs')
  const engine = createRunEngine({ repository, progress, events, clock })
  const ingest = createIngest({ repository, progress, engine, events, clock })
  const addLine = (id: string, line: Omit<RunLogLine, 'id'>) => events.publish('runs.logged', { id, lines: [progress.addLog(id, line)] })
  const workerLogs = createWorkerLogKeeper({
    repository: dependencies.runLog,
    book: createWorkerLogBook(dependencies.runLog),
    createdAtMs: (id) => getStored(id).createdAtMs,
    addLine,
    publish: (id, lines) => events.publish('runs.logged', { id, lines: [...lines] }),
    clock,
    log,
  })
  const driver = createRunDriver({ repository, engine, ingest, ports, estimator, workerLogs, events, clock, log })

  const queue = createRunQueue({ queue: dependencies.queue, runs: repository, engine, ports, estimator, events, clock, log })
  const sleepWatch = createSleepWatch(clock, (sleep) => {
    for (const id of repository.listUnfinishedIds()) {
      if (engine.stateOf(id).phase !== 'ended') addLine(id, { atMs: sleep.toMs, level: 'info', source: 'app', message: sleepText(sleep) })
    }
    workerLogs.reconnect()
    driver.lookNow('all')
    queue.wake()
  })

  const getStored = (id: string): StoredRun => {
    const run = repository.find(id)
    if (run === undefined) throw new AppError('RUN_NOT_FOUND', 'This run is not in the list any more.')
    return run
  }

  const create = createRunMaker({ ports, engine, estimator, newId, clock, read: (id) => toRun(getStored(id)) })
  const estimateOf = async (config: RunConfig): Promise<Estimate> => {
    const dataset = await ports.datasets.describe(config.datasetId)
    const endpoint = await ports.endpoints.describe(config.endpointId)
    const model = await ports.models.describe(config.baseModel)
    return estimator.estimate(estimateFacts(config, dataset, model, endpoint))
  }

  return {
    /** Goes on with every run that was active when the app was last closed. */
    resumeAll() {
      driver.resumeAll()
      sleepWatch.start()
      queue.wake()
    },
    async dispose() {
      sleepWatch.stop()
      queue.dispose()
      await driver.dispose()
      await workerLogs.dispose()
    },
    /** This computer woke up: every run is looked at now. */
    onWoken(): void {
      if (sleepWatch.look()) return
      workerLogs.reconnect()
      driver.lookNow('all')
    },
    /** The network is back: runs that are out of touch are looked at now. */
    onOnline(): void {
      driver.lookNow('out_of_touch')
      queue.wake()
    },
    queue,
    get: (id: string): Run => toRun(getStored(id)),

    list({ search, status, sort }: RouteParsed<'runs.list'>): Run[] {
      const runs = repository.list().map(toRun)
      return runs.filter((run) => hasStatus(run, status) && matches(run, search)).toSorted(orders[sort])
    },

    /** Starts a run at once. */
    start: (config: RunConfig, name: string, retryOf: string | null = null): Promise<Run> =>
      create(config, name, { retryOf, isQueued: false }),

    /** Adds a run to the end of the queue; it starts when its turn comes. */
    async enqueue(config: RunConfig, name: string, retryOf: string | null = null): Promise<Run> {
      const run = await create(config, name, { retryOf, isQueued: true })
      queue.wake()
      return run
    },

    stop(id: string, mode: StopMode): Run {
      const run = getStored(id)
      if (run.state.phase === 'ended') throw new AppError('RUN_NOT_ACTIVE', 'This run has already ended.')
      engine.dispatch(id, [{ type: 'stop_requested', mode }])
      return toRun(getStored(id))
    },

    /** The stronger measure of a stop that its worker does not follow. */
    endWorkers(id: string): Run {
      const { state } = getStored(id)
      if (state.phase !== 'following' || state.stopRequested === null)
        throw new AppError('RUN_NOT_ACTIVE', 'The workers of its endpoint are ended only after this run was told to stop.')
      engine.dispatch(id, [{ type: 'workers_end_asked' }])
      return toRun(getStored(id))
    },

    /** Has a billed worker package what an ended run had saved. */
    rescue(id: string): Run {
      if (rescueOf(getStored(id))?.state !== 'offered')
        throw new AppError('RUN_NOT_ENDED', 'This run has left no checkpoint that could be fetched now.')
      engine.dispatch(id, [{ type: 'rescue_asked' }])
      return toRun(getStored(id))
    },

    rename(id: string, name: string): Run {
      getStored(id)
      repository.rename(id, name)
      events.publish('runs.changed', { id })
      return toRun(getStored(id))
    },

    delete(id: string): void {
      const { state } = getStored(id)
      if (state.phase !== 'ended' || isBeingRescued(state))
        throw new AppError('RUN_NOT_ENDED', 'Stop the run first; only an ended run can be removed.')
      repository.markDeleted(id, clock.nowMs())
      events.publish('runs.changed', { id })
    },

    listMetrics(id: string, afterStep: number): RouteOutput<'runs.listMetrics'> {
      const { cursor } = getStored(id)
      return { points: [...progress.listPoints(id, afterStep)], checkpoints: [...progress.listCheckpoints(id, afterStep)], cursor }
    },

    log: createRunLogReader({
      repository: dependencies.runLog,
      assertThere: (id) => void getStored(id),
      fileNameOf: (id) => fileNameFrom(getStored(id).name),
      pickLogPath: dependencies.pickLogPath,
      copyText: dependencies.copyText,
    }),

    listEvents(id: string): RouteOutput<'runs.listEvents'> {
      getStored(id)
      return repository.listEvents(id).map(({ seq, atMs, event }) => ({ seq, atMs, type: event.type, detail: describeEvent(event) }))
    },

    listSamples(id: string): RouteOutput<'runs.listSamples'> {
      getStored(id)
      return progress.listSamples(id)
    },

    listMaskSamples(id: string): RouteOutput<'runs.listMaskSamples'> {
      getStored(id)
      return progress.listMaskSamples(id)
    },

    async exportMetricsCsv(id: string, windowId: number): Promise<{ path: string } | null> {
      const run = getStored(id)
      const path = await dependencies.pickCsvPath(windowId, `${fileNameFrom(run.name)}-metrics.csv`)
      if (path === null) return null
      await writeFileAtomically(path, metricsCsv(progress.listMetrics(id)))
      return { path }
    },

    async resolvePreset({
      preset,
      baseModel,
      datasetId,
      isIn4bit,
    }: RouteParsed<'runs.resolvePreset'>): Promise<RouteOutput<'runs.resolvePreset'>> {
      const model = await ports.models.describe(baseModel)
      const dataset = datasetId === null ? null : await ports.datasets.describe(datasetId)
      return resolvePreset(preset, model, dataset?.stats ?? null, isIn4bit)
    },

    estimate: (config: RunConfig): Promise<RouteOutput<'runs.estimate'>> => estimateOf(config),

    async preflight(config: RunConfig): Promise<RouteOutput<'runs.preflight'>> {
      const estimated = await attempt(() => estimateOf(config))
      return runPreflight(ports, config, 'value' in estimated ? estimated.value.durationMs : null, clock)
    },

    /** What runs on charged endpoints that have not ended cost so far, and at most. */
    activeCosts(): readonly ActiveCost[] {
      const unfinished = repository.listUnfinishedIds().map((id) => repository.find(id))
      // What waits in the queue has been promised no money yet.
      return unfinished.flatMap((run) =>
        run === undefined || run.state.phase === 'waiting' || run.state.isSettled || run.state.facts.endpointKind === 'local'
          ? []
          : [activeCost(run, clock.nowMs())],
      )
    },

    /** One sentence for each run that has not ended: what becomes of it when the app is closed now. */
    listLeaving: (): string[] =>
      repository
        .listUnfinishedIds()
        .map(getStored)
        .filter(({ state }) => state.phase !== 'ended' || isBeingRescued(state))
        .map(leavingText),

    /** True while an active run needs a dataset or an endpoint, so that it must not be removed. */
    isInUse: (id: string): boolean => repository.isUsedByActiveRun(id),

    /** Keeps a line that this computer's worker printed with the run it is working on. */
    recordLocalWorkerLine(message: string): void {
      const runId = repository.listUnfinishedIds().find((id) => isWorkedOnHere(engine.stateOf(id)))
      if (runId === undefined) return
      workerLogs.addLocalLine(runId, message)
    },
  }
}

function isWorkedOnHere({ phase, facts, isSeenRunning }: RunState): boolean {
  return phase === 'following' && facts.endpointKind === 'local' && isSeenRunning
}

function hasStatus(run: Run, status: RouteParsed<'runs.list'>['status']): boolean {
  if (status === 'all') return true
  if (status === 'active') return run.endedAtMs === null
  return run.status === status
}

function matches(run: Run, search: string): boolean {
  const wanted = search.trim().toLocaleLowerCase()
  return wanted === '' || [run.name, run.datasetName, run.baseModelLabel].some((text) => text.toLocaleLowerCase().includes(wanted))
}

const orders: Readonly<Record<RouteParsed<'runs.list'>['sort'], (a: Run, b: Run) => number>> = {
  newest: (a, b) => b.createdAtMs - a.createdAtMs || (a.id < b.id ? 1 : -1),
  name: (a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }),
  loss: (a, b) => (a.head.loss ?? Number.POSITIVE_INFINITY) - (b.head.loss ?? Number.POSITIVE_INFINITY) || b.createdAtMs - a.createdAtMs,
}

function fileNameFrom(name: string): string {
  const safe = name.replaceAll(/[^\p{L}\p{N}._-]+/gu, '-').replaceAll(/^[-.]+|[-.]+$/g, '')
  return safe === '' ? 'run' : safe.slice(0, 80)
}
