import { describe, expect, it } from 'vitest'
import {
  cancelJob,
  defaultRules,
  emptyQueue,
  expireJobs,
  findJob,
  finishJob,
  giveBack,
  loseWorker,
  nextDeadlineMs,
  overdueWorkers,
  purgeJobs,
  recordProgress,
  recoverQueue,
  retryJob,
  submitJob,
  takeJob,
  takeStops,
  type JobQueue,
} from '../../../../main/integrations/runpod-protocol/job-queue.ts'

const policy = { executionTimeoutMs: 10_000, ttlMs: 100_000 }
const submit = (queue: JobQueue, id: string, nowMs: number) => submitJob(queue, { id, input: { n: 1 }, policy }, nowMs)
const running = () => takeJob(submit(emptyQueue, 'a', 0), 'w1', 1_000).queue
const statusOf = (queue: JobQueue, id = 'a') => findJob(queue, id)?.status

describe('job queue', () => {
  it('hands jobs out in the order they came, each to one worker only', () => {
    const queue = submit(submit(emptyQueue, 'a', 0), 'b', 1)
    const first = takeJob(queue, 'w1', 2)
    const second = takeJob(first.queue, 'w2', 3)
    expect([first.job?.id, second.job?.id, takeJob(second.queue, 'w3', 4).job]).toEqual(['a', 'b', undefined])
  })

  it('a late progress report does not overwrite the result', () => {
    const done = finishJob(running(), 'w1', 'a', { output: { ok: true } }, 2_000)
    expect(findJob(recordProgress(done, 'w1', 'a', { step: 3 }), 'a')).toMatchObject({ status: 'COMPLETED', output: { ok: true } })
  })

  it('a result from a worker that was given up does not end the repeated job', () => {
    const requeued = loseWorker(running(), 'w1', 2_000, defaultRules)
    const again = takeJob(requeued, 'w2', 3_000).queue
    expect(statusOf(finishJob(again, 'w1', 'a', { output: 1 }, 4_000))).toBe('IN_PROGRESS')
    expect(statusOf(finishJob(again, 'w2', 'a', { output: 1 }, 4_000))).toBe('COMPLETED')
  })

  it('fails a job after the third repeat, with the words the real platform uses', () => {
    let queue = submit(emptyQueue, 'a', 0)
    for (const attempt of [0, 1, 2, 3]) {
      const taken = takeJob(queue, `w${attempt}`, attempt)
      expect(taken.job?.retries).toBe(attempt)
      queue = loseWorker(taken.queue, `w${attempt}`, attempt, defaultRules)
    }
    expect(findJob(queue, 'a')).toMatchObject({ status: 'FAILED', error: 'job timed out after 3 retries' })
    expect(queue.totals).toEqual({ completed: 0, failed: 1, retried: 3 })
  })

  it('an answer that never reached the worker costs no retry', () => {
    const queue = giveBack(running(), 'w1', 'a', 2_000)
    expect(findJob(queue, 'a')).toMatchObject({ status: 'IN_QUEUE', retries: 0 })
    expect(queue.holdings).toEqual([])
  })

  it('cancelling tells the holding worker once, and gives it up when it never stops', () => {
    const cancelled = cancelJob(running(), 'a', 2_000, defaultRules)
    expect(statusOf(cancelled)).toBe('CANCELLED')
    const told = takeStops(cancelled, 'w1')
    expect(told.jobIds).toEqual(['a'])
    expect(takeStops(told.queue, 'w1').jobIds).toEqual([])
    expect(overdueWorkers(told.queue, 2_000 + defaultRules.cancelGraceMs - 1)).toEqual([])
    expect(overdueWorkers(told.queue, 2_000 + defaultRules.cancelGraceMs)).toEqual(['w1'])
    expect(statusOf(finishJob(told.queue, 'w1', 'a', { output: 1 }, 9_000))).toBe('CANCELLED')
  })

  it('cancelling a waiting job keeps it from ever running', () => {
    const queue = cancelJob(submit(emptyQueue, 'a', 0), 'a', 1, defaultRules)
    expect(takeJob(queue, 'w1', 2).job).toBeUndefined()
  })

  it('a job over its execution time is failed and its worker told to stop', () => {
    expect(statusOf(expireJobs(running(), 10_999, defaultRules))).toBe('IN_PROGRESS')
    const late = expireJobs(running(), 11_000, defaultRules)
    expect(findJob(late, 'a')).toMatchObject({ status: 'FAILED', error: 'executionTimeout exceeded' })
    expect(takeStops(late, 'w1').jobIds).toEqual(['a'])
  })

  it('a job over its time to live is gone, waiting or running', () => {
    expect(statusOf(expireJobs(submit(emptyQueue, 'a', 0), 100_000, defaultRules))).toBeUndefined()
    const long = { ...policy, executionTimeoutMs: 1_000_000 }
    const slow = takeJob(submitJob(emptyQueue, { id: 'a', input: { n: 1 }, policy: long }, 0), 'w1', 99_000).queue
    const expired = expireJobs(slow, 100_000, defaultRules)
    expect(statusOf(expired)).toBeUndefined()
    expect(takeStops(expired, 'w1').jobIds).toEqual(['a'])
  })

  it('keeps an ended job for thirty minutes and wakes up to forget it', () => {
    const done = finishJob(running(), 'w1', 'a', { output: 1 }, 2_000)
    const forgetAtMs = 2_000 + 30 * 60_000
    expect(nextDeadlineMs(done, defaultRules)).toBe(forgetAtMs)
    expect(statusOf(expireJobs(done, forgetAtMs - 1, defaultRules))).toBe('COMPLETED')
    expect(expireJobs(done, forgetAtMs, defaultRules).jobs).toEqual([])
  })

  it('only a failed or expired job can be retried, under its old id and without its old error', () => {
    expect(retryJob(running(), 'a', 2_000)).toBeUndefined()
    expect(retryJob(finishJob(running(), 'w1', 'a', { output: 1 }, 2_000), 'a', 3_000)).toBeUndefined()
    const failed = finishJob(running(), 'w1', 'a', { error: 'no' }, 2_000)
    const again = retryJob(failed, 'a', 3_000)
    expect(again?.jobs).toEqual([expect.objectContaining({ id: 'a', status: 'IN_QUEUE', error: null, submittedAtMs: 3_000 })])
  })

  it('purging removes waiting jobs and leaves the running one', () => {
    const { queue, removed } = purgeJobs(submit(running(), 'b', 2_000))
    expect([removed, statusOf(queue, 'a'), statusOf(queue, 'b')]).toEqual([1, 'IN_PROGRESS', undefined])
  })

  it('a restart puts running jobs back without counting it as a retry', () => {
    const queue = recoverQueue(running(), 5_000)
    expect(findJob(queue, 'a')).toMatchObject({ status: 'IN_QUEUE', retries: 0, workerId: null })
    expect(queue.holdings).toEqual([])
  })
})
