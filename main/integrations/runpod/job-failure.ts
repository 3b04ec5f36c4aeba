import { workerErrorCodeSchema } from '../../../preload/contract/worker.ts'
import { redactText } from '../../lib/redaction.ts'
import { readJobError } from './job-error.ts'

/** A failure in words, with what to do next. */
export interface JobFailure {
  readonly cause:
    | 'worker_lost'
    | 'time_limit'
    | 'input_refused'
    | 'worker_refused'
    | 'out_of_memory'
    | 'disk_full'
    | 'raised'
    | 'other'
    | 'no_reason'
  readonly sentence: string
  readonly advice: string
  /** True when the same job may well succeed when it is started again. */
  readonly isTransient: boolean
}

const longestSaid = 400
const lostPattern = /job timed out after (\d+) retr/i
const timeLimitPattern = /execution ?timeout exceeded/i
const missingFieldPattern = /missing field\(s\)/i
const memoryPattern = /out of memory|OutOfMemoryError|CUBLAS_STATUS_ALLOC_FAILED/i
const spacePattern = /no space left on device|disk quota exceeded|ENOSPC/i
const refusalPattern = /^([A-Z_]+): ([\s\S]+)$/

/** Explains the `error` of a job that FAILED, whether the platform, the SDK or the worker wrote it. */
export function explainFailure(error: string | null): JobFailure {
  const read = readJobError(error)
  if (read === undefined) {
    return failure('no_reason', 'The job failed, and no reason was given.', "Read the worker's log, then start the run again.", true)
  }
  const { message, type } = read
  const refusal = refusalPattern.exec(message)
  if (refusal !== null && workerErrorCodeSchema.safeParse(refusal[1]).success) {
    const isTransient = refusal[1] === 'INTERNAL'
    return failure('worker_refused', said(refusal[2] ?? ''), 'Do what the sentence names, then start the run again.', isTransient)
  }
  const known = ofPlatform(message) ?? ofResources(`${type ?? ''} ${message}`)
  if (known !== null) return known
  const advice = 'Read the log of the run for what came before.'
  if (type === undefined) return failure('other', `The job failed: ${said(message)}`, advice)
  return failure('raised', `The worker stopped with ${type}: ${said(message)}`, advice)
}

/** The errors that the platform itself writes. */
function ofPlatform(text: string): JobFailure | null {
  const lost = lostPattern.exec(text)
  if (lost !== null) {
    const tries = Number(lost[1]) + 1
    return failure(
      'worker_lost',
      `The worker ended or never reported, so RunPod gave the job up${tries > 1 ? ` after ${tries} tries` : ''}.`,
      "Read the worker's log: a crash at its start, a lack of memory and a refused input all look like this. Checkpoints are on the volume.",
      true,
    )
  }
  if (timeLimitPattern.test(text)) {
    return failure(
      'time_limit',
      'The job took longer than its time limit and was stopped.',
      'Start the run again with a higher limit; it goes on from the last checkpoint.',
    )
  }
  if (missingFieldPattern.test(text)) {
    return failure('input_refused', 'The worker did not accept the job: its input was empty.', 'Update the app, then start the run again.')
  }
  return null
}

function ofResources(text: string): JobFailure | null {
  if (memoryPattern.test(text)) {
    const advice = 'Choose a smaller micro-batch, shorter rows or a larger GPU, then start again.'
    return failure('out_of_memory', 'The GPU ran out of memory.', advice)
  }
  if (spacePattern.test(text)) {
    const advice = 'Enlarge the network volume or delete old runs from it, then start again.'
    return failure('disk_full', 'A disk of the worker is full.', advice)
  }
  return null
}

function failure(cause: JobFailure['cause'], sentence: string, advice: string, isTransient = false): JobFailure {
  return { cause, sentence, advice, isTransient }
}

/** The worker's words on one line, ended like a sentence. */
function said(text: string): string {
  const line = redactText(text.replaceAll(/\s+/g, ' ').trim()).slice(0, longestSaid)
  return /[.!?]$/.test(line) ? line : `${line}.`
}
