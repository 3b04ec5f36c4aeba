import { randomBytes } from 'node:crypto'
import { readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { bucket, openS3World, sizes, type S3World } from '../../support/volume/s3-world.ts'

const key = 'runs/0198c0de-0000-7000-8000-000000000001/adapter/part-0001'
const totalBytes = 2_100_000
const rangeCount = 9

describe('fetching a file from a network volume', () => {
  let world: S3World
  let content = Buffer.alloc(0)
  let target = ''
  beforeEach(async () => {
    world = await openS3World()
    content = randomBytes(totalBytes)
    target = join(world.root, 'adapters', 'part-0001')
    await world.write(key, content)
  })
  afterEach(() => world.close())

  const sent = () => world.faults.traffic.sent(bucket, key)
  const ranges = () => world.requests.filter(({ method }) => method === 'GET').map(({ headers }) => headers.range)
  const arrived = async () => (await readFile(target)).equals(content)
  const abortAfterBytes = (bytes: number) => {
    const abort = new AbortController()
    return {
      signal: abort.signal,
      onProgress: (done: number) => {
        if (done >= bytes) abort.abort(new Error('The app is closing'))
      },
    }
  }

  it('a file comes in ranges, every byte once, and leaves neither a partial file nor notes', async () => {
    const seen: number[] = []
    const { bytes } = await world.reopen().getFile(key, target, { onProgress: (done) => void seen.push(done) })
    expect(bytes).toBe(totalBytes)
    expect(await arrived()).toBe(true)
    expect(ranges()).toHaveLength(rangeCount)
    expect(sent()).toBe(totalBytes)
    expect(seen).toEqual(seen.toSorted((a, b) => a - b))
    expect(seen.at(-1)).toBe(totalBytes)
    expect(await readdir(join(world.root, 'adapters'))).toEqual(['part-0001'])
    expect(await readdir(join(world.root, 'journal'))).toEqual([])
  })

  it('no more than four ranges are open at once', async () => {
    let open = 0
    let most = 0
    world.intercept = (request, response) => {
      if (request.method === 'GET') {
        open += 1
        most = Math.max(most, open)
        response.on('close', () => (open -= 1))
      }
      return undefined
    }
    await world.reopen().getFile(key, target)
    expect(most).toBeGreaterThan(1)
    expect(most).toBeLessThanOrEqual(sizes.streams)
  })

  it('an empty file arrives as one', async () => {
    await world.write(key, '')
    expect(await world.reopen().getFile(key, target)).toEqual({ bytes: 0 })
    expect((await stat(target)).size).toBe(0)
  })

  it('a connection that breaks is taken up at the byte where it broke', async () => {
    world.faults.add({ kind: 'cut_download', nth: 3, afterBytes: 100_000 })
    const seen: number[] = []
    await world.reopen().getFile(key, target, { onProgress: (done) => void seen.push(done) })
    expect(await arrived()).toBe(true)
    expect(ranges()).toHaveLength(rangeCount + 1)
    expect(sent()).toBeLessThanOrEqual(totalBytes + sizes.rangeBytes)
    expect(seen).toEqual(seen.toSorted((a, b) => a - b))
  })

  it('a line that breaks all the time but lets bytes through gets the file home', async () => {
    world.faults.add({ kind: 'cut_download', times: null, afterBytes: 60_000 })
    await world.reopen().getFile(key, target)
    expect(await arrived()).toBe(true)
  })

  it('a line that breaks without a byte is given up and not asked for ever', async () => {
    world.faults.add({ kind: 'cut_download', times: null, afterBytes: 0 })
    await expect(world.reopen().getFile(key, target)).rejects.toMatchObject({ code: 'ENDPOINT_UNREACHABLE', retryable: true })
    await expect(readFile(target)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('a fresh start of the app fetches again at most one range per stream', async () => {
    await expect(world.reopen().getFile(key, target, abortAfterBytes(1_200_000))).rejects.toThrow('The app is closing')
    await expect(readFile(target)).rejects.toMatchObject({ code: 'ENOENT' })
    world.faults.traffic.reset()
    world.requests.length = 0
    const seen: number[] = []
    await world.reopen().getFile(key, target, { onProgress: (done) => void seen.push(done) })
    expect(await arrived()).toBe(true)
    const firstBytes = seen[0] ?? 0
    expect(firstBytes).toBeGreaterThanOrEqual(1_200_000 - sizes.streams * sizes.rangeBytes)
    expect(firstBytes).toBeGreaterThan(0)
    expect(sent()).toBe(totalBytes - firstBytes)
  })

  it('a file that became another one in between is not sewn together from two', async () => {
    await expect(world.reopen().getFile(key, target, abortAfterBytes(1_200_000))).rejects.toThrow('The app is closing')
    content = randomBytes(totalBytes)
    await world.write(key, content)
    await world.reopen().getFile(key, target)
    expect(await arrived()).toBe(true)
  })

  it('a file that becomes another one during the download starts over', async () => {
    let isChanged = false
    let changing = Promise.resolve()
    world.intercept = (request, response) => {
      if (isChanged || ranges().length < 5 || request.method !== 'GET') return undefined
      isChanged = true
      content = randomBytes(totalBytes)
      changing = world.write(key, content).then(() => void response.destroy())
      return 'taken'
    }
    await world.reopen().getFile(key, target)
    await changing
    expect(await arrived()).toBe(true)
  })

  it('a file that becomes shorter during the download starts over instead of asking for what is gone', async () => {
    let isChanged = false
    world.intercept = (request, response) => {
      if (isChanged || ranges().length < 5 || request.method !== 'GET') return undefined
      isChanged = true
      content = content.subarray(0, 300_000)
      void world.write(key, content).then(() => void response.destroy())
      return 'taken'
    }
    expect(await world.reopen().getFile(key, target)).toEqual({ bytes: 300_000 })
    expect(await arrived()).toBe(true)
  })

  it.each([
    ['weak tags', (tag: string) => `W/${tag}`],
    ['tags without quotes', (tag: string) => tag.replaceAll('"', '')],
    ['no tags', () => undefined],
  ])('a store that gives %s for ranges only is not taken for one whose files change', async (_title, change) => {
    world.intercept = (request, response) => {
      if (request.method === 'HEAD') {
        response.writeHead(200, { 'content-length': totalBytes, etag: '"0123456789ABCDEF"' }).end()
        return 'taken'
      }
      const from = Number(/bytes=(\d+)-/.exec(String(request.headers.range))?.[1])
      const body = content.subarray(from, from + sizes.rangeBytes)
      const etag = change('"0123456789ABCDEF"')
      const range = `bytes ${from}-${from + body.length - 1}/${totalBytes}`
      response.writeHead(206, { 'content-range': range, 'content-length': body.length, ...(etag === undefined ? {} : { etag }) }).end(body)
      return 'taken'
    }
    await world.reopen().getFile(key, target)
    expect(await arrived()).toBe(true)
    expect(world.count('HEAD')).toBe(1)
  })

  it('a file that changes at every look is given up', async () => {
    world.intercept = (request, response) => {
      if (request.method !== 'GET') return undefined
      response.writeHead(206, { etag: `"${randomBytes(8).toString('hex')}"`, 'content-range': `bytes 0-9/${totalBytes}` }).end('0123456789')
      return 'taken'
    }
    await expect(world.reopen().getFile(key, target)).rejects.toMatchObject({ code: 'VOLUME_UNREADABLE', retryable: true })
  })

  it('a partial file that was cut by somebody else is not believed', async () => {
    await expect(world.reopen().getFile(key, target, abortAfterBytes(1_200_000))).rejects.toThrow('The app is closing')
    await truncate(`${target}.partial`, 1000)
    await world.reopen().getFile(key, target)
    expect(await arrived()).toBe(true)
  })

  it('notes without their partial file are not believed', async () => {
    await expect(world.reopen().getFile(key, target, abortAfterBytes(1_200_000))).rejects.toThrow('The app is closing')
    await rm(`${target}.partial`)
    await world.reopen().getFile(key, target)
    expect(await arrived()).toBe(true)
  })

  describe('a store that ignores ranges', () => {
    it('sends the file in one stream', async () => {
      world.faults.add({ kind: 'range_ignored', times: null })
      await world.reopen().getFile(key, target)
      expect(await arrived()).toBe(true)
      expect(ranges().at(-1)).toBeUndefined()
    })

    it('begins again from the first byte after a break', async () => {
      world.faults.add({ kind: 'range_ignored', times: null })
      world.faults.add({ kind: 'cut_download', times: 6, afterBytes: 300_000 })
      const seen: number[] = []
      await world.reopen().getFile(key, target, { onProgress: (done) => void seen.push(done) })
      expect(await arrived()).toBe(true)
      expect(seen).toEqual(seen.toSorted((a, b) => a - b))
    })

    it('needs no second request for a file of one range', async () => {
      content = content.subarray(0, 200_000)
      await world.write(key, content)
      world.faults.add({ kind: 'range_ignored', times: null })
      await world.reopen().getFile(key, target)
      expect(await arrived()).toBe(true)
      expect(ranges()).toHaveLength(1)
    })
  })

  it('a range at the wrong place or of the wrong length never gets into the file', async () => {
    let lies = 0
    world.intercept = (request, response) => {
      if (request.method !== 'GET' || lies > 0) return undefined
      lies += 1
      const from = Number(/bytes=(\d+)-/.exec(String(request.headers.range))?.[1])
      response.writeHead(206, { 'content-range': `bytes ${from}-${from + 3}/${totalBytes}`, 'content-length': '4' })
      response.end(content.subarray(from, from + 4))
      return 'taken'
    }
    await world.reopen().getFile(key, target)
    expect(await arrived()).toBe(true)
  })

  it.each([500, 502, 524])('a passing %i is only a pause', async (status) => {
    world.faults.add({ kind: 'status', status, operation: 'GetObject', nth: 2, times: 3 })
    world.faults.add({ kind: 'status', status, operation: 'HeadObject' })
    await world.reopen().getFile(key, target)
    expect(await arrived()).toBe(true)
  })

  it('an older file of that name stays until the new one is complete', async () => {
    await world.reopen().getFile(key, target)
    await world.write(key, randomBytes(totalBytes))
    await expect(world.reopen().getFile(key, target, abortAfterBytes(700_000))).rejects.toThrow('The app is closing')
    expect(await arrived()).toBe(true)
  })

  it('a file that is not on the volume is named, and nothing is left of the try', async () => {
    const missing = join(world.root, 'missing')
    await expect(world.reopen().getFile('runs/none/part-0001', missing)).rejects.toMatchObject({
      code: 'VOLUME_UNREADABLE',
      message: 'runs/none/part-0001 is not on the training volume.',
      retryable: false,
    })
    expect((await readdir(world.root)).filter((name) => name.startsWith('missing'))).toEqual([])
  })

  it('a download that is called off before it began asks nothing', async () => {
    await expect(world.reopen().getFile(key, target, { signal: AbortSignal.abort(new Error('Not now')) })).rejects.toThrow('Not now')
    expect(world.requests).toEqual([])
  })

  it('a target that cannot be written is told as this computer and not as the network', async () => {
    await writeFile(join(world.root, 'adapters'), 'a file where the folder should be')
    await expect(world.reopen().getFile(key, target)).rejects.toThrow(/EEXIST|ENOTDIR/)
    expect(world.requests).toEqual([])
  })
})
