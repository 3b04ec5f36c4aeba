import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { rowFilterSchema, type ColumnMapping } from '../../../../preload/contract/datasets.ts'
import { chatRow, createEngineLab, type EngineLab } from './engine-lab.ts'

let lab: EngineLab
beforeEach(() => {
  lab = createEngineLab()
})
afterEach(() => lab.close())

const data = new URL('../../../../node_modules/vega-datasets/data', import.meta.url).pathname
const everything = [rowFilterSchema.parse({}), { by: 'line', descending: false }, { offset: 0, limit: 200 }] as const

async function open(paths: readonly string[], mapping: ColumnMapping | null) {
  const path = join(lab.folder, 'rows.jsonl')
  const placesPath = join(lab.folder, 'rows.places')
  await lab.engine.importSources('data', paths, path, placesPath)
  const fileNames = paths.map((one) => one.split('/').at(-1) ?? '')
  return lab.engine.open(lab.request(path, { placesPath, fileNames, mapping }))
}

describe('real tables, once their columns are chosen', () => {
  it('a CSV file has no false error, and every row its true line', async () => {
    const path = join(data, 'airports.csv')
    const preview = await lab.engine.previewSource(path)
    expect(preview).toMatchObject({ format: { format: 'csv' }, shape: null, problem: null })
    expect(preview.columns).toContain('city')
    const { stats } = await open([path], { kind: 'chat', system: 'country', user: 'name', assistant: 'city' })
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n').length
    expect(stats.rows).toBe(lines - 1)
    // Airports without a city are really empty in the file.
    const empty = readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line.split(',').length === 7 && line.split(',')[2] === '').length
    expect(stats.errorRows).toBe(empty)
    const { rows } = await lab.engine.listRows('data', ...everything)
    expect(rows.slice(0, 3).map(({ line }) => line)).toEqual([2, 3, 4])
  })

  it('a Parquet file becomes conversations by its columns', async () => {
    const path = join(data, 'flights-3m.parquet')
    const { format, columns } = await lab.engine.previewSource(path)
    expect(format?.format).toBe('parquet')
    expect(columns).toEqual(expect.arrayContaining(['origin', 'destination']))
    const rows = await lab.engine.previewMapping(path, { kind: 'chat', system: null, user: 'origin', assistant: 'destination' })
    expect(rows.length).toBeGreaterThan(0)
    for (const row of rows) expect(row).toMatchObject({ problem: null, messages: [{ role: 'user' }, { role: 'assistant' }] })
  })
})

describe('several files', () => {
  it('become one dataset in which every row names its own file and line', async () => {
    const plain = lab.write('plain.jsonl', `\n${chatRow('a', 'b')}\n`)
    const list = lab.write('list.json', JSON.stringify([JSON.parse(chatRow('c', 'd')), JSON.parse(chatRow('e', 'f'))], null, 2))
    const packed = lab.write('packed.gz', gzipSync(`${chatRow('g', 'h')}\n{"messages":[`))
    const { stats } = await open([plain, list, packed], null)
    expect(stats).toMatchObject({ rows: 5, validRows: 4, errorRows: 1 })
    const { rows } = await lab.engine.listRows('data', ...everything)
    expect(rows.map(({ row, line, first }) => [lab.engine.getRow('data', row).fileName, line, first.slice(0, 1)])).toEqual([
      ['plain.jsonl', 2, 'a'],
      ['list.json', 2, 'c'],
      ['list.json', 14, 'e'],
      ['packed.gz', 1, 'g'],
      ['packed.gz', 2, '{'],
    ])
    const issue = lab.engine.listIssues('data').find(({ severity }) => severity === 'error')
    expect(issue).toMatchObject({ rule: 'json.truncated', firstLine: 2 })
  })

  it('Latin-1 and UTF-16 files show their letters, and what the file was is said', async () => {
    for (const [name, bytes, encoding] of [
      ['latin.jsonl', Buffer.from(`${chatRow('Grüße', 'Schön')}\n${chatRow('für', 'Öl')}\n`, 'latin1'), 'windows-1252'],
      ['utf16.jsonl', Buffer.from(`\ufeff${chatRow('Grüße', '日本')}\n`, 'utf16le'), 'utf-16le'],
    ] as const) {
      const path = lab.write(name, bytes)
      expect((await lab.engine.previewSource(path)).format?.encoding).toBe(encoding)
      const { stats } = await open([path], null)
      expect(stats.errorRows).toBe(0)
      expect((await lab.engine.listRows('data', ...everything)).rows[0]?.first).toBe('Grüße')
    }
  })
})
