import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { documentedS3DataCentres, s3EndpointOf } from '../../../main/integrations/volume/s3-places.ts'
import type { VolumeStore } from '../../../main/integrations/volume/volume-store.ts'
import { AppError } from '../../../preload/contract/errors.ts'
import { openS3World, secret, type S3World } from '../../support/volume/s3-world.ts'

const runId = '0198c0de-0000-7000-8000-000000000001'
const otherRunId = '0198c0de-0000-7000-8000-0000000000012'

describe('a network volume over S3', () => {
  let world: S3World
  let volume: VolumeStore
  beforeEach(async () => {
    world = await openS3World()
    volume = world.reopen()
  })
  afterEach(() => world.close())

  describe('small texts', () => {
    it('a text comes back as it was sent', async () => {
      await volume.putText(`runs/${runId}/stop.json`, '{"reason":"Größe ≤ 5"}')
      expect(await volume.findText(`runs/${runId}/stop.json`, 1000)).toBe('{"reason":"Größe ≤ 5"}')
    })

    it('an empty text is a file and not an absent one', async () => {
      await volume.putText('runs/a/empty', '')
      expect(await volume.findText('runs/a/empty', 1000)).toBe('')
    })

    it('an absent text is undefined, a folder too', async () => {
      await world.write('runs/a/b', 'x')
      expect(await volume.findText('runs/a/none', 1000)).toBeUndefined()
      expect(await volume.findText('runs/a', 1000)).toBeUndefined()
    })

    it('a text over the limit is refused before it is read', async () => {
      await world.write('runs/a/long', 'x'.repeat(2000))
      await expect(volume.findText('runs/a/long', 1999)).rejects.toMatchObject({ code: 'VOLUME_UNREADABLE', details: { size: 2000 } })
      expect(await volume.findText('runs/a/long', 2000)).toHaveLength(2000)
    })

    it('a connection that breaks in the middle gives no half a text', async () => {
      await world.write('runs/a/long', 'x'.repeat(200_000))
      world.faults.add({ kind: 'cut_download', afterBytes: 70_000, times: 2 })
      expect(await volume.findText('runs/a/long', 1_000_000)).toHaveLength(200_000)
    })
  })

  describe('listing', () => {
    it('more files than one page holds are all there, once and in order, without unfinished ones', async () => {
      const names = Array.from({ length: 1203 }, (_, index) => `runs/${runId}/adapter/part-${String(index).padStart(5, '0')}`)
      for (const name of names) await world.write(name, 'abc')
      await world.write(`runs/${runId}/adapter/part-00000.tmp`, 'half')
      await world.write(`runs/${otherRunId}/adapter/part-00000`, 'of another run')
      const found = await volume.list(`runs/${runId}/adapter/part-`)
      expect(found).toEqual(names.map((key) => ({ key, bytes: 3 })))
      expect(world.requests).toHaveLength(2)
    })

    it('a store that repeats its token is an error after two pages and not a loop', async () => {
      await world.write('runs/a/b', 'x')
      world.faults.add({ kind: 'list_repeats', times: null })
      await expect(volume.list('runs/a/')).rejects.toMatchObject({ code: 'VOLUME_UNREADABLE', retryable: true })
      expect(world.requests).toHaveLength(2)
    })

    it.each(['', '/', '../x', 'a//b', '.s3compat_uploads/', 'a#b'])('the prefix %j is never asked for', async (prefix) => {
      await expect(volume.list(prefix)).rejects.toMatchObject({ code: 'VOLUME_UNREADABLE' })
      await expect(volume.removePrefix(prefix)).rejects.toMatchObject({ code: 'VOLUME_UNREADABLE' })
      expect(world.requests).toEqual([])
    })

    it('a prefix without files is an empty list', async () => {
      expect(await volume.list('runs/none/')).toEqual([])
    })
  })

  it.each(['', '/a', 'a/', 'a/../b', 'a b', 'a#b', 'ä', '.hidden/x', 'x'.repeat(513)])('the key %j never leaves the app', async (key) => {
    const target = join(world.root, 'target')
    await expect(volume.putText(key, 'x')).rejects.toMatchObject({ code: 'VOLUME_UNREADABLE' })
    await expect(volume.findText(key, 10)).rejects.toMatchObject({ code: 'VOLUME_UNREADABLE' })
    await expect(volume.getFile(key, target)).rejects.toMatchObject({ code: 'VOLUME_UNREADABLE' })
    await expect(volume.putFile(key, target, '0'.repeat(64))).rejects.toMatchObject({ code: 'VOLUME_UNREADABLE' })
    expect(world.requests).toEqual([])
  })

  describe('removing', () => {
    it('removes what lies in a folder, unfinished files too, one by one, and nothing of its neighbours', async () => {
      await world.write(`runs/${runId}/result.json`, '{}')
      await world.write(`runs/${runId}/adapter/part-0001.tmp`, 'x')
      await world.write(`runs/${otherRunId}/result.json`, '{}')
      await volume.removePrefix(`runs/${runId}`)
      expect((await volume.list('runs/')).map(({ key }) => key)).toEqual([`runs/${otherRunId}/result.json`])
      expect(world.count('DELETE')).toBe(2)
      expect(world.count('POST')).toBe(0)
    })

    it('removes a single file, and is content when there is nothing', async () => {
      await world.write('models/x', 'x')
      await volume.removePrefix('models/x')
      await volume.removePrefix('models/x')
      expect(await volume.findText('models/x', 10)).toBeUndefined()
    })

    it('removes nothing when the list does not end, because it may hold half of the files', async () => {
      await world.write('runs/a/b', 'x')
      world.faults.add({ kind: 'list_repeats', times: null })
      await expect(volume.removePrefix('runs/a')).rejects.toMatchObject({ code: 'VOLUME_UNREADABLE' })
      expect(world.count('DELETE')).toBe(0)
    })
  })

  describe('events', () => {
    const segment = (number: number) => `runs/${runId}/events/seg-${String(number).padStart(5, '0')}.jsonl`
    const line = (seq: number) => JSON.stringify({ seq, type: 'step' })

    it('come in order over segments, without a line that is still being written', async () => {
      await world.write(segment(0), `${line(1)}\n${line(2)}\n`)
      await world.write(segment(1), `${line(3)}\n{"seq":4,"ty`)
      expect(await volume.readEventLines(runId, 0, 100)).toEqual([line(1), line(2), line(3)])
      await world.write(segment(1), `${line(3)}\n${line(4)}\n`)
      expect(await volume.readEventLines(runId, 3, 100)).toEqual([line(4)])
      expect(await volume.readEventLines(runId, 0, 2)).toEqual([line(1), line(2)])
    })

    it('a log that has not grown is listed and not fetched again', async () => {
      await world.write(segment(0), `${line(1)}\n`)
      await volume.readEventLines(runId, 0, 100)
      world.requests.length = 0
      expect(await volume.readEventLines(runId, 1, 100)).toEqual([])
      expect(world.requests.map(({ url }) => /list-type=2/.test(url))).toEqual([true])
    })

    it('a run that no worker has begun has none', async () => {
      expect(await volume.readEventLines(runId, 0, 100)).toEqual([])
    })
  })

  it('free space is not known, and no number is made up', async () => {
    expect(await volume.freeBytes()).toBeNull()
    expect(world.requests).toEqual([])
  })

  describe('what went wrong is said in words', () => {
    const everything: readonly (readonly [string, (store: VolumeStore) => Promise<unknown>])[] = [
      ['getFile', (store) => store.getFile('runs/a/b', join(world.root, 'target'))],
      ['findText', (store) => store.findText('runs/a/b', 100)],
      ['putText', (store) => store.putText('runs/a/b', 'x')],
      [
        'putFile',
        async (store) => {
          const { path, sha256, key } = await world.source(100)
          await store.putFile(key, path, sha256)
        },
      ],
      ['list', (store) => store.list('runs/')],
      ['removePrefix', (store) => store.removePrefix('runs/a')],
      ['readEventLines', (store) => store.readEventLines(runId, 0, 10)],
    ]
    const failureOf = async (call: Promise<unknown>): Promise<AppError> => {
      const failure: unknown = await call.then(
        () => undefined,
        (error: unknown) => error,
      )
      expect(failure).toBeInstanceOf(AppError)
      return failure as AppError
    }
    const keys = (accessKeyId: string, secretAccessKey: string) => ({ credentials: async () => ({ accessKeyId, secretAccessKey }) })

    it.each(everything)('%s: a wrong access key or secret is refused, without repeating them', async (_name, call) => {
      for (const options of [keys('user_2wrong', secret), keys('user_2abcDEF', 'rps_WRONGSECRET99')]) {
        const failure = await failureOf(call(world.reopen(options)))
        expect(failure).toMatchObject({ code: 'ENDPOINT_REFUSED', retryable: false })
        expect(failure.message).toMatch(/key/)
        const told = JSON.stringify([failure.message, failure.details, failure.stack, String(failure.cause), world.logged])
        expect(told).not.toMatch(/WRONGSECRET|VERYSECRET|2wrong/)
      }
      expect(world.waits).toEqual([])
    })

    it.each(everything)('%s: a volume of another data centre is not found', async (_name, call) => {
      for (const options of [{ bucket: 'vol0other' }, { region: 'US-KS-2' }]) {
        expect(await failureOf(call(world.reopen(options)))).toMatchObject({ code: 'ENDPOINT_NOT_FOUND', retryable: false })
      }
    })

    it.each(everything)('%s: a clock that is two hours off is named, at every try', async (_name, call) => {
      world.serverSkewMs = 7_200_000
      for (let tries = 0; tries < 2; tries += 1) {
        const failure = await failureOf(call(volume))
        expect(failure).toMatchObject({ code: 'ENDPOINT_REFUSED', retryable: false })
        expect(failure.message).toMatch(/clock/)
      }
    })

    it.each(everything)('%s: a server that is gone is unreachable, after a few tries with pauses', async (_name, call) => {
      const failure = await failureOf(call(world.reopen({ endpoint: 'http://127.0.0.1:1' })))
      expect(failure).toMatchObject({ code: 'ENDPOINT_UNREACHABLE', retryable: true })
      expect(world.waits).toEqual([500, 1000, 2000])
    })

    it.each(everything)('%s: an outage behind the proxy is unreachable, whatever page it shows', async (_name, call) => {
      world.faults.add({ kind: 'status', status: 502, times: null })
      expect(await failureOf(call(volume))).toMatchObject({ code: 'ENDPOINT_UNREACHABLE', retryable: true })
    })

    it.each(everything)('%s: a missing key goes on as the error it is', async (_name, call) => {
      const credentials = () => Promise.reject(new AppError('ENDPOINT_KEY_MISSING', 'Enter the S3 key.'))
      expect(await failureOf(call(world.reopen({ credentials })))).toMatchObject({ code: 'ENDPOINT_KEY_MISSING' })
    })

    it('a server that says nothing is given up', async () => {
      world.intercept = () => 'taken'
      const failure = await failureOf(world.reopen({ silenceMs: 150, attempts: 2 }).findText('runs/a/b', 10))
      expect(failure).toMatchObject({ code: 'ENDPOINT_UNREACHABLE', retryable: true })
    })
  })

  it('a new key is used at once, without opening the volume again', async () => {
    await world.write('runs/a/b', 'text')
    let secretAccessKey = 'rps_old'
    const store = world.reopen({ credentials: async () => ({ accessKeyId: 'user_2abcDEF', secretAccessKey }) })
    await expect(store.findText('runs/a/b', 10)).rejects.toMatchObject({ code: 'ENDPOINT_REFUSED' })
    secretAccessKey = secret
    expect(await store.findText('runs/a/b', 10)).toBe('text')
  })
})

describe('the address of a data centre', () => {
  it('is in lower case, because the other does not resolve', () => {
    expect(s3EndpointOf('EUR-IS-1')).toBe('https://s3api-eur-is-1.runpod.io')
    expect(documentedS3DataCentres.ids.map(s3EndpointOf)).toHaveLength(15)
  })

  it.each(['', 'EU RO', 'evil.example/', 'EU-RO-1.runpod.io@x', '-', 'EU-'])('is not made of %j', (id) => {
    expect(() => s3EndpointOf(id)).toThrow(AppError)
  })
})
