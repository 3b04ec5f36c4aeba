import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { briefly, readAll } from './memory-source.ts'

const parsed = (rows: readonly string[]): unknown[] => rows.map((row) => JSON.parse(row) as unknown)

describe('reading a JSON list', () => {
  it('would lose or change an element when the list is pretty-printed', async () => {
    const list = [
      { a: 1, b: { c: ['x, y', '}'] } },
      { a: 'quote " and \\ and \n', b: [] },
      { a: null, b: [{}] },
    ]
    const { rows, lines, sniff, problems } = await readAll(JSON.stringify(list, null, 2))
    expect(sniff.format).toBe('json_array')
    expect(parsed(rows)).toEqual(list)
    expect(lines).toEqual([2, 11, 15])
    expect(problems).toEqual([])
  })

  it('would change the bytes of an element: number digits, key order, escapes, repeated keys', async () => {
    const element = '{"n":1.10,"n":12345678901234567890,"e":"\\u00e9\\/","z":1e2}'
    const { rows } = await readAll(`[${element} , ${element}]`)
    expect(rows).toEqual([element, element])
  })

  it('would cut elements elsewhere when chunks end elsewhere', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.jsonValue({ maxDepth: 3 }), { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 40 }),
        fc.nat(3),
        async (list, chunkBytes, indent) => {
          const { rows, problems } = await readAll(JSON.stringify(list, null, indent), { chunkBytes, sniff: await arraySniff() })
          expect(parsed(rows)).toEqual(JSON.parse(JSON.stringify(list)))
          expect(problems).toEqual([])
        },
      ),
      { numRuns: 300, seed: 7 },
    )
  })

  it('would not report a list that is cut off, or would drop its last element', async () => {
    const { rows, problems } = await readAll('[{"a":1},\n{"a":2},\n{"a":"th')
    expect(rows).toEqual(['{"a":1}', '{"a":2}', '{"a":"th'])
    expect(briefly(problems)).toEqual(['list_cut_off@3'])
    expect(briefly((await readAll('[{"a":1},{"a":2}')).problems)).toEqual(['list_cut_off@1'])
  })

  it('would swallow the rest of the list after one broken element', async () => {
    const good = '{"messages":[{"role":"user","content":"hi"}]}'
    for (const broken of [
      '{"messages":[{"role":"user","content":"say "hi" now"}]}',
      '{"messages":[{"role":"user","content":"x"}}',
      '{"messages":[{"role":"user" "content":"x"}]}',
      '{"messages":[{"role":"user","content":"x"}]',
    ]) {
      for (const separator of [',', ',\n', ' ,\n  ']) {
        for (const chunkBytes of [1, 3, 64, 4096]) {
          const { rows } = await readAll(`[${[good, broken, good, good].join(separator)}]`, { chunkBytes, sniff: await arraySniff() })
          expect(rows.filter((row) => row === good)).toHaveLength(3)
          expect(rows.map((row) => row.trim())).toContain(broken)
        }
      }
    }
  })

  it('would swallow the next element, too, where a text is not closed at the end of a line', async () => {
    const rowsOf = (separator: string) => ['{"k":"a"}', '{"k":"open}', '{"k":"b"}', '{"k":"c"}'].join(separator)
    for (const separator of [',\n', ' ,\r\n  ']) {
      for (const chunkBytes of [1, 3, 4096]) {
        const { rows } = await readAll(`[${rowsOf(separator)}]`, { chunkBytes, sniff: await arraySniff() })
        expect(rows.map((row) => row.trim())).toEqual(['{"k":"a"}', '{"k":"open}', '{"k":"b"}', '{"k":"c"}'])
      }
    }
  })

  it('would give a wrong line for elements after a broken one', async () => {
    const text = '[\n{"k":1},\n{"k":"a"b"},\n{"k":2},\n{\n"k":3},\n{"k":4}\n]'
    for (const chunkBytes of [1, 2, 5, 999]) {
      const { lines, rows } = await readAll(text, { chunkBytes, sniff: await arraySniff() })
      expect(lines).toEqual([2, 3, 4, 5, 7])
      expect(rows[2]).toBe('{"k":2}')
    }
  })

  it('would keep the closing bracket of the list in a broken last element', async () => {
    const { rows, problems } = await readAll('[{"a":1},{"a":"x"y"}\n]\n')
    expect(rows).toEqual(['{"a":1}', '{"a":"x"y"}'])
    expect(problems).toEqual([])
  })

  it('would change a text silently when it holds a bare line break', async () => {
    const { rows, problems } = await readAll('[{"a":"one\ntwo"},\n{"a":3}]')
    expect(rows).toEqual(['{"a":"one\\ntwo"}', '{"a":3}'])
    expect(briefly(problems)).toEqual(['line_break_in_text@1'])
  })

  it('would not read one pretty-printed object after another', async () => {
    const { rows, lines, sniff } = await readAll('{\n  "a": 1\n}\n{\n  "a": 2\n}\n')
    expect(sniff.list?.kind).toBe('sequence')
    expect(parsed(rows)).toEqual([{ a: 1 }, { a: 2 }])
    expect(lines).toEqual([1, 4])
  })

  it('would take the frame around a list for a row, or leave its other properties out without a word', async () => {
    const text = JSON.stringify({ version: 1, data: [{ q: 'a' }, { q: 'b' }], after: [1] })
    for (const chunkBytes of [1, 7, 999]) {
      const { rows, problems, sniff } = await readAll(text.replace(',"after":[1]', ''), { chunkBytes })
      expect(sniff.list).toEqual({ kind: 'property', property: 'data' })
      expect(sniff.evidence.join(' ')).toContain('version')
      expect(parsed(rows)).toEqual([{ q: 'a' }, { q: 'b' }])
      expect(briefly(problems)).toEqual(['properties_left_out@1'])
    }
  })

  it('would take the messages of a single row for rows', async () => {
    for (const row of [
      {
        messages: [
          { role: 'user', content: 'a' },
          { role: 'assistant', content: 'b' },
        ],
      },
      {
        conversations: [
          { from: 'human', value: 'a' },
          { from: 'gpt', value: 'b' },
        ],
        id: 'x',
      },
      { id: 1, turns: [{ text: 'a' }, { text: 'b' }] },
    ]) {
      expect((await readAll(JSON.stringify(row))).rows).toEqual([JSON.stringify(row)])
      expect(parsed((await readAll(JSON.stringify(row, null, 2))).rows)).toEqual([row])
    }
  })

  it('would lose rows when lists follow one another or text follows the list', async () => {
    expect((await readAll('[{"a":1}]\n[{"a":2},{"a":3}]', { sniff: await arraySniff() })).rows).toHaveLength(3)
    const { rows, problems } = await readAll('[{"a":1}]\n{"a":2}', { sniff: await arraySniff() })
    expect(rows).toEqual(['{"a":1}', '{"a":2}'])
    expect(briefly(problems)).toEqual(['text_after_list@2'])
  })

  it('would keep a row of any length in memory instead of reporting it', async () => {
    const { rows, lines, problems } = await readAll(`[{"a":1},\n{"a":"${'x'.repeat(500)}"},\n{"a":2}]`, { maxRowBytes: 100 })
    expect(rows).toEqual(['{"a":1}', '{"a":2}'])
    expect(lines).toEqual([1, 3])
    expect(briefly(problems)).toEqual(['row_too_long@2'])
  })
})

async function arraySniff() {
  const { sniff } = await readAll('[{"a":1}]')
  return sniff
}
