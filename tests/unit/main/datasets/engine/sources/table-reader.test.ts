import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { briefly, readAll } from './memory-source.ts'

const parsed = (rows: readonly string[]): unknown[] => rows.map((row) => JSON.parse(row) as unknown)

describe('reading a table', () => {
  it('would misread quotes, delimiters and line breaks inside cells', async () => {
    const { rows, lines, sniff } = await readAll('question,answer\r\n"a, ""b""","x\ny"\r\nplain,"tab\there \\ é😀"\r\n')
    expect(sniff.format).toBe('csv')
    expect(parsed(rows)).toEqual([
      { question: 'a, "b"', answer: 'x\ny' },
      { question: 'plain', answer: 'tab\there \\ é😀' },
    ])
    expect(lines).toEqual([2, 4])
  })

  it('would read a table differently when chunks end elsewhere', async () => {
    const cell = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', '\\', 'é', '\t', ' '), maxLength: 8 })
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 10 }),
        fc.integer({ min: 1, max: 30 }),
        fc.constantFrom('\n', '\r\n', '\r'),
        async (records, chunkBytes, end) => {
          const encode = (text: string) => `"${text.replaceAll('"', '""')}"`
          const text = `prompt,completion${end}${records.map((record) => record.map(encode).join(',')).join(end)}${end}`
          const { rows, problems } = await readAll(text, { chunkBytes, sniff: await tableSniff() })
          expect(parsed(rows)).toEqual(records.map(([prompt, completion]) => ({ prompt, completion })))
          expect(problems).toEqual([])
        },
      ),
      { numRuns: 400, seed: 11 },
    )
  })

  it('would drop or shift cells of uneven records without a word', async () => {
    const { rows, problems } = await readAll('a,b,c\n1,2,3\n4,5\n6,7,8,9\n1,2,3\n1,2,3\n1,2,3\n1,2,3\n')
    expect(parsed(rows).slice(1, 3)).toEqual([
      { a: '4', b: '5' },
      { a: '6', b: '7', c: '8', column_4: '9' },
    ])
    expect(briefly(problems)).toEqual(['cells_missing@3', 'cells_extra@4'])
  })

  it('would not say where a quote was left open or followed by text', async () => {
    const open = await readAll('a,b\n1,2\n3,4\n"x,5\n6,7\n')
    expect(briefly(open.problems)).toEqual(['quote_open@4', 'cells_missing@4'])
    expect(parsed(open.rows).at(-1)).toEqual({ a: 'x,5\n6,7\n' })
    const stray = await readAll('a,b\n1,2\n"x"y,3\n')
    expect(parsed(stray.rows)[1]).toEqual({ a: 'xy', b: '3' })
    expect(briefly(stray.problems)).toEqual(['quote_stray@3'])
  })

  it('would take the first row of a table without a header for names', async () => {
    const { rows, sniff } = await readAll('1,2.5,2024-01-01\n2,3.5,2024-01-02\n')
    expect(sniff.table?.hasHeader).toBe(false)
    expect(parsed(rows)[0]).toEqual({ column_1: '1', column_2: '2.5', column_3: '2024-01-01' })
  })

  it('would not recognise the delimiter', async () => {
    for (const [sign, format] of [
      [',', 'csv'],
      [';', 'csv'],
      ['|', 'csv'],
      ['\t', 'tsv'],
    ] as const) {
      const { sniff, rows } = await readAll([`prompt${sign}answer`, `"hello, you; there"${sign}x`, `b${sign}y`].join('\n'))
      expect(sniff.format).toBe(format)
      expect(parsed(rows)).toEqual([
        { prompt: 'hello, you; there', answer: 'x' },
        { prompt: 'b', answer: 'y' },
      ])
    }
  })

  it('would keep messages as text although they are JSON, or break on those that are not', async () => {
    const messages = [{ role: 'user', content: 'a "b"\nc' }]
    const quoted = `"${JSON.stringify(messages, null, 1).replaceAll('"', '""')}"`
    const { rows } = await readAll(`id,messages\n1,${quoted}\n2,"[{'role': 'user'}]"\n3,\n`)
    expect(parsed(rows)).toEqual([
      { id: '1', messages },
      { id: '2', messages: "[{'role': 'user'}]" },
      { id: '3', messages: '' },
    ])
  })

  it('would merge columns of the same name, or lose one without a name', async () => {
    const { rows } = await readAll('text,text,\na,b,c\nd,e,f\n')
    expect(parsed(rows)[0]).toEqual({ text: 'a', text_2: 'b', column_3: 'c' })
  })

  it('would count blank lines as records', async () => {
    const { rows, lines, blankLines } = await readAll('a,b\n\n1,2\n\r\n3,4')
    expect(rows).toHaveLength(2)
    expect(lines).toEqual([3, 5])
    expect(blankLines).toBe(2)
  })

  it('would make bytes that are no text vanish instead of leaving them to the check', async () => {
    const { rows } = await readAll(Buffer.from('a,b\n1,\u0000\u0001x\n2,y\n', 'latin1'))
    expect(parsed(rows)[0]).toEqual({ a: '1', b: '\u0000\u0001x' })
  })
})

async function tableSniff() {
  const { sniff } = await readAll('prompt,completion\na,b\n')
  return sniff
}
