import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createLineSplitter, isBlankLine } from '../../../../main/features/datasets/line-splitter.ts'

interface Seen {
  number: number
  offsetBytes: number
  lengthBytes: number
  text: string | null
}

/** Splits a file given in chunks; the chunks' memory is wiped after each push, as a reader would reuse it. */
function split(file: Buffer, cuts: readonly number[], maxLineBytes = 1000): Seen[] {
  const seen: Seen[] = []
  const splitter = createLineSplitter({
    maxLineBytes,
    onLine: ({ number, offsetBytes, lengthBytes, bytes }) =>
      seen.push({ number, offsetBytes, lengthBytes, text: bytes === null ? null : bytes.toString('latin1') }),
  })
  const ends = [...new Set(cuts.map((cut) => cut % (file.length + 1)))].sort((a, b) => a - b)
  let start = 0
  for (const end of [...ends, file.length]) {
    const chunk = Buffer.from(file.subarray(start, end))
    splitter.push(chunk)
    chunk.fill(0)
    start = end
  }
  splitter.end()
  return seen
}

describe('line splitter', () => {
  it('numbers lines truly, counting blank ones, and keeps byte offsets', () => {
    const lines = split(Buffer.from('a\n\r\n  \nb\r\nlast'), [])
    expect(lines.map(({ number, offsetBytes, text }) => [number, offsetBytes, text])).toEqual([
      [1, 0, 'a'],
      [2, 2, ''],
      [3, 4, '  '],
      [4, 7, 'b'],
      [5, 10, 'last'],
    ])
  })

  it('leaves a byte-order mark out of the first row and its offset', () => {
    expect(split(Buffer.from('\ufeff{}\n{}\n'), [1, 2])).toEqual([
      { number: 1, offsetBytes: 3, lengthBytes: 2, text: '{}' },
      { number: 2, offsetBytes: 6, lengthBytes: 2, text: '{}' },
    ])
  })

  it('does not break a row at U+2028, NEL, a lone CR or a form feed', () => {
    expect(split(Buffer.from('a\u2028b\u0085c\rd\fe\n'), [])).toHaveLength(1)
  })

  it('drops the bytes of a line over the cap, keeps its number and length, and goes on after it', () => {
    const lines = split(Buffer.from(`${'x'.repeat(50)}\nok\n${'y'.repeat(10)}\r\n`), [5, 20, 40], 10)
    expect(lines.map(({ number, lengthBytes, text }) => [number, lengthBytes, text])).toEqual([
      [1, 50, null],
      [2, 2, 'ok'],
      [3, 10, 'y'.repeat(10)],
    ])
  })

  it('gives the same rows wherever the chunks end', () => {
    const piece = fc.constantFrom('\n', '\r\n', '\r', ' ', '\t', '\ufeff', 'a', 'é', '🌱', '{"messages":[]}', '\u0000')
    const file = fc.oneof(
      fc.array(piece, { maxLength: 40 }).map((pieces) => Buffer.from(pieces.join(''))),
      fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
    )
    fc.assert(
      fc.property(file, fc.array(fc.nat()), fc.integer({ min: 0, max: 12 }), (bytes, cuts, cap) => {
        const whole = split(bytes, [], cap)
        expect(split(bytes, cuts, cap)).toEqual(whole)
        for (const line of whole) {
          const slice = bytes.subarray(line.offsetBytes, line.offsetBytes + line.lengthBytes).toString('latin1')
          expect(line.text ?? slice).toBe(slice)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('knows a blank line from one with content', () => {
    expect(isBlankLine(Buffer.from(' \t\r\v\f'))).toBe(true)
    expect(isBlankLine(Buffer.from(' \u00a0'))).toBe(false)
    expect(isBlankLine(Buffer.from([0]))).toBe(false)
  })
})
