import { join } from 'node:path'
import type { DatasetStatus, DatasetTask } from '../../../preload/contract/datasets.ts'
import { AppError } from '../../../preload/contract/errors.ts'
import type { NotificationType } from '../../../preload/contract/notifications.ts'
import type { EventPublisher } from '../../ipc/events.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import { explainFileError } from './engine/file-errors.ts'
import type { EngineClient } from './engine/host/connect.ts'
import type { DatasetState } from './engine/open-dataset.ts'
import { importSources, type ChosenSource } from './import-sources.ts'
import { hashFile } from './freezer.ts'
import { createLimiter } from './limiter.ts'
import type { OpenDatasets } from './open-datasets.ts'
import { removeIndex } from './recovery.ts'
import type { DatasetRecord, DatasetRepository } from './repository.ts'
import type { TokenModels } from './token-models.ts'
import { judgeDataset } from './verdict.ts'

/** A notice for the user; shown once per `dedupeKey`. */
export interface DatasetNotice {
  readonly type: Extract<NotificationType, 'dataset_ready'>
  readonly priority: 'low' | 'medium' | 'high'
  readonly title: string
  readonly message: string
  readonly target: { readonly page: 'datasets'; readonly id: string }
  readonly dedupeKey: string
}

/** Everything the background work on datasets needs. */
export interface PreparationDependencies {
  readonly repository: DatasetRepository
  readonly engine: EngineClient
  readonly openDatasets: OpenDatasets
  readonly tokenModels: TokenModels
  readonly datasetsFolder: string
  readonly clock: Clock
  readonly events: EventPublisher
  readonly notify: (notice: DatasetNotice) => void
  readonly log: Log
}

/** The background work that brings a dataset from `importing` over `validating` to `ready` or `error`, and what follows behind. */
export interface Preparation {
  startImport(id: string, sources: readonly ChosenSource[]): void
  /** Checks, or goes on with an interrupted check. */
  readonly startValidation: (id: string) => void
  /** Compares the stored copy with its hash and checks every row again. */
  startAnew(id: string): void
  /** Starts the passes that run behind a finished check, where they are not done. */
  readonly startBehind: (id: string) => void
  /** Counts tokens with a model in the background. */
  countTokens(id: string, modelId: string): void
  /** Looks for near duplicates in the background. */
  findNearDuplicates(id: string, threshold: number): void
  /** True while the dataset is imported or checked. */
  isRunning(id: string): boolean
  /** Done share of the current step, 0–1. */
  progressOf(id: string): number
  tasksOf(id: string): DatasetTask[]
  /** Takes in what the engine says about its work. */
  onTasks(id: string, tasks: DatasetTask[]): void
  /** Ends the work and leaves the dataset as it is; resolves when nothing writes any more. */
  cancel(id: string): Promise<void>
  /** Resolves when the dataset's import or check has ended, however it ended. */
  readonly whenSettled: (id: string) => Promise<void>
  /** Resolves when the passes behind the check have ended as well. */
  readonly whenQuiet: (id: string) => Promise<void>
  dispose(): Promise<void>
}

interface Job {
  readonly controller: AbortController
  readonly done: Promise<void>
  progress: number
}

const maxJobsAtOnce = 2
/** A process that dies again and again would for ever; each try goes on where the last one stopped. */
const maxTries = 4

/** Creates the background work; at most one import or check per dataset and two in all. */
export function createPreparation(dependencies: PreparationDependencies): Preparation {
  const { repository, engine, openDatasets, tokenModels, datasetsFolder, clock, events, notify, log } = dependencies
  const jobs = new Map<string, Job>()
  const behind = new Map<string, Promise<void>>()
  const tasks = new Map<string, DatasetTask[]>()
  const limit = createLimiter(maxJobsAtOnce)
  let isDisposed = false

  const report = (id: string, status: DatasetStatus, progress: number) => {
    const job = jobs.get(id)
    if (job !== undefined) job.progress = progress
    events.publish('datasets.progressed', { id, status, progress, tasks: tasks.get(id) ?? [] })
  }
  const changed = (id: string) => events.publish('datasets.changed', { id })
  const record = (id: string): DatasetRecord => {
    const dataset = repository.find(id)
    if (dataset === undefined || dataset.relativePath === null)
      throw new AppError('DATASET_FILE_UNREADABLE', 'There is no stored file. Import the file again.')
    return dataset
  }
  const keep = (id: string, state: DatasetState) => {
    repository.setState(id, state, clock.nowMs())
    changed(id)
  }

  const copy = async (id: string, sources: readonly ChosenSource[], signal: AbortSignal) => {
    const { files, format } = await importSources({
      id,
      sources,
      folder: datasetsFolder,
      engine,
      signal,
      onProgress: (share) => report(id, 'importing', share),
    })
    signal.throwIfAborted()
    repository.setFiles(id, files, format, clock.nowMs())
  }
  const validate = async (id: string, signal: AbortSignal) => {
    const dataset = record(id)
    repository.setStatus(id, 'validating', null, clock.nowMs())
    report(id, 'validating', 0)
    changed(id)
    const cancel = () => void engine.cancelTask(id, 'check').catch(() => undefined)
    signal.addEventListener('abort', cancel, { once: true })
    try {
      const state = await withTries(() => openDatasets.open(dataset))
      signal.throwIfAborted()
      const { status, errorMessage } = judgeDataset(state.stats, repository.find(id)?.acceptsValidRowsOnly ?? false)
      repository.setState(id, state, clock.nowMs())
      repository.setValidated(id, clock.nowMs())
      repository.setStatus(id, status, errorMessage, clock.nowMs())
      if (status === 'ready') notify(readyNotice(id, dataset.name, state.stats.validRows))
    } finally {
      signal.removeEventListener('abort', cancel)
    }
  }
  const verify = async ({ relativePath, placesPath, sha256 }: DatasetRecord) => {
    if (relativePath === null || placesPath !== null || (await hashFile(join(datasetsFolder, relativePath))) === sha256) return
    throw new AppError('DATASET_FILE_UNREADABLE', 'The stored copy of the file was changed on the disk. Import the file again.')
  }
  const fail = (id: string, error: unknown) => {
    const known = explainFileError(error)
    if (!(known instanceof AppError)) log.error('Preparing a dataset failed', { id, error })
    const message =
      known instanceof AppError ? known.message : 'The check stopped unexpectedly. Choose "Check again"; the log has the details.'
    repository.setStatus(id, 'error', message, clock.nowMs())
  }
  const start = (id: string, work: (signal: AbortSignal) => Promise<void>) => {
    const controller = new AbortController()
    const { signal } = controller
    const run = async () => {
      try {
        await limit(() => (signal.aborted ? Promise.resolve() : work(signal)))
      } catch (error) {
        if (!signal.aborted) fail(id, error)
      } finally {
        jobs.delete(id)
      }
      if (signal.aborted) return
      const dataset = repository.find(id)
      report(id, dataset?.status ?? 'error', 1)
      changed(id)
      if (dataset !== undefined && dataset.stats !== null && dataset.stats.rows > 0) startBehind(id)
    }
    // Started in a later turn, so that the job is registered before its first step.
    jobs.set(id, { controller, progress: 0, done: nextTurn().then(run) })
  }

  const follow = (id: string, work: () => Promise<void>) => {
    const before = behind.get(id) ?? Promise.resolve()
    const after = async () => {
      await before
      if (isDisposed) return
      try {
        await work()
      } catch (error) {
        if (!isDisposed && !isCancelled(error)) log.error('A pass behind the check failed', { id, error })
      }
    }
    const run = after()
    behind.set(id, run)
    void run.then(() => behind.get(id) === run && behind.delete(id))
  }
  const scan = (id: string) =>
    follow(id, async () => {
      const dataset = repository.find(id)
      if (dataset === undefined || dataset.deletedAtMs !== null) return
      keep(
        id,
        await withTries(async () => {
          await openDatasets.ready(dataset)
          return engine.scan(id)
        }),
      )
    })
  const countTokens = (id: string, modelId: string | null) =>
    follow(id, async () => {
      const dataset = repository.find(id)
      const model = await tokenModels.find(modelId)
      if (dataset === undefined || dataset.deletedAtMs !== null || model === null) return
      keep(
        id,
        await withTries(async () => {
          await openDatasets.ready(dataset)
          return engine.countTokens(id, model)
        }),
      )
    })
  const findNearDuplicates = (id: string, threshold: number) =>
    follow(id, async () => {
      const dataset = repository.find(id)
      if (dataset === undefined || dataset.deletedAtMs !== null) return
      await openDatasets.ready(dataset)
      keep(id, await engine.findNearDuplicates(id, threshold))
    })
  const startBehind = (id: string) => {
    countTokens(id, repository.find(id)?.tokens?.modelId ?? null)
    scan(id)
  }

  return {
    startImport: (id, sources) =>
      start(id, async (signal) => {
        await copy(id, sources, signal)
        await validate(id, signal)
      }),
    startValidation: (id) => start(id, (signal) => validate(id, signal)),
    startAnew: (id) =>
      start(id, async (signal) => {
        await openDatasets.close(id)
        await verify(record(id))
        await removeIndex(datasetsFolder, id)
        await validate(id, signal)
      }),
    startBehind,
    countTokens,
    findNearDuplicates,
    isRunning: (id) => jobs.has(id),
    progressOf: (id) => jobs.get(id)?.progress ?? 0,
    tasksOf: (id) => tasks.get(id) ?? [],
    onTasks(id, list) {
      if (list.length === 0) tasks.delete(id)
      else tasks.set(id, list)
      const own = list.find(({ kind }) => kind === 'check' || kind === 'import')
      const status = repository.find(id)?.status
      if (status !== undefined) report(id, status, own?.progress ?? jobs.get(id)?.progress ?? 1)
    },
    async cancel(id) {
      const job = jobs.get(id)
      job?.controller.abort()
      await Promise.all(
        (['tokens', 'scan', 'near_duplicates', 'export'] as const).map((kind) => engine.cancelTask(id, kind).catch(() => undefined)),
      )
      await job?.done
      await behind.get(id)
    },
    whenSettled: async (id) => jobs.get(id)?.done,
    async whenQuiet(id) {
      await jobs.get(id)?.done
      await behind.get(id)
    },
    async dispose() {
      isDisposed = true
      const running = [...jobs.values()]
      for (const job of running) job.controller.abort()
      await Promise.all(running.map((job) => job.done))
    },
  }
}

/** Goes on after the engine's process ended, which keeps all that was done. */
async function withTries<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work()
    } catch (error) {
      if (attempt === maxTries || !(error instanceof AppError) || error.code !== 'DATASET_ENGINE_ENDED') throw error
    }
  }
}

function isCancelled(error: unknown): boolean {
  return error instanceof AppError && error.code === 'DATASET_TASK_CANCELLED'
}

function readyNotice(id: string, name: string, rows: number): DatasetNotice {
  return {
    type: 'dataset_ready',
    priority: 'low',
    title: 'Dataset ready',
    message: `${name}: ${rows.toLocaleString('en-US')} ${rows === 1 ? 'row' : 'rows'} can be used for training.`,
    target: { page: 'datasets', id },
    dedupeKey: `dataset_ready:${id}`,
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
