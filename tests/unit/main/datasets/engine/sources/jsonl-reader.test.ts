import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { briefly, readAll } from './memory-source.ts'

describe('reading JSON Lines that cannot be read in place', () => {
  it('would keep a carriage return, a blank line or a mark, or lose a lone carriage return inside a row', async () => {
    for (const chunkBytes of [1, 2, 3, 999]) {
      const { rows, lines, blankLines } = await readAll('\ufeff{"a":1}\r\n \t\r\n\n{"b":\r2}\r\n{"c":3}', { chunkBytes })
      expect(rows).toEqual(['{"a":1}', '{"b":\r2}', '{"c":3}'])
      expect(lines).toEqual([1, 4, 5])
      expect(blankLines).toBe(2)
    }
  })

  it('would cut rows elsewhere when chunks end elsewhere', async () => {
    const { sniff } = await readAll('\ufeff{"a":1}\n')
    const piece = fc.constantFrom('a', '\r', '\n', ' ', 'é', '"')
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: piece, maxLength: 40 }), fc.integer({ min: 1, max: 12 }), async (text, chunkBytes) => {
        const { rows, lines } = await readAll(text, { chunkBytes, sniff })
        const all = text.split('\n').map((row, index) => ({ row: row.replace(/\r$/, ''), line: index + 1 }))
        const expected = all.filter(({ row }) => row.trim() !== '')
        expect(rows).toEqual(expected.map(({ row }) => row))
        expect(lines).toEqual(expected.map(({ line }) => line))
      }),
      { numRuns: 400, seed: 5 },
    )
  })

  it('would drop broken or repeated lines, which only the check may judge', async () => {
    const lines = ['{"a":1}', '{"a":1}', '{"a":', 'nonsense', '{"a":2}', '{"a":2}']
    expect((await readAll(`\ufeff${lines.join('\n')}`)).rows).toEqual(lines)
  })

  it('would keep a line of any length in memory', async () => {
    const { rows, lines, problems } = await readAll(`\ufeff{"a":1}\n{"a":"${'x'.repeat(900)}"}\n{"a":2}\n`, {
      maxRowBytes: 64,
      chunkBytes: 50,
    })
    expect(rows).toEqual(['{"a":1}', '{"a":2}'])
    expect(lines).toEqual([1, 3])
    expect(briefly(problems)).toEqual(['row_too_long@2'])
  })
})
