import { createHash } from 'node:crypto'
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readPlaces } from '../../../../../../main/features/datasets/engine/sources/places.ts'
import { readFirstRows } from '../../../../../../main/features/datasets/engine/sources/read-first-rows.ts'
import { sniffSource } from '../../../../../../main/features/datasets/engine/sources/sniff.ts'
import { writeWorkingFile } from '../../../../../../main/features/datasets/engine/sources/write-working-file.ts'

let folder = ''
const at = (name: string) => join(folder, name)
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

async function write(
  names: readonly string[],
  {
    signal = new AbortController().signal,
    onProgress = () => undefined,
  }: { signal?: AbortSignal; onProgress?: (done: number, total: number) => void } = {},
) {
  const sources = await Promise.all(names.map(async (name) => ({ path: at(name), sniff: await sniffSource(at(name)) })))
  return writeWorkingFile({ sources, targetPath: at('work.jsonl'), placesPath: at('work.places'), signal, onProgress })
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tunesmith-sources-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

describe('the working file', () => {
  it('would lose rows, their order or their true lines when several formats are joined', async () => {
    writeFileSync(at('a.txt'), '{"n":1}\r\n\r\n{"n":2}')
    writeFileSync(at('b.json'), '[\n {"n":3},\n {"n":4}]')
    writeFileSync(at('c.csv.gz'), gzipSync('n,t\n5,"x\ny"\n6,z\n'))
    const seen: number[] = []
    const result = await write(['a.txt', 'b.json', 'c.csv.gz'], {
      onProgress: (done, total) => {
        seen.push(done / total)
      },
    })
    const bytes = readFileSync(at('work.jsonl'))
    expect(bytes.toString()).toBe('{"n":1}\n{"n":2}\n{"n":3}\n{"n":4}\n{"n":"5","t":"x\\ny"}\n{"n":"6","t":"z"}\n')
    expect(result).toMatchObject({ rows: 6, bytes: bytes.length, sha256: sha256(bytes), problems: [] })
    expect(result.sources.map(({ rows, blankLines, sha256: hash }) => [rows, blankLines, hash])).toEqual([
      [2, 1, sha256(readFileSync(at('a.txt')))],
      [2, 0, sha256(readFileSync(at('b.json')))],
      [2, 0, sha256(readFileSync(at('c.csv.gz')))],
    ])
    const places = readPlaces(at('work.places'))
    expect(Array.from({ length: 6 }, (_, index) => Object.values(places.sourceOf(index + 1)))).toEqual([
      [0, 1],
      [0, 3],
      [1, 2],
      [1, 3],
      [2, 2],
      [2, 4],
    ])
    expect(() => places.sourceOf(7)).toThrow(/not in the working file/)
    places.close()
    expect(seen.at(-1)).toBe(1)
    expect([...seen].sort((one, other) => one - other)).toEqual(seen)
    expect(readdirSync(folder).toSorted()).toEqual(['a.txt', 'b.json', 'c.csv.gz', 'work.jsonl', 'work.places'])
  })

  it('would mix up places beyond the first block, or rows longer than the buffer', async () => {
    const rows = Array.from({ length: 30_000 }, (_, index) => `{"n":${index}${index === 17_000 ? `,"t":"${'x'.repeat(3_000_000)}"` : ''}}`)
    writeFileSync(at('a.jsonl'), `\ufeff\n${rows.join('\n\n')}`)
    const result = await write(['a.jsonl'])
    expect(result.rows).toBe(30_000)
    expect(readFileSync(at('work.jsonl'), 'utf8')).toBe(`${rows.join('\n')}\n`)
    const places = readPlaces(at('work.places'))
    for (const row of [1, 8192, 8193, 17_001, 29_999, 30_000]) expect(places.sourceOf(row)).toEqual({ source: 0, line: row * 2 })
    places.close()
  })

  it('would leave a half-written file when it is stopped', async () => {
    writeFileSync(at('a.json'), `[${Array.from({ length: 200_000 }, (_, index) => `{"n":${index},"t":"some text"}`).join(',\n')}]`)
    const controller = new AbortController()
    const writing = write(['a.json'], {
      signal: controller.signal,
      onProgress: () => {
        controller.abort()
      },
    })
    await expect(writing).rejects.toMatchObject({ name: 'AbortError' })
    expect(readdirSync(folder)).toEqual(['a.json'])
  })

  it('would mix two states of a file that changes while it is read', async () => {
    const line = `{"text":"${'word '.repeat(200)}"}\n`
    for (const change of [
      () => appendFileSync(at('a.json'), line),
      () => utimesSync(at('a.json'), 1, 1),
      () => {
        rmSync(at('a.json'))
        writeFileSync(at('a.json'), line)
      },
    ]) {
      writeFileSync(at('a.json'), `\ufeff${line.repeat(3000)}`)
      let isChanged = false
      const writing = write(['a.json'], {
        onProgress: () => {
          if (!isChanged) change()
          isChanged = true
        },
      })
      await expect(writing).rejects.toMatchObject({ code: 'DATASET_FILE_UNREADABLE' })
      expect(readdirSync(folder)).toEqual(['a.json'])
      rmSync(at('a.json'))
    }
  })

  it('would show the system’s words for a file that is gone or a folder', async () => {
    await expect(sniffSource(at('gone.jsonl'))).rejects.toMatchObject({
      code: 'DATASET_FILE_UNREADABLE',
      message: expect.stringContaining('not found') as string,
    })
    await expect(sniffSource(folder)).rejects.toMatchObject({ code: 'DATASET_FILE_UNREADABLE' })
    writeFileSync(at('work.places'), 'short')
    expect(() => readPlaces(at('work.places'))).toThrow(/damaged/)
  })

  it('would read a whole file to show its first rows', async () => {
    writeFileSync(at('a.json'), `[${Array.from({ length: 50_000 }, (_, index) => `{"n":${index}}`).join(',\n')}`)
    const sniff = await sniffSource(at('a.json'))
    expect(await readFirstRows(at('a.json'), sniff, 3)).toEqual([
      { line: 1, text: '{"n":0}' },
      { line: 2, text: '{"n":1}' },
      { line: 3, text: '{"n":2}' },
    ])
    expect(await readFirstRows(at('a.json'), sniff, 0)).toEqual([])
    expect(await readFirstRows(at('a.json'), sniff, 60_000)).toHaveLength(50_000)
  })
})
