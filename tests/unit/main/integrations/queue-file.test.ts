import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createQueueFile } from '../../../../main/integrations/local-platform/queue-file.ts'
import { emptyQueue, findJob, finishJob, submitJob, takeJob } from '../../../../main/integrations/runpod-protocol/job-queue.ts'
import { silentLog } from '../../../../main/lib/log.ts'

const request = (id: string) => ({ id, input: { n: 1 }, policy: { executionTimeoutMs: 10_000, ttlMs: 100_000 } })

describe('queue file', () => {
  let folder = ''
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tunesmith-queue-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))
  const open = () =>
    createQueueFile({
      path: join(folder, 'state', 'queue.json'),
      clock: { nowMs: () => 9_000, after: () => () => undefined },
      log: silentLog,
    })

  it('jobs in every state survive a restart, and the running one waits again', async () => {
    let queue = takeJob(submitJob(emptyQueue, request('done'), 0), 'w1', 1).queue
    queue = finishJob(queue, 'w1', 'done', { output: { ok: true } }, 2)
    queue = takeJob(submitJob(queue, request('running'), 3), 'w1', 4).queue
    queue = submitJob(queue, request('waiting'), 5)
    const file = open()
    await file.load()
    await file.save(queue)
    const loaded = await open().load()
    expect(findJob(loaded, 'done')).toEqual(findJob(queue, 'done'))
    expect(findJob(loaded, 'running')).toMatchObject({ status: 'IN_QUEUE', retries: 0, workerId: null })
    expect(findJob(loaded, 'waiting')).toMatchObject({ status: 'IN_QUEUE', input: { n: 1 } })
    expect(loaded.totals.completed).toBe(1)
  })

  it('a save that is overtaken still ends with the newest state on disk', async () => {
    const file = open()
    await file.load()
    const one = submitJob(emptyQueue, request('a'), 0)
    const two = submitJob(one, request('b'), 0)
    const three = submitJob(two, request('c'), 0)
    await Promise.all([file.save(one), file.save(two), file.save(three)])
    expect((await open().load()).jobs.map((job) => job.id)).toEqual(['a', 'b', 'c'])
  })

  it('a damaged file is set aside with its content, not overwritten', async () => {
    await open().load()
    await writeFile(join(folder, 'state', 'queue.json'), '{"v":1,"jobs":[{"id"')
    expect(await open().load()).toEqual(emptyQueue)
    expect(await readdir(join(folder, 'state'))).toEqual(['queue.json.damaged-9000'])
    expect(await readFile(join(folder, 'state', 'queue.json.damaged-9000'), 'utf8')).toContain('"jobs":[{"id"')
  })
})
