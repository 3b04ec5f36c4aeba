import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import {
  addChunk,
  cancelJob,
  drainChunks,
  expireJobs,
  failWaitingJobs,
  findJob,
  finishJob,
  giveBack,
  isEnded,
  loseWorker,
  nextDeadlineMs,
  overdueWorkers,
  purgeJobs,
  recordProgress,
  retryJob,
  submitJob,
  takeJob,
  takeStops,
  type JobQueue,
  type JobRecord,
  type QueueRules,
} from './job-queue.ts'

/** A queue with clocks and waiting callers: what both halves of the HTTP dialect talk to. */
export interface JobPlatform {
  queue(): JobQueue
  submit(request: Pick<JobRecord, 'input' | 'policy'>): Promise<JobRecord>
  find(jobId: string): JobRecord | undefined
  cancel(jobId: string): Promise<JobRecord | undefined>
  /** Undefined when the job is not there or not in a state that can be tried again. */
  retry(jobId: string): Promise<JobRecord | undefined>
  purge(): Promise<number>
  /** Chunks as soon as there are any, or what there is when the job ends or the wait is over. */
  stream(jobId: string, waitMs: number, signal: AbortSignal): Promise<{ job: JobRecord; chunks: readonly unknown[] } | undefined>
  /** Up to `count` jobs for a worker; waits for one. */
  take(workerId: string, count: number, signal: AbortSignal): Promise<readonly JobRecord[]>
  giveBack(workerId: string, jobId: string): Promise<void>
  /** Jobs the worker shall stop; waits for one. */
  stops(workerId: string, signal: AbortSignal): Promise<readonly string[]>
  progress(workerId: string, jobId: string, output: unknown): void
  finish(workerId: string, jobId: string, result: { output?: unknown; error?: string }): Promise<void>
  chunk(workerId: string, jobId: string, chunk: unknown): void
  loseWorker(workerId: string, options: { countsAsRetry: boolean }): Promise<void>
  failWaiting(error: string): Promise<void>
  /** Answers all long polls of a worker at once and keeps later ones short, so that it can leave. */
  dismiss(workerId: string): void
  /** Lets waiting callers look again, after something outside the queue has changed. */
  wake(): void
  close(): void
}

interface PlatformDependencies {
  readonly initial: JobQueue
  readonly rules: QueueRules
  readonly clock: Clock
  readonly log: Log
  readonly newJobId: () => string
  /** Names what a job is about; a second post about the same thing then gets the job that is still under way. */
  readonly identityOf?: (input: unknown) => string | undefined
  /** Holds jobs back from a worker for now; `wake` once that has changed. */
  readonly mayTake?: (job: JobRecord, workerId: string) => boolean
  /** Makes a state durable; answers that promise something wait for it. */
  save(queue: JobQueue): Promise<void>
  /** Called after every transition, before it is saved. */
  onChanged(queue: JobQueue): void
  /** A worker was told to stop a job and did not in time. */
  onOverdue(workerId: string): void
}

/** How long a worker's question waits for an answer; below every proxy's and the SDK's own limit. */
const longPollMs = 25_000
const dismissedPollMs = 500
const shortestTimerMs = 250
/** Stands for an answer that ends a wait with nothing to give. */
const leaving = Symbol('leaving')

/** Builds the platform around an initial queue; timers run until `close`. */
export function createJobPlatform(dependencies: PlatformDependencies): JobPlatform {
  const { rules, clock, log, newJobId } = dependencies
  const findUnderWay = (identity: string | undefined): JobRecord | undefined =>
    identity === undefined ? undefined : queue.jobs.find((job) => !isEnded(job.status) && dependencies.identityOf?.(job.input) === identity)
  const changes = createChangeSignal(clock)
  const dismissed = new Set<string>()
  let queue = dependencies.initial
  let cancelTimer: (() => void) | null = null
  let isClosed = false

  const armTimer = () => {
    cancelTimer?.()
    const deadlineMs = isClosed ? undefined : nextDeadlineMs(queue, rules)
    if (deadlineMs === undefined) return
    cancelTimer = clock.after(
      Math.max(shortestTimerMs, deadlineMs - clock.nowMs()),
      () => void sweep().catch((error: unknown) => log.error('Time limits of jobs could not be saved', error)),
    )
  }
  const apply = (next: JobQueue): boolean => {
    if (next === queue) return false
    queue = next
    changes.announce()
    dependencies.onChanged(queue)
    return true
  }
  const commit = async (next: JobQueue): Promise<void> => {
    if (!apply(next)) return
    armTimer()
    await dependencies.save(queue)
  }
  const sweep = async () => {
    const nowMs = clock.nowMs()
    await commit(expireJobs(queue, nowMs, rules))
    overdueWorkers(queue, nowMs).forEach((workerId) => dependencies.onOverdue(workerId))
    armTimer()
  }
  /** Asks again after every change until there is an answer, the caller left, or the wait is over. */
  const waitFor = async <T>(look: () => T | undefined, waitMs: number, signal: AbortSignal): Promise<T | undefined> => {
    const untilMs = clock.nowMs() + waitMs
    for (;;) {
      const found = look()
      const leftMs = untilMs - clock.nowMs()
      if (found !== undefined || signal.aborted || isClosed || leftMs <= 0) return found
      await changes.next(leftMs, signal)
    }
  }
  const pollFor = async <T>(workerId: string, look: () => T | undefined, signal: AbortSignal): Promise<T | undefined> => {
    const isLeaving = dismissed.has(workerId)
    const lookOrLeave = () => look() ?? (!isLeaving && dismissed.has(workerId) ? leaving : undefined)
    const found = await waitFor(lookOrLeave, isLeaving ? dismissedPollMs : longPollMs, signal)
    return found === leaving ? undefined : found
  }

  armTimer()
  return {
    queue: () => queue,
    find: (jobId) => findJob(queue, jobId),
    async submit(request) {
      const underWay = findUnderWay(dependencies.identityOf?.(request.input))
      if (underWay !== undefined) return underWay
      const id = newJobId()
      await commit(submitJob(queue, { ...request, id }, clock.nowMs()))
      const job = findJob(queue, id)
      if (job === undefined) throw new Error('A job that was just queued is gone')
      return job
    },
    async cancel(jobId) {
      await commit(cancelJob(queue, jobId, clock.nowMs(), rules))
      return findJob(queue, jobId)
    },
    async retry(jobId) {
      const next = retryJob(queue, jobId, clock.nowMs())
      if (next === undefined) return undefined
      await commit(next)
      return findJob(queue, jobId)
    },
    async purge() {
      const { queue: next, removed } = purgeJobs(queue)
      if (removed > 0) await commit(next)
      return removed
    },
    async stream(jobId, waitMs, signal) {
      const isReady = () => {
        const job = findJob(queue, jobId)
        return job === undefined || isEnded(job.status) || job.chunks.length > 0 ? true : undefined
      }
      await waitFor(isReady, waitMs, signal)
      const job = findJob(queue, jobId)
      if (job === undefined) return undefined
      const drained = drainChunks(queue, jobId)
      apply(drained.queue)
      return { job, chunks: drained.chunks }
    },
    async take(workerId, count, signal) {
      // A worker asks only when it has no job: what it still holds here has been lost on the way.
      await commit(loseWorker(queue, workerId, clock.nowMs(), rules))
      const jobs = await pollFor(
        workerId,
        () => {
          if (dismissed.has(workerId)) return undefined
          const mayTake = (job: JobRecord) => dependencies.mayTake?.(job, workerId) ?? true
          const taken: JobRecord[] = []
          while (taken.length < count) {
            const next = takeJob(queue, workerId, clock.nowMs(), mayTake)
            if (next.job === undefined) break
            apply(next.queue)
            taken.push(next.job)
          }
          return taken.length === 0 ? undefined : taken
        },
        signal,
      )
      if (jobs === undefined) return []
      armTimer()
      await dependencies.save(queue)
      return jobs
    },
    giveBack: (workerId, jobId) => commit(giveBack(queue, workerId, jobId, clock.nowMs())),
    async stops(workerId, signal) {
      const jobIds = await pollFor(
        workerId,
        () => {
          const due = takeStops(queue, workerId)
          apply(due.queue)
          return due.jobIds.length === 0 ? undefined : due.jobIds
        },
        signal,
      )
      return jobIds ?? []
    },
    progress: (workerId, jobId, output) => void apply(recordProgress(queue, workerId, jobId, output)),
    finish: (workerId, jobId, result) => commit(finishJob(queue, workerId, jobId, result, clock.nowMs())),
    chunk: (workerId, jobId, chunk) => void apply(addChunk(queue, workerId, jobId, chunk)),
    loseWorker: (workerId, { countsAsRetry }) => commit(loseWorker(queue, workerId, clock.nowMs(), rules, countsAsRetry)),
    failWaiting: (error) => commit(failWaitingJobs(queue, error, clock.nowMs())),
    dismiss(workerId) {
      dismissed.add(workerId)
      changes.announce()
    },
    wake: () => changes.announce(),
    close() {
      isClosed = true
      cancelTimer?.()
      changes.announce()
    },
  }
}

/** Wakes everybody who waits for the next change. */
function createChangeSignal(clock: Clock) {
  const waiting = new Set<() => void>()
  return {
    announce(): void {
      for (const wake of waiting) wake()
    },
    next(waitMs: number, signal: AbortSignal): Promise<void> {
      return new Promise((resolve) => {
        const wake = () => {
          waiting.delete(wake)
          cancel()
          signal.removeEventListener('abort', wake)
          resolve()
        }
        const cancel = clock.after(waitMs, wake)
        signal.addEventListener('abort', wake, { once: true })
        waiting.add(wake)
      })
    },
  }
}
