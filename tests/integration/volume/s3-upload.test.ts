import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { bucket, openS3World, sizes, type S3World } from '../../support/volume/s3-world.ts'

const totalBytes = 5_300_000
const partCount = 6
const parts = /partNumber=/

describe('sending a file to a network volume', () => {
  let world: S3World
  beforeEach(async () => {
    world = await openS3World()
  })
  afterEach(() => world.close())

  const received = (key: string) => world.faults.traffic.received(bucket, key)
  const unfinished = async () => (await readdir(world.fileOf('.s3compat_uploads')).catch(() => [])).length
  const partNumbers = () => world.requests.flatMap(({ url }) => /partNumber=(\d+)/.exec(url)?.[1] ?? [])
  /** Aborts when so many bytes are acknowledged. */
  const abortAfterBytes = (bytes: number) => {
    const abort = new AbortController()
    return {
      signal: abort.signal,
      onProgress: (done: number) => {
        if (done >= bytes) abort.abort(new Error('The app is closing'))
      },
    }
  }

  it('a small file is one plain request, without the checksums and chunks that such stores do not take', async () => {
    const { path, content, sha256, key } = await world.source(50_000)
    await world.reopen().putFile(key, path, sha256)
    expect((await world.read(key)).equals(content)).toBe(true)
    expect(world.requests.map(({ method }) => method)).toEqual(['HEAD', 'PUT', 'HEAD'])
    const headers = world.requests[1]?.headers ?? {}
    expect(headers['x-amz-content-sha256']).toBe(sha256)
    expect(Object.keys(headers).filter((name) => /checksum|trailer|^expect|content-encoding|transfer-encoding/.test(name))).toEqual([])
  })

  it('a file that is there is not sent again, and progress says that it is done', async () => {
    const { path, sha256, key } = await world.source(totalBytes)
    await world.reopen().putFile(key, path, sha256)
    world.requests.length = 0
    world.faults.traffic.reset()
    const seen: number[][] = []
    await world.reopen().putFile(key, path, sha256, { onProgress: (...progress) => void seen.push(progress) })
    expect(world.requests.map(({ method }) => method)).toEqual(['HEAD'])
    expect(received(key)).toBe(0)
    expect(seen).toEqual([[totalBytes, totalBytes]])
  })

  it('a large file goes up in parts, no more than four at once, and leaves neither parts nor notes', async () => {
    const { path, content, sha256, key } = await world.source(totalBytes)
    let open = 0
    let most = 0
    world.intercept = (request, response) => {
      if (parts.test(request.url ?? '')) {
        open += 1
        most = Math.max(most, open)
        response.on('close', () => (open -= 1))
      }
      return undefined
    }
    const seen: number[] = []
    await world.reopen().putFile(key, path, sha256, { onProgress: (done) => void seen.push(done) })
    expect((await world.read(key)).equals(content)).toBe(true)
    expect(partNumbers().toSorted()).toEqual(['1', '2', '3', '4', '5', '6'])
    expect(most).toBeGreaterThan(1)
    expect(most).toBeLessThanOrEqual(sizes.streams)
    expect(seen).toEqual(seen.toSorted((a, b) => a - b))
    expect(seen.at(-1)).toBe(totalBytes)
    expect(await readdir(join(world.root, 'journal'))).toEqual([])
    expect(await unfinished()).toBe(0)
  })

  it('an empty file arrives as one', async () => {
    const { path, sha256, key } = await world.source(0)
    await world.reopen().putFile(key, path, sha256)
    expect((await world.read(key)).length).toBe(0)
  })

  it('a connection that breaks in a part costs that part and no other', async () => {
    const { path, content, sha256, key } = await world.source(totalBytes)
    world.faults.add({ kind: 'cut_upload', operation: 'UploadPart', nth: 3, afterBytes: 400_000 })
    await world.reopen().putFile(key, path, sha256)
    expect((await world.read(key)).equals(content)).toBe(true)
    expect(partNumbers()).toHaveLength(partCount + 1)
    expect(received(key)).toBeLessThanOrEqual(totalBytes + sizes.partBytes)
  })

  it('a fresh start of the app sends only what the store does not hold', async () => {
    const { path, content, sha256, key } = await world.source(totalBytes)
    await expect(world.reopen().putFile(key, path, sha256, abortAfterBytes(2_000_000))).rejects.toThrow('The app is closing')
    await expect(world.read(key)).rejects.toMatchObject({ code: 'ENOENT' })
    const [note = ''] = await readdir(join(world.root, 'journal'))
    const noted = JSON.parse(await readFile(join(world.root, 'journal', note), 'utf8')).parts.length
    expect(noted).toBeGreaterThanOrEqual(2)
    world.faults.traffic.reset()
    world.requests.length = 0
    const seen: number[] = []
    await world.reopen().putFile(key, path, sha256, { onProgress: (done) => void seen.push(done) })
    expect((await world.read(key)).equals(content)).toBe(true)
    expect(partNumbers()).toHaveLength(partCount - noted)
    expect(received(key)).toBeLessThanOrEqual(totalBytes - noted * sizes.partBytes + sizes.partBytes)
    expect(seen[0]).toBeGreaterThanOrEqual(2_000_000)
    expect(world.count('POST', /uploads/)).toBe(0)
  })

  it('a note that the store knows nothing of does not end the upload: it starts over', async () => {
    const { path, content, sha256, key } = await world.source(totalBytes)
    await expect(world.reopen().putFile(key, path, sha256, abortAfterBytes(2_000_000))).rejects.toThrow('The app is closing')
    await rm(world.fileOf('.s3compat_uploads'), { recursive: true })
    await world.reopen().putFile(key, path, sha256)
    expect((await world.read(key)).equals(content)).toBe(true)
  })

  it('a damaged note is as good as none', async () => {
    const { path, content, sha256, key } = await world.source(totalBytes)
    await expect(world.reopen().putFile(key, path, sha256, abortAfterBytes(2_000_000))).rejects.toThrow('The app is closing')
    const [note = ''] = await readdir(join(world.root, 'journal'))
    await writeFile(join(world.root, 'journal', note), '{"v":1,"kind":"s3-p')
    await world.reopen().putFile(key, path, sha256)
    expect((await world.read(key)).equals(content)).toBe(true)
  })

  it('parts that the store lost after acknowledging them are sent again, not named in vain', async () => {
    const { path, content, sha256, key } = await world.source(totalBytes)
    let isStolen = false
    world.intercept = (request) => {
      if (isStolen || request.method !== 'GET' || !/uploadId=/.test(request.url ?? '')) return undefined
      isStolen = true
      const folder = world.fileOf('.s3compat_uploads')
      for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }))
        if (/\/0000[25]-/.test(name)) rmSync(join(folder, name))
      return undefined
    }
    await world.reopen().putFile(key, path, sha256)
    expect((await world.read(key)).equals(content)).toBe(true)
    expect(partNumbers().slice(partCount).toSorted()).toEqual(['2', '5'])
  })

  describe('when putting the parts together is not confirmed', () => {
    const cases = [
      ['a proxy gives up but the file is there', { kind: 'complete_timeout' }],
      ['a proxy gives up and the file shows after three looks', { kind: 'complete_timeout', headsBefore: 3 }],
      ['the store says that it does not know the upload it finished', { kind: 'complete_unknown' }],
    ] as const
    it.each(cases)('%s: nothing is sent again', async (_title, fault) => {
      const { path, content, sha256, key } = await world.source(totalBytes)
      world.faults.add(fault)
      await world.reopen().putFile(key, path, sha256)
      expect((await world.read(key)).equals(content)).toBe(true)
      expect(received(key)).toBe(totalBytes)
      expect(world.count('POST', /uploadId=/)).toBe(1)
    })

    it('a proxy page without any work done is asked again, with parts that are still there', async () => {
      const { path, content, sha256, key } = await world.source(totalBytes)
      world.faults.add({ kind: 'status', status: 524, operation: 'CompleteMultipartUpload', times: 2 })
      await world.reopen().putFile(key, path, sha256)
      expect((await world.read(key)).equals(content)).toBe(true)
      expect(received(key)).toBe(totalBytes)
      expect(world.count('POST', /uploadId=/)).toBe(3)
    })

    it('an answer that never comes is given up at the deadline, and the file is looked for', async () => {
      const { path, content, sha256, key } = await world.source(totalBytes)
      let asked = 0
      world.intercept = (request) => {
        if (request.method !== 'POST' || !/uploadId=/.test(request.url ?? '')) return undefined
        asked += 1
        return asked === 1 ? 'taken' : undefined
      }
      await world
        .reopen({ uploads: { wholeBytes: sizes.wholeBytes, partBytes: sizes.partBytes, completeMs: 200 } })
        .putFile(key, path, sha256)
      expect((await world.read(key)).equals(content)).toBe(true)
      expect(asked).toBe(2)
      expect(received(key)).toBe(totalBytes)
    })

    it('a file that is confirmed and nowhere is sent once more', async () => {
      const { path, content, sha256, key } = await world.source(totalBytes)
      world.faults.add({ kind: 'complete_lost' })
      await world.reopen().putFile(key, path, sha256)
      expect((await world.read(key)).equals(content)).toBe(true)
      expect(received(key)).toBe(totalBytes * 2)
    })

    it('a store that loses every upload is not fed for ever, and is not believed', async () => {
      const { path, sha256, key } = await world.source(totalBytes)
      world.faults.add({ kind: 'complete_lost', times: null })
      await expect(world.reopen().putFile(key, path, sha256)).rejects.toMatchObject({ code: 'VOLUME_UNREADABLE', retryable: true })
      expect(received(key)).toBe(totalBytes * 3)
    })

    it('a store that never confirms keeps the parts for the next try of the user', async () => {
      const { path, content, sha256, key } = await world.source(totalBytes)
      world.faults.add({ kind: 'status', status: 524, operation: 'CompleteMultipartUpload', times: null })
      await expect(world.reopen().putFile(key, path, sha256)).rejects.toMatchObject({ code: 'ENDPOINT_UNREACHABLE', retryable: true })
      world.faults.clear()
      await world.reopen().putFile(key, path, sha256)
      expect((await world.read(key)).equals(content)).toBe(true)
      expect(received(key)).toBe(totalBytes)
    })
  })

  it.each([502, 503, 524, 429])('a passing %i at any request is only a pause', async (status) => {
    const { path, content, sha256, key } = await world.source(totalBytes)
    for (const operation of ['HeadObject', 'CreateMultipartUpload', 'UploadPart', 'ListParts'] as const)
      world.faults.add({ kind: 'status', status, operation, times: 2 })
    await world.reopen().putFile(key, path, sha256)
    expect((await world.read(key)).equals(content)).toBe(true)
  })

  it('a full volume is told as such and not tried again', async () => {
    const { path, sha256, key } = await world.source(totalBytes)
    world.faults.add({ kind: 'no_space', operation: 'UploadPart', times: null })
    await expect(world.reopen().putFile(key, path, sha256)).rejects.toMatchObject({ code: 'DISK_FULL', retryable: false })
    expect(partNumbers().length).toBeLessThanOrEqual(sizes.streams)
  })

  it('a file that is not what its name says never gets under that name', async () => {
    const { path, sha256, key } = await world.source(totalBytes)
    await writeFile(path, 'something else')
    await expect(world.reopen().putFile(key, path, sha256)).rejects.toMatchObject({ code: 'VOLUME_UNREADABLE' })
    expect(world.requests.map(({ method }) => method)).toEqual(['HEAD'])
  })

  it('a file that changes on its way never gets under its name, nor do its parts into a later upload', async () => {
    const { path, content, sha256, key } = await world.source(totalBytes)
    let isChanged = false
    const changing = world.reopen().putFile(key, path, sha256, {
      onProgress: (done) => {
        if (done === 0 || isChanged) return
        isChanged = true
        writeFileSync(path, Buffer.alloc(totalBytes))
      },
    })
    await expect(changing).rejects.toMatchObject({ code: 'VOLUME_UNREADABLE' })
    await expect(world.read(key)).rejects.toMatchObject({ code: 'ENOENT' })
    await writeFile(path, content)
    await world.reopen().putFile(key, path, sha256)
    expect((await world.read(key)).equals(content)).toBe(true)
  })

  it('a large file that is not what its name says never gets under that name and leaves no parts', async () => {
    const { path, key } = await world.source(totalBytes)
    await expect(world.reopen().putFile(key, path, '0'.repeat(64))).rejects.toMatchObject({ code: 'VOLUME_UNREADABLE' })
    await expect(world.read(key)).rejects.toMatchObject({ code: 'ENOENT' })
    expect(await unfinished()).toBe(0)
    expect(await readdir(join(world.root, 'journal'))).toEqual([])
  })

  it('parts of a damaged file that was repaired before the next start are not gone on with', async () => {
    const { path, content, sha256, key } = await world.source(totalBytes)
    await writeFile(path, Buffer.from(content).fill(7, 0, 2_000_000))
    await expect(world.reopen().putFile(key, path, sha256, abortAfterBytes(3_000_000))).rejects.toThrow('The app is closing')
    await writeFile(path, content)
    await world.reopen().putFile(key, path, sha256)
    expect((await world.read(key)).equals(content)).toBe(true)
  })
})
