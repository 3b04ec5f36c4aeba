import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createLocalPlatform, type LocalPlatform } from '../../../main/integrations/local-platform/local-platform.ts'
import { createJobClient } from '../../../main/integrations/runpod/job-client.ts'
import { createJobsVolume } from '../../../main/integrations/volume/jobs-volume.ts'
import type { VolumeJobs } from '../../../main/integrations/volume/jobs-ask.ts'
import type { VolumeStore } from '../../../main/integrations/volume/volume-store.ts'
import { systemClock } from '../../../main/lib/clock.ts'
import { silentLog } from '../../../main/lib/log.ts'
import { testPython } from '../../support/local-platform.ts'

const sha256 = (data: Buffer) => createHash('sha256').update(data).digest('hex')
const runId = '0198c0de-0000-7000-8000-000000000001'
const part = `runs/${runId}/adapter/part-0001`
const wordy = (bytes: number) => Buffer.from(randomBytes((bytes * 3) / 4).toString('base64'))

describe('a volume reached with only an API key, over the real worker', { timeout: 120_000 }, () => {
  let root = ''
  let platform: LocalPlatform
  let volume: VolumeStore
  const inputs: Record<string, unknown>[] = []
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'tunesmith-jobs-volume-'))
    await mkdir(join(root, 'volume'))
    platform = createLocalPlatform({
      stateFolder: join(root, 'state'),
      volumeFolder: join(root, 'volume'),
      trainerFolder: fileURLToPath(new URL('../../../trainer', import.meta.url)),
      python: testPython,
      clock: systemClock,
      newId: randomUUID,
      log: silentLog,
      onWorkerLog: () => undefined,
      onStateChanged: () => undefined,
    })
    const { baseUrl, token } = await platform.start()
    const client = createJobClient({ baseUrl, apiKey: () => token, clock: systemClock, log: silentLog, userAgent: 'Tunesmith-test' })
    const jobs: VolumeJobs = {
      status: (jobId) => client.status(jobId),
      cancel: (jobId) => client.cancel(jobId),
      run(input, policy) {
        inputs.push(input as Record<string, unknown>)
        return client.run(input, policy)
      },
    }
    volume = createJobsVolume({ jobs, clock: systemClock, log: silentLog, journalFolder: join(root, 'journal'), pollMs: 20 })
  }, 60_000)
  afterAll(async () => {
    await platform.stop()
    await rm(root, { recursive: true, force: true, maxRetries: 5 })
  })

  it('sends a training file in pieces and finds it there the second time', async () => {
    const content = wordy(20_000_000)
    const key = `datasets/${sha256(content)}.jsonl`
    await writeFile(join(root, 'source'), content)
    await volume.putFile(key, join(root, 'source'), sha256(content))
    expect((await readFile(join(root, 'volume', key))).equals(content)).toBe(true)
    const sent = inputs.splice(0).length
    await volume.putFile(key, join(root, 'source'), sha256(content))
    expect([sent, inputs.splice(0).map((input) => input['data'])]).toEqual([4, ['']])
  })

  it('fetches a file in verified pieces, texts, names and events, and leaves the mark of a stop', async () => {
    const content = randomBytes(9_000_000)
    await mkdir(join(root, 'volume', 'runs', runId, 'adapter'), { recursive: true })
    await mkdir(join(root, 'volume', 'runs', runId, 'events'))
    await writeFile(join(root, 'volume', part), content)
    const events = [1, 2, 3].map((seq) => ({ seq, attempt: 1, t: 1, kind: 'log', level: 'info', message: `number ${seq}` }))
    await writeFile(
      join(root, 'volume', 'runs', runId, 'events', 'seg-00000.jsonl'),
      events.map((event) => `${JSON.stringify(event)}\n`).join(''),
    )
    expect(await volume.getFile(part, join(root, 'fetched'))).toEqual({ bytes: content.length })
    expect((await readFile(join(root, 'fetched'))).equals(content)).toBe(true)
    expect(await volume.list(`runs/${runId}/adapter/`)).toEqual([{ key: part, bytes: content.length }])
    expect((await volume.readEventLines(runId, 1, 100)).map((line): unknown => JSON.parse(line))).toEqual(events.slice(1))
    expect(await volume.readEventLines('0198c0de-0000-7000-8000-000000000009', 0, 100)).toEqual([])
    expect(await volume.findText(`runs/${runId}/result.json`, 100)).toBeUndefined()
    await volume.putText(`runs/${runId}/stop.json`, '{"v":1,"reason":"user"}')
    expect(await volume.findText(`runs/${runId}/stop.json`, 100)).toContain('user')
    await expect(volume.getFile(`runs/${runId}/nothing`, join(root, 'nothing'))).rejects.toMatchObject({ code: 'VOLUME_UNREADABLE' })
  })
})
