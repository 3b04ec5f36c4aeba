import { AppError } from '../../../preload/contract/errors.ts'
import { assertNever } from '../../lib/assert-never.ts'
import { delay, type Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { FullJobClient, JobStatus } from '../runpod/job-client.ts'
import { failureOfRefusal, forgotten, isPassing, noAnswer, notTaken, refusalIn, unusableReply, type Refusal } from './jobs-failure.ts'

/** The part of the job API that a volume needs. */
export type VolumeJobs = Pick<FullJobClient, 'run' | 'status' | 'cancel'>

/** One small job: what it asks for and how its answer is read. */
export interface Question<T> {
  readonly input: { readonly v: 1; readonly action: string } & Readonly<Record<string, unknown>>
  /** The key it is about, for messages. */
  readonly key: string
  /** The answer, or a few words on why it cannot be used. */
  read(output: unknown): Promise<{ value: T } | { problem: string }>
  /** How long it may wait for a worker; a queued job costs nothing. */
  readonly queueMs: number
  readonly signal?: AbortSignal | undefined
}

/** `too_large`: the worker answered, but the platform did not take the answer. */
export type Answer<T> = { kind: 'answered'; value: T } | { kind: 'refused'; refusal: Refusal } | { kind: 'too_large' }

/** Asks one question of a worker; every call is at least one job on the user's bill. */
export type AskJob = <T>(question: Question<T>) => Promise<Answer<T>>

interface AskDependencies {
  readonly jobs: VolumeJobs
  readonly clock: Clock
  readonly log: Log
  readonly pollMs: number
}

type Outcome<T> = Answer<T> | { kind: 'lost'; error: AppError }

const attempts = 4
const firstBackOffMs = 1_000
/** More than any piece takes, less than an idle mistake may cost. */
const executionTimeoutMs = 300_000
/** The platform forgets an unanswered job so long after the app would have stopped waiting for it. */
const ttlMarginMs = 60_000
const slowAfterMs = 30_000
const slowFactor = 5
const notFoundNeeded = 2
const statusFailuresAllowed = 5
const cancelPatienceMs = 5_000

/** Builds the way to ask. A question may be asked again at any time, so what is lost is simply asked for once more. */
export function createAskJob(dependencies: AskDependencies): AskJob {
  const { clock, log } = dependencies
  return async (question) => {
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await askOnce(dependencies, question)
      const isAgain = outcome.kind === 'lost' || (outcome.kind === 'refused' && isPassing(outcome.refusal))
      if (!isAgain) return outcome
      const error = outcome.kind === 'lost' ? outcome.error : failureOfRefusal(outcome.refusal, question.key)
      if (attempt >= attempts) throw error
      log.info('A file job is asked again', { action: question.input.action, key: question.key, attempt, reason: error.message })
      await delay(clock, firstBackOffMs * 2 ** (attempt - 1), question.signal)
    }
  }
}

async function askOnce<T>(dependencies: AskDependencies, question: Question<T>): Promise<Outcome<T>> {
  const { signal } = question
  const jobId = await post(dependencies, question)
  if (typeof jobId !== 'string') return { kind: 'lost', error: jobId }
  const ended = await untilClosed(dependencies, jobId, question)
  if (ended instanceof AppError) return { kind: 'lost', error: ended }
  signal?.throwIfAborted()
  switch (ended.status) {
    case 'COMPLETED': {
      if (ended.output === undefined) return { kind: 'too_large' }
      const read = await question.read(ended.output)
      return 'value' in read ? { kind: 'answered', value: read.value } : { kind: 'lost', error: unusableReply(read.problem, jobId) }
    }
    case 'FAILED': {
      const refusal = refusalIn(ended.error)
      return refusal === undefined ? { kind: 'lost', error: noAnswer('FAILED', ended.error, jobId) } : { kind: 'refused', refusal }
    }
    case 'CANCELLED':
    case 'TIMED_OUT':
      return { kind: 'lost', error: noAnswer(ended.status, ended.error, jobId) }
    case 'NOT_FOUND':
      return { kind: 'lost', error: forgotten(jobId) }
    case 'IN_QUEUE':
    case 'IN_PROGRESS':
      throw new Error(`The job ${jobId} is not closed`)
    default:
      return assertNever(ended.status)
  }
}

/** The number of the new job, or why its answer is lost; the lost job, if there is one, does no harm. */
async function post<T>({ jobs, clock, log }: AskDependencies, { input, queueMs, signal }: Question<T>): Promise<string | AppError> {
  signal?.throwIfAborted()
  const posting = jobs.run(input, { executionTimeoutMs, ttlMs: queueMs + executionTimeoutMs + ttlMarginMs })
  try {
    const { jobId } = await orAborted(posting, signal)
    return jobId
  } catch (error) {
    if (signal?.aborted === true) {
      // The answer may still come and name a job that nobody waits for.
      posting
        .then(({ jobId }) => cancelQuietly({ jobs, clock, log }, jobId))
        .catch(() => log.debug('A post that was called off also failed'))
      throw signal.reason
    }
    if (error instanceof AppError && error.retryable) return error
    throw error
  }
}

/** Follows a job to its end; cancels it when it is not wanted any more. */
async function untilClosed<T>(dependencies: AskDependencies, jobId: string, question: Question<T>): Promise<JobStatus | AppError> {
  try {
    return await watch(dependencies, jobId, question)
  } catch (error) {
    await cancelQuietly(dependencies, jobId)
    throw error
  }
}

async function watch<T>(
  { jobs, clock, pollMs }: AskDependencies,
  jobId: string,
  { queueMs, signal }: Question<T>,
): Promise<JobStatus | AppError> {
  const postedAtMs = clock.nowMs()
  let takenAtMs: number | null = null
  let failures = 0
  let notFound = 0
  for (;;) {
    const waitedMs = clock.nowMs() - postedAtMs
    await delay(clock, takenAtMs === null && waitedMs >= slowAfterMs ? pollMs * slowFactor : pollMs, signal)
    const status = await statusOr(jobs, jobId)
    signal?.throwIfAborted()
    if (status instanceof AppError) {
      failures += 1
      if (!status.retryable || failures >= statusFailuresAllowed) throw status
      continue
    }
    failures = 0
    notFound = status.status === 'NOT_FOUND' ? notFound + 1 : 0
    if (status.status === 'IN_QUEUE') {
      takenAtMs = null
      if (clock.nowMs() - postedAtMs >= queueMs) throw notTaken(clock.nowMs() - postedAtMs, jobId)
    } else if (status.status === 'IN_PROGRESS') {
      takenAtMs ??= clock.nowMs()
      if (clock.nowMs() - takenAtMs >= executionTimeoutMs + ttlMarginMs) {
        await cancelQuietly({ jobs, clock }, jobId)
        return noAnswer('IN_PROGRESS', undefined, jobId)
      }
    } else if (status.status !== 'NOT_FOUND' || notFound >= notFoundNeeded) return status
  }
}

async function statusOr(jobs: VolumeJobs, jobId: string): Promise<JobStatus | AppError> {
  try {
    return await jobs.status(jobId)
  } catch (error) {
    if (error instanceof AppError) return error
    throw error
  }
}

async function cancelQuietly({ jobs, clock, log }: Pick<AskDependencies, 'jobs' | 'clock'> & { log?: Log }, jobId: string): Promise<void> {
  const cancelling = jobs.cancel(jobId).catch((error: unknown) => {
    // Its time limits end it in any case.
    log?.info('A file job could not be cancelled', { jobId, error })
  })
  const patience = new AbortController()
  await Promise.race([cancelling, delay(clock, cancelPatienceMs, patience.signal).catch(() => undefined)])
  patience.abort()
}

function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
