import { gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { formatOf, sniffInput } from '../../../../../../main/features/datasets/engine/sources/sniff.ts'
import { memorySource, readAll } from './memory-source.ts'

const row = '{"messages":[{"role":"user","content":"Grüße 😀"},{"role":"assistant","content":"x"}]}'
const sniff = (content: Buffer | string) => sniffInput(memorySource(content))

describe('recognising a file', () => {
  it('would go by the name instead of the bytes: JSON Lines, lists, objects over several lines', async () => {
    expect((await sniff(`${row}\n${row}\n`)).format).toBe('jsonl')
    expect((await sniff(`[${row},\n${row}]`)).list?.kind).toBe('array')
    expect((await sniff(JSON.stringify([JSON.parse(row)], null, 2))).list?.kind).toBe('array')
    expect((await sniff(JSON.stringify(JSON.parse(row), null, 2).repeat(3))).list?.kind).toBe('sequence')
    expect((await sniff(`${row}, ${row}, ${row}`)).list?.kind).toBe('sequence')
    expect((await sniff(JSON.stringify({ data: [JSON.parse(row), JSON.parse(row)] }))).list?.property).toBe('data')
    expect(
      (await sniff(JSON.stringify({ dataset_metadata: { v: 1 }, training_pairs: [{ id: 1, target: 'x' }] }, null, 2))).list?.property,
    ).toBe('training_pairs')
  })

  it('would read in place what has to be decoded first', async () => {
    expect((await sniff(`${row}\r\n\r\n${row}\r\n`)).isPlain).toBe(true)
    expect((await sniff(`\ufeff${row}\n`)).isPlain).toBe(false)
    expect((await sniff(gzipSync(`${row}\n`))).isPlain).toBe(false)
    expect((await sniff(`[${row}]`)).isPlain).toBe(false)
  })

  it('would give a file up for one broken line', async () => {
    for (const text of [
      `{"a": 1\n${row}\n${row}\n`,
      `# export\n${row}\n${row}\n${row}\n`,
      `${row}\n{'a': None}\n${row}\n`,
      `${row}\n${row}\n{"cut`,
    ]) {
      expect((await sniff(text)).format).toBe('jsonl')
    }
  })

  it('would mistake the encoding', async () => {
    const cases: [Buffer, string][] = [
      [Buffer.from(`${row}\n`), 'utf-8'],
      [Buffer.from(`\ufeff${row}\n`), 'utf-8-bom'],
      [Buffer.from(`\ufeff${row}\n`, 'utf16le'), 'utf-16le'],
      [Buffer.from(`${row}\n`, 'utf16le'), 'utf-16le'],
      [Buffer.from(`\ufeff${row}\n`, 'utf16le').swap16(), 'utf-16be'],
      [Buffer.from(`${row}\n`, 'utf16le').swap16(), 'utf-16be'],
      [Buffer.from('{"text":"Grüße, café"}\n', 'latin1'), 'windows-1252'],
    ]
    for (const [bytes, encoding] of cases) {
      const { rows, sniff: found } = await readAll(bytes, { chunkBytes: 5 })
      expect(found.encoding).toBe(encoding)
      expect(rows).toEqual([encoding === 'windows-1252' ? '{"text":"Grüße, café"}' : row])
    }
  })

  it('would take UTF-8 with a few damaged bytes for windows-1252 and garble all its letters', async () => {
    const lines = Array.from({ length: 40 }, () => Buffer.from(`${row}\n`))
    lines.splice(3, 0, Buffer.from('{"text":"caf\u00e9"}\n', 'latin1'))
    const found = await sniff(Buffer.concat(lines))
    expect(found.encoding).toBe('utf-8')
    expect(found.isPlain).toBe(true)
  })

  it('would say nothing useful about files that cannot be read', async () => {
    const cases: [Buffer | string, RegExp][] = [
      ['', /empty/],
      [' \n\r\n', /blank/],
      ['[]', /empty list/],
      ['a,b\n', /no rows/],
      ['<html><body>x</body></html>', /web page/],
      ['%PDF-1.7\n', /PDF/],
      ['{\\rtf1\\ansi', /Rich Text/],
      [Buffer.concat([Buffer.from('PK\u0003\u0004'), Buffer.from('xl/workbook.xml')]), /Excel/],
      [Buffer.concat([Buffer.from('PK\u0003\u0004'), Buffer.from('word/document.xml')]), /Word/],
      [Buffer.from([0x80, 0x04, 0x95, 0x10]), /pickle/],
      [Buffer.from('PARE0000PARE'), /encrypted/],
      [Buffer.from('PAR1 not really'), /Parquet/],
      [gzipSync(Buffer.from('%PDF-1.7')), /compressed, and what is inside/],
      [gzipSync(''), /holds nothing/],
      [gzipSync(row).subarray(0, 30), /damaged/],
      [Buffer.from(Array.from({ length: 4000 }, (_, at) => (at * 7919) % 251)), /not a text file/],
      ['Just a few words\nand some more of them.\n', /plain text/],
    ]
    for (const [content, message] of cases) {
      const found = await sniff(content)
      expect(found.problem?.message).toMatch(message)
      expect(found.problem?.suggestion).toMatch(/\w.*\.$/)
      expect(formatOf(found)).toBeNull()
    }
  })

  it('would look into compressed files by their first bytes only', async () => {
    for (const packed of [gzipSync(`[${row}]`), zstdCompressSync(Buffer.from(`[${row}]`))]) {
      const { rows, sniff: found } = await readAll(packed, { chunkBytes: 9 })
      expect(found.list?.kind).toBe('array')
      expect(rows).toEqual([row])
    }
  })

  it('would need the whole of a large file to recognise it', async () => {
    const line = `{"text":"${'word '.repeat(40)}"}`
    const many = Array.from({ length: 3000 }, () => line)
    expect((await sniff(many.join('\n'))).format).toBe('jsonl')
    expect((await sniff(`[${many.join(',\n')}]`)).list?.kind).toBe('array')
    expect((await sniff(`{"data":[${many.join(',\n')}]}`)).list?.property).toBe('data')
    expect((await sniff(`a,b\n${many.map(() => '"x, y",2').join('\n')}`)).format).toBe('csv')
    expect((await sniff(`{"text":"${'x'.repeat(400_000)}"}\n`)).format).toBe('jsonl')
  })
})
