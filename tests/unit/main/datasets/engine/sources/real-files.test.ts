import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readFirstRows } from '../../../../../../main/features/datasets/engine/sources/read-first-rows.ts'
import { sniffSource } from '../../../../../../main/features/datasets/engine/sources/sniff.ts'
import { writeWorkingFile } from '../../../../../../main/features/datasets/engine/sources/write-working-file.ts'

const packages = fileURLToPath(new URL('../../../../../../node_modules', import.meta.url))
const vega = join(packages, 'vega-datasets/data')
const quran = join(packages, 'quran-json/dist')
/** All of it takes long enough to be left to the nightly run. */
const parquetRows = process.env['TUNESMITH_LONG'] === '1' ? 3_000_000 : 300_000
let folder = ''

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tunesmith-real-'))
})
afterAll(() => {
  rmSync(folder, { recursive: true })
})

async function read(path: string) {
  const sniff = await sniffSource(path)
  expect(sniff.problem).toBeNull()
  const targetPath = join(folder, 'work.jsonl')
  const result = await writeWorkingFile({
    sources: [{ path, sniff }],
    targetPath,
    placesPath: join(folder, 'work.places'),
    signal: new AbortController().signal,
    onProgress: () => undefined,
  })
  return { sniff, result, text: () => readFileSync(targetPath, 'utf8') }
}

const rowsOf = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((row) => JSON.parse(row) as unknown)

describe('files that people publish', () => {
  const lists = readdirSync(vega).filter((name) => name.endsWith('.json'))

  it.each(lists.filter((name) => Array.isArray(JSON.parse(readFileSync(join(vega, name), 'utf8')))))(
    'would lose an element of %s',
    async (name) => {
      const { result, text } = await read(join(vega, name))
      expect(rowsOf(text())).toEqual(JSON.parse(readFileSync(join(vega, name), 'utf8')))
      expect(result.problems).toEqual([])
    },
  )

  it.each(['quran.json', 'quran_en.json', 'quran_ur.json', 'quran_zh.json'])('would lose a chapter of %s', async (name) => {
    const { result, text } = await read(join(quran, name))
    expect(rowsOf(text())).toEqual(JSON.parse(readFileSync(join(quran, name), 'utf8')))
    expect(result.rows).toBe(114)
  })

  it.each(readdirSync(vega).filter((name) => /\.[ct]sv$/.test(name)))('would miscount the records of %s', async (name) => {
    const { result, sniff } = await read(join(vega, name))
    const lines = readFileSync(join(vega, name), 'utf8')
      .split('\n')
      .filter((line) => line.trim() !== '')
    expect(result.rows).toBe(lines.length - 1)
    expect(result.problems).toEqual([])
    expect(sniff.columns?.length).toBe(lines[0]?.split(name.endsWith('.tsv') ? '\t' : ',').length)
  })

  it('would fail on a Parquet table of three million rows', async () => {
    const path = join(vega, 'flights-3m.parquet')
    const sniff = await sniffSource(path)
    expect(sniff.evidence.join(' ')).toContain('3000000 rows')
    const rows = await readFirstRows(path, sniff, parquetRows)
    expect(rows).toHaveLength(parquetRows)
    expect(JSON.parse(rows[0]?.text ?? '')).toEqual({
      date: '2001-01-01T00:01:00.000Z',
      delay: 33,
      distance: 2176,
      origin: 'LAS',
      destination: 'PHL',
    })
    expect(rows.at(-1)?.line).toBe(parquetRows)
  }, 120_000)
})
