import { Worker } from 'node:worker_threads'
import { AppError } from '../../../preload/contract/errors.ts'
import { assertNever } from '../../lib/assert-never.ts'
import type { BatchStored, FreezeReport, ValidationBatch, ValidationReport, WorkerJob, WorkerMessage } from './worker-protocol.ts'

interface JobOptions {
  readonly signal: AbortSignal
  readonly onProgress: (doneBytes: number) => void
}

interface ValidateOptions extends JobOptions {
  readonly onBatch: (batch: ValidationBatch) => void
}

/** The checks that are too heavy for the main thread. */
export interface DatasetValidator {
  validate(path: string, options: ValidateOptions): Promise<ValidationReport>
  freeze(path: string, targetPath: string, options: JobOptions): Promise<FreezeReport>
}

/** Runs each job in a worker thread of its own; aborting ends the thread at once. */
export function createThreadValidator({ script }: { script: string | URL }): DatasetValidator {
  return {
    async validate(path, options) {
      const report = await runWorker(script, { kind: 'validate', path }, options)
      if (report.type === 'validated') return report.report
      throw new Error(`Unexpected answer to a validation: ${report.type}`)
    },
    async freeze(path, targetPath, options) {
      const report = await runWorker(script, { kind: 'freeze', path, targetPath }, { ...options, onBatch: () => undefined })
      if (report.type === 'frozen') return report.report
      throw new Error(`Unexpected answer to a freeze: ${report.type}`)
    },
  }
}

type FinalMessage = Extract<WorkerMessage, { type: 'validated' | 'frozen' }>

function runWorker(script: string | URL, job: WorkerJob, options: ValidateOptions): Promise<FinalMessage> {
  const { signal, onProgress, onBatch } = options
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason)
      return
    }
    const worker = new Worker(script, { workerData: job, env: {}, resourceLimits: { maxOldGenerationSizeMb: 2048 } })
    // Batches are stored one per turn of the event loop, so that the window stays responsive between them.
    let stored: Promise<void> = Promise.resolve()
    let isSettled = false
    let hasReport = false
    const settle = (finish: () => void) => {
      if (isSettled) return
      isSettled = true
      signal.removeEventListener('abort', onAbort)
      void worker.terminate().then(finish, finish)
    }
    const fail = (error: unknown) => settle(() => reject(error))
    const onAbort = () => fail(signal.reason)
    const storeLater = (batch: ValidationBatch) => {
      const before = stored
      const store = async () => {
        await before
        await nextTurn()
        if (isSettled) return
        onBatch(batch)
        worker.postMessage({ type: 'stored' } satisfies BatchStored, [])
      }
      stored = store()
      stored.catch(fail)
    }
    const onMessage = (message: WorkerMessage) => {
      switch (message.type) {
        case 'progress':
          return onProgress(message.doneBytes)
        case 'batch':
          return storeLater(message.batch)
        case 'validated':
        case 'frozen':
          hasReport = true
          return void stored.then(() => settle(() => resolve(message)), fail)
        case 'failed':
          return fail(fileError(message.systemCode, message.message))
        default:
          return assertNever(message)
      }
    }
    const onExit = (code: number) => {
      if (!hasReport) fail(new Error(`The dataset worker ended early (exit code ${code})`))
    }
    signal.addEventListener('abort', onAbort, { once: true })
    worker.on('message', onMessage)
    worker.on('error', fail)
    worker.on('exit', onExit)
  })
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Turns a system error code into a sentence; anything else is a fault of the app. */
export function fileError(systemCode: string | null, message: string): Error {
  switch (systemCode ?? '') {
    case 'ENOENT':
      return new AppError('DATASET_FILE_UNREADABLE', 'The file is no longer there. Import it again.')
    case 'EACCES':
    case 'EPERM':
      return new AppError('DATASET_FILE_UNREADABLE', 'The file may not be read. Check its permissions, or copy it to your own folder.')
    case 'EISDIR':
      return new AppError('DATASET_FILE_UNREADABLE', 'This is a folder. Choose a single file.')
    case 'EBUSY':
      return new AppError('DATASET_FILE_UNREADABLE', 'Another program is using the file. Close it there and try again.', {
        retryable: true,
      })
    case 'ENOSPC':
    case 'EDQUOT':
      return new AppError('DATASET_FILE_UNREADABLE', 'The disk is full. Free some space and try again.', { retryable: true })
    case 'EIO':
      return new AppError('DATASET_FILE_UNREADABLE', 'The disk reported a read error. Copy the file to another disk and try again.')
    default:
      return new Error(message)
  }
}

/** The same for anything a file operation may throw. */
export function fileErrorOf(error: unknown): unknown {
  if (error instanceof AppError || !(error instanceof Error) || !('code' in error)) return error
  return fileError(typeof error.code === 'string' ? error.code : null, error.message)
}
