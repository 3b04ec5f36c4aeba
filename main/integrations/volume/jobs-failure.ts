import { AppError } from '../../../preload/contract/errors.ts'
import { workerErrorCodeSchema } from '../../../preload/contract/worker.ts'
import type { z } from 'zod'

/** What a worker said when it refused a small job. */
export interface Refusal {
  readonly code: z.infer<typeof workerErrorCodeSchema>
  /** The worker's own sentence with its advice. */
  readonly message: string
}

const refusalPattern = /^([A-Z_]+): ([\s\S]+)$/

/** Reads the error text of a failed job; undefined when it is not the words of our worker. */
export function refusalIn(error: string | undefined): Refusal | undefined {
  const match = refusalPattern.exec(error ?? '')
  const code = workerErrorCodeSchema.safeParse(match?.[1])
  return code.success ? { code: code.data, message: (match?.[2] ?? '').slice(0, 600) } : undefined
}

/** True for refusals that pass by themselves, such as a lock that another job holds. */
export function isPassing({ code }: Refusal): boolean {
  return code === 'INTERNAL'
}

/** The app's own error for a refusal. */
export function failureOfRefusal({ code, message }: Refusal, key: string): AppError {
  const details = { key, code, said: message }
  switch (code) {
    case 'NOT_FOUND':
      return new AppError('VOLUME_UNREADABLE', `${key} is not on the training volume.`, { details })
    case 'DISK_FULL':
      return new AppError('DISK_FULL', `The training volume is full. ${message}`, { details })
    case 'VOLUME_READ_ONLY':
      return new AppError('VOLUME_UNREADABLE', `The training volume takes no files. ${message}`, { details })
    case 'INVALID_INPUT':
      return new AppError(
        'ENDPOINT_NOT_READY',
        `The worker of this endpoint does not know this request; it may be older than the app. ${message}`,
        { details },
      )
    case 'INTERNAL':
      return new AppError('VOLUME_UNREADABLE', `The worker could not reach a file on the training volume. ${message}`, {
        details,
        retryable: true,
      })
    case 'DATASET_MISMATCH':
    case 'DATASET_EMPTY':
    case 'MASK_EMPTY':
    case 'MODEL_NOT_FOUND':
    case 'MODEL_GATED':
    case 'OUT_OF_MEMORY':
    case 'DIVERGED':
    case 'TIME_LIMIT':
    case 'COST_LIMIT':
    case 'ROWS_CUT':
    case 'TARGETS_TOO_LARGE':
    case 'UNSAFE_URL':
    case 'CONFIG_MISMATCH':
      return new AppError('VOLUME_UNREADABLE', `The worker could not read or write the training volume. ${message}`, { details })
  }
}

/** A job that waited longer than it may: nothing was done and nothing is lost by asking again. */
export function notTaken(waitedMs: number, jobId: string): AppError {
  const minutes = Math.max(1, Math.round(waitedMs / 60_000))
  return new AppError(
    'ENDPOINT_UNREACHABLE',
    `No worker took the job within ${minutes} min. Look under Endpoints whether workers are starting, busy or switched off.`,
    { retryable: true, details: { jobId, waitedMs } },
  )
}

/** A job that ended without an answer of the worker. */
export function noAnswer(status: string, said: string | undefined, jobId: string): AppError {
  const words = said === undefined ? '' : ` It says: ${said.slice(0, 300)}`
  return new AppError(
    'ENDPOINT_UNREACHABLE',
    `The endpoint ended a file job without an answer (${status}).${words} Look at the worker's log.`,
    {
      retryable: true,
      details: { jobId, status, said },
    },
  )
}

/** A job that the endpoint has forgotten, as it does half an hour after its end. */
export function forgotten(jobId: string): AppError {
  return new AppError('ENDPOINT_UNREACHABLE', 'The endpoint does not know the file job any more. Try again.', {
    retryable: true,
    details: { jobId },
  })
}

/** An answer that is not what was asked for, or whose bytes do not have the hash that came with them. */
export function unusableReply(what: string, jobId: string): AppError {
  return new AppError(
    'RUNPOD_REPLY_INVALID',
    `The worker gave an answer this version cannot use: ${what}. Try again, or update the worker.`,
    {
      retryable: true,
      details: { jobId },
    },
  )
}
