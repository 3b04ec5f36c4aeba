import { createHash } from 'node:crypto'
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createDirectoryVolume } from '../../../../main/integrations/volume/directory-volume.ts'
import type { VolumeStore } from '../../../../main/integrations/volume/volume-store.ts'

const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest('hex')
const line = (seq: number) => JSON.stringify({ seq, attempt: 1, t: 1, kind: 'log', level: 'info', message: `number ${seq}` })
const seqOf = (text: string) => (JSON.parse(text) as { seq: number }).seq

describe('directory volume', () => {
  let root = ''
  let volume: VolumeStore
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'tunesmith-volume-'))
    volume = createDirectoryVolume(join(root, 'volume'))
  })
  afterEach(() => rm(root, { recursive: true, force: true }))

  const source = async (content: string | Buffer) => {
    const path = join(root, 'source')
    await writeFile(path, content)
    return path
  }
  const inVolume = async (key: string, content: string) => {
    await mkdir(join(root, 'volume', key, '..'), { recursive: true })
    await writeFile(join(root, 'volume', key), content)
  }

  it('puts a file once: the same content is not written again', async () => {
    const path = await source('hello')
    const seen: number[] = []
    await volume.putFile('datasets/a.jsonl', path, sha256('hello'))
    await volume.putFile('datasets/a.jsonl', path, sha256('hello'), { onProgress: (done) => void seen.push(done) })
    expect(await volume.findText('datasets/a.jsonl', 100)).toBe('hello')
    expect(seen).toEqual([5])
  })

  it('replaces a file of the same size that was damaged', async () => {
    await inVolume('datasets/a.jsonl', 'hellX')
    await volume.putFile('datasets/a.jsonl', await source('hello'), sha256('hello'))
    expect(await volume.findText('datasets/a.jsonl', 100)).toBe('hello')
  })

  it('a source that does not have the promised hash leaves nothing behind', async () => {
    await expect(volume.putFile('datasets/a.jsonl', await source('hello'), sha256('other'))).rejects.toMatchObject({
      code: 'VOLUME_UNREADABLE',
    })
    expect(await readdir(join(root, 'volume', 'datasets'))).toEqual([])
  })

  it('an aborted copy leaves nothing behind', async () => {
    const path = await source(Buffer.alloc(5 << 20, 1))
    const abort = new AbortController()
    const copying = volume.putFile('datasets/a.jsonl', path, sha256(Buffer.alloc(5 << 20, 1)), {
      signal: abort.signal,
      onProgress: (done) => {
        if (done > 0) abort.abort()
      },
    })
    await expect(copying).rejects.toThrow(/aborted/)
    expect(await readdir(join(root, 'volume', 'datasets'))).toEqual([])
  })

  it('goes on with a partial download instead of starting again', async () => {
    await inVolume('runs/r/adapter/part-0001', '0123456789')
    const target = join(root, 'target')
    await writeFile(target, '01234')
    const seen: number[] = []
    const { bytes } = await volume.getFile('runs/r/adapter/part-0001', target, { onProgress: (done) => void seen.push(done) })
    expect([bytes, await readFile(target, 'utf8'), seen[0]]).toEqual([10, '0123456789', 5])
  })

  it('starts again when the partial file is longer than the source', async () => {
    await inVolume('part', 'short')
    const target = join(root, 'target')
    await writeFile(target, 'longer than that')
    await volume.getFile('part', target)
    expect(await readFile(target, 'utf8')).toBe('short')
  })

  it.each(['../outside', 'a/../../outside', '/etc/passwd', 'a//b', '.', '', 'a/./b', 'a\\b', 'a b', 'a/\0', '.hidden'])(
    'refuses the key %j',
    async (key) => {
      await expect(volume.findText(key, 10)).rejects.toMatchObject({ code: 'VOLUME_UNREADABLE' })
      await expect(volume.putFile(key, await source('x'), sha256('x'))).rejects.toMatchObject({ code: 'VOLUME_UNREADABLE' })
      await expect(volume.removePrefix(key)).rejects.toMatchObject({ code: 'VOLUME_UNREADABLE' })
    },
  )

  it('does not follow a link that leads out of the volume', async () => {
    await mkdir(join(root, 'secret'))
    await writeFile(join(root, 'secret', 'key'), 'x')
    await mkdir(join(root, 'volume'))
    await symlink(join(root, 'secret'), join(root, 'volume', 'runs'))
    await symlink(join(root, 'secret', 'nothing'), join(root, 'volume', 'dangling'))
    await expect(volume.findText('runs/key', 10)).rejects.toMatchObject({ code: 'VOLUME_UNREADABLE' })
    await expect(volume.removePrefix('runs/')).rejects.toMatchObject({ code: 'VOLUME_UNREADABLE' })
    await expect(volume.putFile('dangling', await source('x'), sha256('x'))).rejects.toMatchObject({ code: 'VOLUME_UNREADABLE' })
  })

  it('an absent small file is undefined, and one that is too large is refused', async () => {
    expect(await volume.findText('runs/r/result.json', 10)).toBeUndefined()
    await inVolume('runs/r/result.json', 'x'.repeat(11))
    await expect(volume.findText('runs/r/result.json', 10)).rejects.toMatchObject({ code: 'VOLUME_UNREADABLE' })
  })

  it('lists what begins with a prefix, without files that are being written', async () => {
    for (const key of ['runs/a/x', 'runs/a/b/y', 'runs/ab/z', 'runs/a/w.tmp']) await inVolume(key, 'x')
    expect((await volume.list('runs/a/')).map((entry) => entry.key)).toEqual(['runs/a/b/y', 'runs/a/x'])
    expect((await volume.list('runs/a')).map((entry) => entry.key)).toEqual(['runs/a/b/y', 'runs/a/x', 'runs/ab/z'])
    expect(await volume.list('models/')).toEqual([])
  })

  it('removes one run and leaves the one whose name only begins alike', async () => {
    for (const key of ['runs/a/x', 'runs/ab/z']) await inVolume(key, 'x')
    await volume.removePrefix('runs/a/')
    expect((await volume.list('runs/')).map((entry) => entry.key)).toEqual(['runs/ab/z'])
  })

  describe('event log', () => {
    const events = 'runs/r/events'
    let seqs: (afterSeq: number, maxEvents?: number) => Promise<number[]>
    beforeEach(() => {
      seqs = async (afterSeq, maxEvents = 100) => (await volume.readEventLines('r', afterSeq, maxEvents)).map(seqOf)
    })

    it('gives lines after a number in order over several segments, and stops at the limit', async () => {
      await inVolume(`${events}/seg-00000.jsonl`, [1, 2, 3].map((seq) => `${line(seq)}\n`).join(''))
      await inVolume(`${events}/seg-00001.jsonl`, [4, 5].map((seq) => `${line(seq)}\n`).join(''))
      expect(await seqs(0)).toEqual([1, 2, 3, 4, 5])
      expect(await seqs(2)).toEqual([3, 4, 5])
      expect(await seqs(1, 2)).toEqual([2, 3])
      expect(await seqs(5)).toEqual([])
    })

    it('leaves a torn last line until it is whole', async () => {
      const path = `${events}/seg-00000.jsonl`
      await inVolume(path, `${line(1)}\n${line(2).slice(0, 20)}`)
      expect(await seqs(0)).toEqual([1])
      await appendFile(join(root, 'volume', path), `${line(2).slice(20)}\n`)
      expect(await seqs(1)).toEqual([2])
    })

    it('a line torn in the middle by a crash does not hide the lines after it', async () => {
      await inVolume(`${events}/seg-00000.jsonl`, `${line(1)}\n{"seq":2,"att\n${line(2)}\n${line(3)}\n`)
      expect(await seqs(0)).toEqual([1, 2, 3])
    })

    it('a segment that grew after it was read is read again', async () => {
      await inVolume(`${events}/seg-00000.jsonl`, `${line(1)}\n`)
      expect(await seqs(0)).toEqual([1])
      await inVolume(`${events}/seg-00000.jsonl`, `${line(1)}\n${line(2)}\n`)
      await inVolume(`${events}/seg-00001.jsonl`, `${line(3)}\n`)
      expect(await seqs(1)).toEqual([2, 3])
      expect(await seqs(0)).toEqual([1, 2, 3])
    })

    it('a run without a log has no events', async () => {
      expect(await seqs(0)).toEqual([])
    })
  })
})
