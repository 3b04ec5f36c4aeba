import { z } from 'zod'
import { AppError, type ErrorCode } from '../../../preload/contract/errors.ts'
import type { RunError } from '../../../preload/contract/runs.ts'
import type { RemoteEnd } from './state.ts'

const startAgain = 'Start the run again; the dataset is already on the volume.'

/** The failure of a job that left no result, in plain words with the next action. */
export function remoteEndError(how: RemoteEnd, error: string | null, reason: string): RunError {
  switch (how) {
    case 'COMPLETED':
      return {
        code: 'RESULT_MISSING',
        message: `The endpoint says the job is done, but the worker could not report a result. ${reason}`,
        advice: 'Look at the log for the last thing the worker did, then start the run again.',
      }
    case 'FAILED':
      return failedJobError(error)
    case 'CANCELLED':
      return {
        code: 'CANCELLED_ELSEWHERE',
        message: 'The job was cancelled on the endpoint, not from this app.',
        advice: startAgain,
      }
    case 'TIMED_OUT':
      return {
        code: 'JOB_TIMED_OUT',
        message: 'The job ran out of time before a worker finished it.',
        advice: 'Check that the endpoint has free workers, then start the run again.',
      }
    case 'NOT_FOUND':
      return {
        code: 'JOB_EXPIRED',
        message: `The endpoint no longer knows the job, and the volume holds no result. ${reason}`,
        advice: 'Jobs are forgotten after their time limit. Start the run again, with fewer epochs if it was a long one.',
      }
  }
}

const sdkErrorSchema = z.object({ error_type: z.string(), error_message: z.string() })

function failedJobError(error: string | null): RunError {
  const text = readableError(error)
  if (/executionTimeout exceeded/i.test(text)) {
    return {
      code: 'TIME_LIMIT',
      message: 'The endpoint stopped the job at its time limit.',
      advice: 'Raise the execution timeout of the endpoint or train fewer epochs, then start the run again.',
    }
  }
  if (/job timed out after|worker (?:died|exited|lost|stopped|crashed)/i.test(text)) {
    return {
      code: 'WORKER_LOST',
      message: `The worker stopped without reporting a result (${text}).`,
      advice: 'The cause is often too little memory. Try a smaller batch size or a shorter maximum length.',
    }
  }
  return {
    code: 'JOB_FAILED',
    message: text === '' ? 'The job failed and gave no reason.' : `The job failed: ${text}`,
    advice: 'Look at the log for the last thing the worker did, then start the run again.',
  }
}

/** The SDK reports a raised exception as a JSON string; anything else is shown as it is. */
function readableError(error: string | null): string {
  if (error === null) return ''
  try {
    const parsed = sdkErrorSchema.safeParse(JSON.parse(error))
    if (parsed.success) return `${parsed.data.error_type.replace(/^<class '|'>$/g, '')}: ${parsed.data.error_message}`.slice(0, 500)
  } catch (problem) {
    if (!(problem instanceof SyntaxError)) throw problem
  }
  return error.slice(0, 500)
}

/** A run that ended without an adapter although training did not fail. */
export const adapterMissingError: RunError = {
  code: 'ADAPTER_MISSING',
  message: 'Training ended, but no adapter was saved.',
  advice: 'Start the run again and let it train at least one step.',
}

/** A failure inside the app before the job was accepted. */
export function errorFrom(problem: unknown): RunError {
  if (problem instanceof AppError) return { code: problem.code, message: problem.message, advice: adviceFor(problem) }
  return {
    code: 'INTERNAL',
    message: 'Something went wrong inside the app while preparing the run.',
    advice: 'The log file has the details. Start the run again.',
  }
}

function adviceFor(problem: AppError): string {
  return advice[problem.code] ?? 'Start the run again. If it happens again, the log file has the details.'
}

const keyAdvice = 'Open Endpoints, set the API key again and test the connection.'
const setUpAdvice = 'Open Endpoints and set up this computer, then start the run again.'
const datasetAdvice = 'Open Datasets and check the dataset, then start the run again.'
const advice: Partial<Record<ErrorCode, string>> = {
  ENDPOINT_REFUSED: keyAdvice,
  ENDPOINT_KEY_MISSING: keyAdvice,
  KEYCHAIN_UNAVAILABLE: keyAdvice,
  ENDPOINT_NOT_FOUND: 'Open Endpoints and check that the endpoint still exists.',
  PYTHON_NOT_FOUND: setUpAdvice,
  PYTHON_SETUP_FAILED: setUpAdvice,
  WORKER_START_FAILED: setUpAdvice,
  ENDPOINT_NOT_READY: setUpAdvice,
  DATASET_NOT_FOUND: datasetAdvice,
  DATASET_NOT_READY: datasetAdvice,
  DATASET_FILE_UNREADABLE: datasetAdvice,
  VOLUME_UNREADABLE: 'Check that the disk is there and has free space, then start the run again.',
}
