import { z } from 'zod'

/** Status words of the job API. */
export const jobStateSchema = z.enum(['IN_QUEUE', 'IN_PROGRESS', 'COMPLETED', 'FAILED', 'CANCELLED', 'TIMED_OUT'])
export type JobState = z.infer<typeof jobStateSchema>

/** One job as the platform keeps it. */
export const jobRecordSchema = z.object({
  id: z.string(),
  input: z.record(z.string(), z.unknown()),
  policy: z.object({ executionTimeoutMs: z.number(), ttlMs: z.number() }),
  status: jobStateSchema,
  /** The time to live counts from here. */
  submittedAtMs: z.number(),
  /** When it last entered the queue; a repeat resets it. */
  queuedAtMs: z.number(),
  startedAtMs: z.number().nullable(),
  endedAtMs: z.number().nullable(),
  workerId: z.string().nullable(),
  retries: z.int(),
  /** The last progress while it runs, the result once it has ended. */
  output: z.unknown().optional(),
  error: z.string().nullable(),
  /** Chunks of a streaming handler that nobody has fetched yet. */
  chunks: z.array(z.unknown()),
})
export type JobRecord = Readonly<z.infer<typeof jobRecordSchema>>

/** A worker that has taken a job and not yet asked for another; the job itself may have been cancelled. */
interface Holding {
  readonly workerId: string
  readonly jobId: string
  /** When the worker was told to stop, and how long it may take. */
  readonly stop: { readonly askedAtMs: number; readonly graceMs: number; readonly isDelivered: boolean } | null
}

/** Everything the platform knows; replaced as a whole by each transition. */
export interface JobQueue {
  readonly jobs: readonly JobRecord[]
  readonly holdings: readonly Holding[]
  readonly totals: { readonly completed: number; readonly failed: number; readonly retried: number }
}

/** How long things last on this platform. */
export interface QueueRules {
  readonly retentionMs: number
  readonly maxRetries: number
  /** A cancelled job may save its work for this long before its worker is ended. */
  readonly cancelGraceMs: number
  /** The same for a job that ran out of time. */
  readonly timeoutGraceMs: number
}

/** RunPod's retention, and graces that let a trainer save a large adapter. */
export const defaultRules: QueueRules = { retentionMs: 30 * 60_000, maxRetries: 3, cancelGraceMs: 10 * 60_000, timeoutGraceMs: 60_000 }

export const emptyQueue: JobQueue = { jobs: [], holdings: [], totals: { completed: 0, failed: 0, retried: 0 } }

/** True for a status that no longer changes by itself. */
export function isEnded(status: JobState): boolean {
  return status !== 'IN_QUEUE' && status !== 'IN_PROGRESS'
}

export function findJob(queue: JobQueue, jobId: string): JobRecord | undefined {
  return queue.jobs.find((job) => job.id === jobId)
}

/** Adds a job at the end of the queue. */
export function submitJob(queue: JobQueue, request: Pick<JobRecord, 'id' | 'input' | 'policy'>, nowMs: number): JobQueue {
  const job: JobRecord = {
    ...request,
    status: 'IN_QUEUE',
    submittedAtMs: nowMs,
    queuedAtMs: nowMs,
    startedAtMs: null,
    endedAtMs: null,
    workerId: null,
    retries: 0,
    output: undefined,
    error: null,
    chunks: [],
  }
  return { ...queue, jobs: [...queue.jobs, job] }
}

/** Gives the oldest waiting job that may be taken to a worker. */
export function takeJob(
  queue: JobQueue,
  workerId: string,
  nowMs: number,
  mayTake: (job: JobRecord) => boolean = () => true,
): { queue: JobQueue; job: JobRecord | undefined } {
  const waiting = queue.jobs.find((job) => job.status === 'IN_QUEUE' && mayTake(job))
  if (waiting === undefined) return { queue, job: undefined }
  const job: JobRecord = { ...waiting, status: 'IN_PROGRESS', startedAtMs: nowMs, workerId, output: undefined }
  return { queue: { ...withJob(queue, job), holdings: [...queue.holdings, { workerId, jobId: job.id, stop: null }] }, job }
}

/** Undoes a take whose answer did not reach the worker. */
export function giveBack(queue: JobQueue, workerId: string, jobId: string, nowMs: number): JobQueue {
  const job = runningJob(queue, workerId, jobId)
  return release(job === undefined ? queue : withJob(queue, toWaiting(job, job.retries, nowMs)), workerId, jobId)
}

/** Keeps the newest progress of a running job; what comes late or from a former worker is dropped. */
export function recordProgress(queue: JobQueue, workerId: string, jobId: string, output: unknown): JobQueue {
  const job = runningJob(queue, workerId, jobId)
  return job === undefined ? queue : withJob(queue, { ...job, output })
}

/** Buffers one chunk of a streaming handler. */
export function addChunk(queue: JobQueue, workerId: string, jobId: string, chunk: unknown): JobQueue {
  const job = runningJob(queue, workerId, jobId)
  return job === undefined ? queue : withJob(queue, { ...job, chunks: [...job.chunks, chunk] })
}

/** Hands out the buffered chunks and forgets them. */
export function drainChunks(queue: JobQueue, jobId: string): { queue: JobQueue; chunks: readonly unknown[] } {
  const job = findJob(queue, jobId)
  if (job === undefined || job.chunks.length === 0) return { queue, chunks: [] }
  return { queue: withJob(queue, { ...job, chunks: [] }), chunks: job.chunks }
}

/** Takes in what a handler returned; an `error` makes the job FAILED. */
export function finishJob(
  queue: JobQueue,
  workerId: string,
  jobId: string,
  result: { output?: unknown; error?: string },
  nowMs: number,
): JobQueue {
  const job = runningJob(queue, workerId, jobId)
  if (job === undefined) return release(queue, workerId, jobId)
  const ended = endJob(job, result.error === undefined ? 'COMPLETED' : 'FAILED', result.error ?? null, nowMs, result.output)
  return release(counted(withJob(queue, ended), ended.status), workerId, jobId)
}

/** Cancels a waiting or running job; the worker that holds it is told to stop. */
export function cancelJob(queue: JobQueue, jobId: string, nowMs: number, rules: QueueRules): JobQueue {
  const job = findJob(queue, jobId)
  if (job === undefined || isEnded(job.status)) return queue
  return askToStop(withJob(queue, endJob(job, 'CANCELLED', null, nowMs, undefined)), jobId, nowMs, rules.cancelGraceMs)
}

/** Queues a failed or expired job again under the same id; undefined when it is in another state. */
export function retryJob(queue: JobQueue, jobId: string, nowMs: number): JobQueue | undefined {
  const job = findJob(queue, jobId)
  if (job === undefined || (job.status !== 'FAILED' && job.status !== 'TIMED_OUT')) return undefined
  return withJob(queue, { ...toWaiting(job, 0, nowMs), submittedAtMs: nowMs })
}

/** Removes all waiting jobs. */
export function purgeJobs(queue: JobQueue): { queue: JobQueue; removed: number } {
  const jobs = queue.jobs.filter((job) => job.status !== 'IN_QUEUE')
  return { queue: { ...queue, jobs }, removed: queue.jobs.length - jobs.length }
}

/** Ends all waiting jobs with a reason, when no worker can be had. */
export function failWaitingJobs(queue: JobQueue, error: string, nowMs: number): JobQueue {
  return queue.jobs
    .filter((job) => job.status === 'IN_QUEUE')
    .reduce((result, job) => counted(withJob(result, endJob(job, 'FAILED', error, nowMs, undefined)), 'FAILED'), queue)
}

/** A worker is gone, or asks for work while it should have some: its job goes back, or fails after too many tries. */
export function loseWorker(queue: JobQueue, workerId: string, nowMs: number, rules: QueueRules, countsAsRetry = true): JobQueue {
  const held = queue.holdings.filter((holding) => holding.workerId === workerId)
  return held.reduce((result, { jobId }) => {
    const job = runningJob(result, workerId, jobId)
    return release(job === undefined ? result : requeue(result, job, nowMs, rules, countsAsRetry), workerId, jobId)
  }, queue)
}

/** After a restart no worker holds anything: what was running waits again. */
export function recoverQueue(queue: Pick<JobQueue, 'jobs' | 'totals'>, nowMs: number): JobQueue {
  const jobs = queue.jobs.map((job) => (job.status === 'IN_PROGRESS' ? toWaiting(job, job.retries, nowMs) : job))
  return { ...queue, jobs, holdings: [] }
}

/** Stop requests a worker has not fetched yet; fetching marks them as delivered. */
export function takeStops(queue: JobQueue, workerId: string): { queue: JobQueue; jobIds: readonly string[] } {
  const isDue = (holding: Holding) => holding.workerId === workerId && holding.stop !== null && !holding.stop.isDelivered
  const jobIds = queue.holdings.filter(isDue).map((holding) => holding.jobId)
  if (jobIds.length === 0) return { queue, jobIds }
  const holdings = queue.holdings.map((holding) =>
    isDue(holding) && holding.stop !== null ? { ...holding, stop: { ...holding.stop, isDelivered: true } } : holding,
  )
  return { queue: { ...queue, holdings }, jobIds }
}

/** Applies every time limit that has passed. */
export function expireJobs(queue: JobQueue, nowMs: number, rules: QueueRules): JobQueue {
  let result = queue
  for (const job of queue.jobs) {
    if (job.endedAtMs !== null && nowMs >= job.endedAtMs + rules.retentionMs) result = withoutJob(result, job.id)
    else if (job.endedAtMs === null && nowMs >= job.submittedAtMs + job.policy.ttlMs) {
      result = askToStop(withoutJob(result, job.id), job.id, nowMs, rules.timeoutGraceMs)
    } else if (job.status === 'IN_PROGRESS' && nowMs >= (job.startedAtMs ?? nowMs) + job.policy.executionTimeoutMs) {
      const ended = endJob(job, 'FAILED', 'executionTimeout exceeded', nowMs, undefined)
      result = askToStop(counted(withJob(result, ended), 'FAILED'), job.id, nowMs, rules.timeoutGraceMs)
    }
  }
  return result
}

/** Workers that were told to stop and did not in time. */
export function overdueWorkers(queue: JobQueue, nowMs: number): readonly string[] {
  return queue.holdings.filter(({ stop }) => stop !== null && nowMs >= stop.askedAtMs + stop.graceMs).map((holding) => holding.workerId)
}

/** When the next time limit falls due; undefined when there is none. */
export function nextDeadlineMs(queue: JobQueue, rules: QueueRules): number | undefined {
  const deadlines = [
    ...queue.jobs.map((job) => {
      if (job.endedAtMs !== null) return job.endedAtMs + rules.retentionMs
      const expiry = job.submittedAtMs + job.policy.ttlMs
      return job.startedAtMs === null ? expiry : Math.min(expiry, job.startedAtMs + job.policy.executionTimeoutMs)
    }),
    ...queue.holdings.flatMap(({ stop }) => (stop === null ? [] : [stop.askedAtMs + stop.graceMs])),
  ]
  return deadlines.length === 0 ? undefined : Math.min(...deadlines)
}

function runningJob(queue: JobQueue, workerId: string, jobId: string): JobRecord | undefined {
  const job = findJob(queue, jobId)
  return job?.status === 'IN_PROGRESS' && job.workerId === workerId ? job : undefined
}

function requeue(queue: JobQueue, job: JobRecord, nowMs: number, rules: QueueRules, countsAsRetry: boolean): JobQueue {
  if (!countsAsRetry) return withJob(queue, toWaiting(job, job.retries, nowMs))
  if (job.retries >= rules.maxRetries) {
    return counted(withJob(queue, endJob(job, 'FAILED', `job timed out after ${job.retries} retries`, nowMs, undefined)), 'FAILED')
  }
  const totals = { ...queue.totals, retried: queue.totals.retried + 1 }
  return withJob({ ...queue, totals }, toWaiting(job, job.retries + 1, nowMs))
}

function toWaiting(job: JobRecord, retries: number, nowMs: number): JobRecord {
  const cleared = { startedAtMs: null, endedAtMs: null, workerId: null, output: undefined, error: null, chunks: [] }
  return { ...job, ...cleared, status: 'IN_QUEUE', retries, queuedAtMs: nowMs }
}

function endJob(job: JobRecord, status: JobState, error: string | null, nowMs: number, output: unknown): JobRecord {
  return { ...job, status, error, output, endedAtMs: nowMs }
}

function askToStop(queue: JobQueue, jobId: string, nowMs: number, graceMs: number): JobQueue {
  const holdings = queue.holdings.map((holding) =>
    holding.jobId === jobId ? { ...holding, stop: holding.stop ?? { askedAtMs: nowMs, graceMs, isDelivered: false } } : holding,
  )
  return { ...queue, holdings }
}

function release(queue: JobQueue, workerId: string, jobId: string): JobQueue {
  return { ...queue, holdings: queue.holdings.filter((holding) => holding.workerId !== workerId || holding.jobId !== jobId) }
}

function withJob(queue: JobQueue, job: JobRecord): JobQueue {
  return { ...queue, jobs: queue.jobs.map((other) => (other.id === job.id ? job : other)) }
}

function withoutJob(queue: JobQueue, jobId: string): JobQueue {
  return { ...queue, jobs: queue.jobs.filter((job) => job.id !== jobId) }
}

function counted(queue: JobQueue, status: JobState): JobQueue {
  if (status === 'COMPLETED') return { ...queue, totals: { ...queue.totals, completed: queue.totals.completed + 1 } }
  if (status === 'FAILED') return { ...queue, totals: { ...queue.totals, failed: queue.totals.failed + 1 } }
  return queue
}
