import { join } from 'node:path'
import type { DatasetStatus } from '../../../preload/contract/datasets.ts'
import { AppError } from '../../../preload/contract/errors.ts'
import type { NotificationType } from '../../../preload/contract/notifications.ts'
import type { EventPublisher } from '../../ipc/events.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import { importFile } from './import-file.ts'
import { createLimiter } from './limiter.ts'
import type { DatasetRepository } from './repository.ts'
import { fileErrorOf, type DatasetValidator } from './thread-validator.ts'
import { judgeDataset } from './verdict.ts'
import { numbersPerRow } from './worker-protocol.ts'

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
  readonly validator: DatasetValidator
  readonly datasetsFolder: string
  readonly clock: Clock
  readonly events: EventPublisher
  readonly notify: (notice: DatasetNotice) => void
  readonly log: Log
}

/** The background work that brings a dataset from `importing` over `validating` to `ready` or `error`. */
export interface Preparation {
  startImport(id: string, sourcePath: string): void
  readonly startValidation: (id: string) => void
  isRunning(id: string): boolean
  /** Done share of the current step, 0–1. */
  progressOf(id: string): number
  /** Ends the work and leaves the dataset as it is; resolves when nothing writes any more. */
  cancel(id: string): Promise<void>
  /** Resolves when the dataset's work has ended, however it ended. */
  readonly whenSettled: (id: string) => Promise<void>
  dispose(): Promise<void>
}

interface Job {
  readonly controller: AbortController
  readonly done: Promise<void>
  progress: number
}

const maxJobsAtOnce = 2

/** Creates the background work; at most one job per dataset and two in all. */
export function createPreparation(dependencies: PreparationDependencies): Preparation {
  const { repository, validator, datasetsFolder, clock, events, notify, log } = dependencies
  const jobs = new Map<string, Job>()
  const limit = createLimiter(maxJobsAtOnce)

  const report = (id: string, status: DatasetStatus, progress: number) => {
    const job = jobs.get(id)
    if (job !== undefined) job.progress = progress
    events.publish('datasets.progressed', { id, status, progress })
  }
  const changed = (id: string) => events.publish('datasets.changed', { id })

  const copy = async (id: string, sourcePath: string, signal: AbortSignal) => {
    const file = await importFile({
      sourcePath,
      folder: datasetsFolder,
      partialName: id,
      signal,
      onProgress: (done, total) => report(id, 'importing', total === 0 ? 0 : done / total),
    })
    signal.throwIfAborted()
    repository.setFile(id, file, clock.nowMs())
  }

  const validate = async (id: string, signal: AbortSignal) => {
    const dataset = repository.find(id)
    if (dataset === undefined || dataset.relativePath === null)
      throw new AppError('DATASET_FILE_UNREADABLE', 'There is no stored file. Import the file again.')
    repository.setStatus(id, 'validating', null, clock.nowMs())
    repository.setFindings(id, null, clock.nowMs())
    report(id, 'validating', 0)
    changed(id)
    while (repository.removeResultPortion(id)) await nextTurn()
    signal.throwIfAborted()
    let nextRow = 0
    const findings = await validator.validate(join(datasetsFolder, dataset.relativePath), {
      signal,
      onProgress: (doneBytes) => report(id, 'validating', Math.min(1, doneBytes / Math.max(1, dataset.sizeBytes))),
      onBatch(batch) {
        repository.storeBatch(id, nextRow, batch)
        nextRow += batch.rows.length / numbersPerRow
      },
    })
    signal.throwIfAborted()
    if (findings.fileSha256 !== dataset.sha256)
      throw new AppError('DATASET_FILE_UNREADABLE', 'The stored copy of the file was changed on the disk. Import the file again.')
    const { status, errorMessage } = judgeDataset(findings.stats, repository.find(id)?.acceptsValidRowsOnly ?? false)
    repository.setFindings(id, findings, clock.nowMs())
    repository.setStatus(id, status, errorMessage, clock.nowMs())
    if (status === 'ready') notify(readyNotice(id, dataset.name, findings.stats.validRows))
  }

  const fail = (id: string, error: unknown) => {
    const known = fileErrorOf(error)
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
      const status = repository.find(id)?.status ?? 'error'
      report(id, status, 1)
      changed(id)
    }
    // Started in a later turn, so that the job is registered before its first step.
    jobs.set(id, { controller, progress: 0, done: nextTurn().then(run) })
  }

  return {
    startImport: (id, sourcePath) =>
      start(id, async (signal) => {
        await copy(id, sourcePath, signal)
        await validate(id, signal)
      }),
    startValidation: (id) => start(id, (signal) => validate(id, signal)),
    isRunning: (id) => jobs.has(id),
    progressOf: (id) => jobs.get(id)?.progress ?? 0,
    async cancel(id) {
      const job = jobs.get(id)
      job?.controller.abort()
      await job?.done
    },
    whenSettled: async (id) => jobs.get(id)?.done,
    async dispose() {
      const running = [...jobs.values()]
      for (const job of running) job.controller.abort()
      await Promise.all(running.map((job) => job.done))
    },
  }
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
