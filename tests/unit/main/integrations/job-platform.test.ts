import { describe, expect, it } from 'vitest'
import { createJobPlatform } from '../../../../main/integrations/runpod-protocol/job-platform.ts'
import { defaultRules, emptyQueue } from '../../../../main/integrations/runpod-protocol/job-queue.ts'
import { silentLog } from '../../../../main/lib/log.ts'

function startPlatform(mayTake: () => boolean = () => true) {
  let count = 0
  return createJobPlatform({
    initial: emptyQueue,
    rules: defaultRules,
    clock: { nowMs: () => 1_000, after: () => () => undefined },
    log: silentLog,
    newJobId: () => `job-${(count += 1)}`,
    identityOf: (input) => (typeof input === 'object' && input !== null && 'run_id' in input ? String(input.run_id) : undefined),
    mayTake,
    save: () => Promise.resolve(),
    onChanged: () => undefined,
    onOverdue: () => undefined,
  })
}

const policy = { executionTimeoutMs: 60_000, ttlMs: 60_000 }

describe('a post about a run that is already under way', () => {
  it('gets the first job, so that a stop reaches the only one there is', async () => {
    const platform = startPlatform()
    const first = await platform.submit({ input: { run_id: 'a' }, policy })
    const second = await platform.submit({ input: { run_id: 'a' }, policy })
    expect(second.id).toBe(first.id)
    expect(platform.queue().jobs).toHaveLength(1)
    platform.close()
  })

  it('is a new job once the first has ended, and other jobs are never joined', async () => {
    const platform = startPlatform()
    const first = await platform.submit({ input: { run_id: 'a' }, policy })
    await platform.cancel(first.id)
    const again = await platform.submit({ input: { run_id: 'a' }, policy })
    const other = await platform.submit({ input: { run_id: 'b' }, policy })
    const hello = await platform.submit({ input: { action: 'hello' }, policy })
    expect(new Set([first.id, again.id, other.id, hello.id]).size).toBe(4)
    platform.close()
  })
})

describe('a queue that is shut for now', () => {
  it('hands its jobs out as soon as it is opened, to a worker that was waiting already', async () => {
    let isOpen = false
    const platform = startPlatform(() => isOpen)
    const { id } = await platform.submit({ input: { action: 'hello' }, policy })
    let isTaken = false
    const taking = platform.take('w', 1, new AbortController().signal).then((jobs) => {
      isTaken = true
      return jobs
    })
    await new Promise((resolve) => void setImmediate(resolve))
    expect(isTaken).toBe(false)
    isOpen = true
    platform.wake()
    expect((await taking).map((job) => job.id)).toEqual([id])
    platform.close()
  })
})
