import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readFile, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createJobsVolume } from '../../../main/integrations/volume/jobs-volume.ts'
import type { VolumeJobs } from '../../../main/integrations/volume/jobs-ask.ts'
import type { VolumeStore } from '../../../main/integrations/volume/volume-store.ts'
import { AppError } from '../../../preload/contract/errors.ts'
import { silentLog } from '../../../main/lib/log.ts'
import { createInstantClock } from '../../support/instant-clock.ts'
import { createPiecesWorker, type Fault, type PiecesWorker } from '../../support/volume/pieces-worker.ts'

const sha256 = (data: Buffer) => createHash('sha256').update(data).digest('hex')
const runId = '0198c0de-0000-7000-8000-000000000001'
const part = `runs/${runId}/adapter/part-0001`
/** Text of which gzip saves about a quarter, so that several pieces are needed. */
const wordy = (bytes: number) => Buffer.from(randomBytes((bytes * 3) / 4).toString('base64'))

describe('a volume reached with only an API key', () => {
  let root = ''
  let worker: PiecesWorker
  let volume: VolumeStore
  const reopen = (options: Partial<Parameters<typeof createJobsVolume>[0]> = {}) =>
    createJobsVolume({ jobs: worker.jobs, clock: createInstantClock(), log: silentLog, journalFolder: join(root, 'journal'), ...options })
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'tunesmith-jobs-volume-'))
    worker = createPiecesWorker()
    volume = reopen()
  })
  afterEach(() => rm(root, { recursive: true, force: true }))

  const source = async (content: Buffer) => {
    const path = join(root, 'source')
    await writeFile(path, content)
    const hash = sha256(content)
    return { path, hash, key: `datasets/${hash}.jsonl` }
  }
  const actions = () => worker.posted.map(({ input }) => input['action'])
  const faultsInTurn = (...faults: Fault[]) => {
    worker.nextFault = () => faults.shift() ?? 'none'
  }
  const abortAfter = (jobs: number) => {
    const abort = new AbortController()
    worker.onPosted = (count) => {
      if (count === jobs) abort.abort(new Error('The app is closing'))
    }
    return abort.signal
  }

  describe('sending a training file', () => {
    it('a small file costs one job, which carries both time limits and is smaller than its text', async () => {
      const content = Buffer.from('{"messages":[]}\n'.repeat(50_000))
      const { path, hash, key } = await source(content)
      const seen: number[] = []
      await volume.putFile(key, path, hash, { onProgress: (done) => void seen.push(done) })
      expect(worker.files.get(key)?.equals(content)).toBe(true)
      expect(worker.posted).toHaveLength(1)
      expect(String(worker.posted[0]?.input['data']).length).toBeLessThan(content.length / 50)
      expect(worker.posted[0]?.policy.executionTimeoutMs).toBeGreaterThan(0)
      expect(worker.posted[0]?.policy.ttlMs).toBeGreaterThan(worker.posted[0]?.policy.executionTimeoutMs ?? 0)
      expect(seen).toEqual([0, content.length])
    })

    it('a file that is there already is not sent: one job without data', async () => {
      const content = wordy(16_000_000)
      const { path, hash, key } = await source(content)
      worker.files.set(key, content)
      await volume.putFile(key, path, hash)
      expect(worker.posted.map(({ input }) => input['data'])).toEqual([''])
    })

    it('pieces that do not shrink still fit into the job, one at a time', async () => {
      const content = randomBytes(15_000_000)
      const { path, hash, key } = await source(content)
      await volume.putFile(key, path, hash)
      expect(worker.files.get(key)?.equals(content)).toBe(true)
      for (const { input } of worker.posted) expect(JSON.stringify(input).length).toBeLessThan(9_600_000)
      expect(worker.load.most).toBe(1)
    })

    it('goes on after a restart of the app where the worker stands, without asking first', async () => {
      const content = wordy(24_000_000)
      const { path, hash, key } = await source(content)
      await expect(volume.putFile(key, path, hash, { signal: abortAfter(3) })).rejects.toThrow('The app is closing')
      expect(worker.cancelled).toHaveLength(1)
      const received = worker.parts.get(key)?.length ?? 0
      expect(received).toBeGreaterThan(10_000_000)
      const before = worker.posted.length
      await reopen().putFile(key, path, hash)
      expect(worker.files.get(key)?.equals(content)).toBe(true)
      const offsets = worker.posted.slice(before).map(({ input }) => Number(input['offset']))
      expect(offsets[0]).toBeGreaterThan(0)
      // The piece on its way when the app closed had arrived: it is sent twice, and everything before it is not.
      expect(offsets.filter((offset) => offset < received)).toHaveLength(1)
    })

    it('a worker whose volume lost the pieces is sent them again', async () => {
      const content = wordy(24_000_000)
      const { path, hash, key } = await source(content)
      await expect(volume.putFile(key, path, hash, { signal: abortAfter(3) })).rejects.toThrow('The app is closing')
      worker.parts.clear()
      await reopen().putFile(key, path, hash)
      expect(worker.files.get(key)?.equals(content)).toBe(true)
    })

    it('pieces damaged on the volume are sent again from the beginning, once', async () => {
      const content = wordy(9_000_000)
      const { path, hash, key } = await source(content)
      worker.parts.set(key, Buffer.alloc(1_000_000, 1))
      await volume.putFile(key, path, hash)
      expect(worker.files.get(key)?.equals(content)).toBe(true)
    })

    it('a file that changed on this computer is said to have changed, not sent twice', async () => {
      const { path } = await source(Buffer.from('other'))
      const promised = sha256(Buffer.from('hello'))
      const sending = volume.putFile(`datasets/${promised}.jsonl`, path, promised)
      await expect(sending).rejects.toMatchObject({ code: 'VOLUME_UNREADABLE', retryable: false })
      expect(worker.posted).toHaveLength(1)
    })

    it('a full volume is told as that, with the words of the worker', async () => {
      const { path, hash, key } = await source(Buffer.from('hello'))
      const full: VolumeJobs = {
        ...worker.jobs,
        status: () => Promise.resolve({ status: 'FAILED', error: 'DISK_FULL: The training file needs 5 MB more. Free some space.' }),
      }
      await expect(reopen({ jobs: full }).putFile(key, path, hash)).rejects.toMatchObject({
        code: 'DISK_FULL',
        message: expect.stringContaining('needs 5 MB more'),
      })
    })

    it('refuses other keys before a job is paid for', async () => {
      const { path, hash } = await source(Buffer.from('hello'))
      await expect(volume.putFile(`runs/${runId}/result.json`, path, hash)).rejects.toMatchObject({ code: 'VOLUME_UNREADABLE' })
      await expect(volume.putText(`runs/${runId}/result.json`, '{}')).rejects.toMatchObject({ code: 'VOLUME_UNREADABLE' })
      expect(worker.posted).toEqual([])
    })
  })

  describe('fetching a file', () => {
    it('asks for the pieces two at a time and verifies each', async () => {
      const content = randomBytes(14_500_000)
      worker.files.set(part, content)
      const target = join(root, 'parts', 'part-0001')
      const seen: number[] = []
      expect(await volume.getFile(part, target, { onProgress: (done) => void seen.push(done) })).toEqual({ bytes: content.length })
      expect((await readFile(target)).equals(content)).toBe(true)
      expect(seen).toEqual([4_000_000, 8_000_000, 12_000_000, 14_500_000])
      expect([worker.posted.length, worker.load.most]).toEqual([4, 2])
      expect([await readdir(join(root, 'parts')), await readdir(join(root, 'journal'))]).toEqual([['part-0001'], []])
    })

    it('an empty file arrives as one', async () => {
      worker.files.set(part, Buffer.alloc(0))
      expect(await volume.getFile(part, join(root, 'target'))).toEqual({ bytes: 0 })
      expect((await stat(join(root, 'target'))).size).toBe(0)
    })

    it('goes on after a restart of the app, and cancels what it had asked for', async () => {
      const content = randomBytes(18_000_000)
      worker.files.set(part, content)
      const target = join(root, 'target')
      await expect(volume.getFile(part, target, { signal: abortAfter(4) })).rejects.toThrow('The app is closing')
      expect(worker.cancelled.length).toBeGreaterThan(0)
      const before = worker.posted.length
      await reopen().getFile(part, target)
      expect((await readFile(target)).equals(content)).toBe(true)
      expect(worker.posted.slice(before).map(({ input }) => input['offset'])).not.toContain(0)
    })

    it('a partial file that was torn is used only as far as it is right', async () => {
      const content = randomBytes(18_000_000)
      worker.files.set(part, content)
      const target = join(root, 'target')
      await expect(volume.getFile(part, target, { signal: abortAfter(5) })).rejects.toThrow('The app is closing')
      await truncate(`${target}.partial`, 5_000_000)
      const before = worker.posted.length
      await reopen().getFile(part, target)
      expect((await readFile(target)).equals(content)).toBe(true)
      expect(Number(worker.posted[before]?.input['offset'])).toBe(4_000_000)
    })

    it('a file that is another one after the restart is fetched from the beginning', async () => {
      worker.files.set(part, randomBytes(14_000_000))
      const target = join(root, 'target')
      await expect(volume.getFile(part, target, { signal: abortAfter(4) })).rejects.toThrow('The app is closing')
      const content = randomBytes(11_000_000)
      worker.files.set(part, content)
      await reopen().getFile(part, target)
      expect((await readFile(target)).equals(content)).toBe(true)
    })

    it('answers that the platform does not take are asked for in smaller pieces', async () => {
      const content = randomBytes(3_000_000)
      worker.files.set(part, content)
      faultsInTurn('no_output', 'no_output')
      await volume.getFile(part, join(root, 'target'))
      expect((await readFile(join(root, 'target'))).equals(content)).toBe(true)
      expect(worker.posted.map(({ input }) => input['max_bytes'])).toEqual([4_000_000, 2_000_000, 1_000_000, 1_000_000, 1_000_000])
    })

    it('gives up when the platform takes no answer at all, and says so', async () => {
      worker.files.set(part, randomBytes(3_000_000))
      worker.nextFault = () => 'no_output'
      await expect(volume.getFile(part, join(root, 'target'))).rejects.toMatchObject({ code: 'RUNPOD_REPLY_INVALID', retryable: true })
      expect(worker.posted.length).toBeLessThan(8)
    })

    it('an absent file is refused at once', async () => {
      await expect(volume.getFile(part, join(root, 'target'))).rejects.toMatchObject({ code: 'VOLUME_UNREADABLE', retryable: false })
      expect(worker.posted).toHaveLength(1)
    })
  })

  describe('faults of the endpoint', () => {
    const passing: Fault[] = [
      'reply_of_run_lost',
      'run_refused',
      'forgotten',
      'platform_failure',
      'damaged_bytes',
      'other_offset',
      'status_unreachable',
      'worker_internal',
      'cancelled_elsewhere',
    ]
    it.each(passing)('%s: the piece is asked for again, in both directions', async (fault) => {
      const content = wordy(9_000_000)
      const { path, hash, key } = await source(content)
      faultsInTurn('none', fault, fault, 'none', fault)
      await volume.putFile(key, path, hash)
      expect(worker.files.get(key)?.equals(content)).toBe(true)
      worker.files.set(part, content)
      faultsInTurn(fault, 'none', fault, 'none', fault)
      await volume.getFile(part, join(root, 'target'))
      expect((await readFile(join(root, 'target'))).equals(content)).toBe(true)
      expect(worker.load.now).toBe(0)
    })

    it('any sequence of faults and restarts ends with the right bytes or a retryable error, never with wrong ones', async () => {
      const content = wordy(4_200_000)
      const { path, hash, key } = await source(content)
      const faults = fc.array(fc.constantFrom<Fault>('none', 'none', 'none', ...passing), { maxLength: 24 })
      await fc.assert(
        fc.asyncProperty(faults, async (sequence) => {
          for (const map of [worker.files, worker.parts]) map.clear()
          worker.files.set(part, content)
          const left = [...sequence]
          worker.nextFault = () => left.shift() ?? 'none'
          const target = join(root, 'property')
          await rm(target, { force: true })
          for (const transfer of [() => reopen().putFile(key, path, hash), () => reopen().getFile(part, target)]) {
            for (let start = 0; ; start += 1) {
              const problem: unknown = await transfer().then(
                () => null,
                (error: unknown) => error,
              )
              if (problem === null) break
              expect(problem).toMatchObject({ retryable: true })
              expect(start).toBeLessThan(10)
            }
          }
          expect(worker.files.get(key)?.equals(content)).toBe(true)
          expect((await readFile(target)).equals(content)).toBe(true)
        }),
        { numRuns: 12, seed: 5 },
      )
    })

    it('a job that no worker takes is cancelled in the end and the wait is named', async () => {
      worker.files.set(part, Buffer.from('x'))
      worker.nextFault = () => 'stays_queued'
      const waiting = reopen({ queueMs: 120_000 }).findText(part, 10)
      await expect(waiting).rejects.toMatchObject({
        code: 'ENDPOINT_UNREACHABLE',
        retryable: true,
        message: expect.stringContaining('within 2 min'),
      })
      expect([worker.posted.length, worker.cancelled.length]).toEqual([1, 1])
    })

    it('a refused key ends the transfer without another job', async () => {
      let posts = 0
      const jobs: VolumeJobs = {
        ...worker.jobs,
        run() {
          posts += 1
          return Promise.reject(new AppError('ENDPOINT_REFUSED', 'The endpoint refused the API key.'))
        },
      }
      await expect(reopen({ jobs }).findText(part, 10)).rejects.toMatchObject({ code: 'ENDPOINT_REFUSED' })
      expect(posts).toBe(1)
    })

    it('a worker that is older than the app is named, not retried', async () => {
      const jobs: VolumeJobs = {
        ...worker.jobs,
        status: () =>
          Promise.resolve({ status: 'FAILED', error: 'INVALID_INPUT: input.action: expected hello or train. Update the worker.' }),
      }
      await expect(reopen({ jobs }).putText(`runs/${runId}/stop.json`, '')).rejects.toMatchObject({ code: 'ENDPOINT_NOT_READY' })
      expect(worker.posted).toHaveLength(1)
    })
  })

  describe('small questions', () => {
    it('each costs one job, and what workers do not hand out costs none', async () => {
      worker.files.set(`runs/${runId}/result.json`, Buffer.from('{"v":1}'))
      worker.files.set(part, Buffer.alloc(3))
      expect(await volume.findText(`runs/${runId}/result.json`, 100)).toBe('{"v":1}')
      expect(await volume.findText(`runs/${runId}/lease.json`, 100)).toBeUndefined()
      expect(await volume.list(`runs/${runId}/adapter/`)).toEqual([{ key: part, bytes: 3 }])
      await volume.putText(`runs/${runId}/stop.json`, '{"v":1,"reason":"user"}')
      expect(actions()).toEqual(['get', 'get', 'list', 'mark_stop'])
      expect(await volume.findText('models/Qwen--Qwen3-8B/tunesmith-model.json', 100)).toBeUndefined()
      await expect(volume.removePrefix(`runs/${runId}/`)).rejects.toMatchObject({ code: 'VOLUME_UNREADABLE' })
      expect(await volume.freeBytes()).toBeNull()
      expect(await reopen({ lastFreeBytes: () => 7 }).freeBytes()).toBe(7)
      expect(worker.posted).toHaveLength(4)
    })

    it('folders that workers do not list, and lists that are cut off, are refused rather than shown in part', async () => {
      await expect(volume.list('runs/')).rejects.toMatchObject({ code: 'VOLUME_UNREADABLE' })
      expect(worker.posted).toEqual([])
      const status = () =>
        Promise.resolve({
          status: 'COMPLETED',
          output: { v: 1, files: [{ key: part, bytes: 1, modified_ms: 1 }], is_truncated: true },
        } as const)
      await expect(reopen({ jobs: { ...worker.jobs, status } }).list(`runs/${runId}/`)).rejects.toMatchObject({ code: 'VOLUME_UNREADABLE' })
    })

    it('a text that is larger than expected is refused', async () => {
      worker.files.set(part, Buffer.alloc(11))
      await expect(volume.findText(part, 10)).rejects.toMatchObject({ code: 'VOLUME_UNREADABLE' })
    })

    it.each(['../x', 'runs/../x', '/etc/passwd', ''])('refuses the key %j without a job', async (key) => {
      await expect(volume.findText(key, 10)).rejects.toMatchObject({ code: 'VOLUME_UNREADABLE' })
      expect(worker.posted).toEqual([])
    })
  })
})
