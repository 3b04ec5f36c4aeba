import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createTextMatcher } from '../../../../../../main/features/datasets/engine/pass/text-matcher.ts'
import { createTextPlaces } from '../../../../../../main/features/datasets/engine/pass/text-places.ts'

const newline = 10

/** All places of a text and the line of each, found one after another as the search does, from some byte on. */
function findAll(text: string, bytes: Buffer, from: number): { places: [number, number][]; lines: number } {
  const search = createTextPlaces(text, createTextMatcher(text))
  search.room(bytes.length).set(bytes)
  search.start(from, bytes.length)
  const places: [number, number][] = []
  for (let at = search.next(from); at >= 0; at = search.next(at + 1)) places.push([at, search.lines()])
  return { places, lines: search.lines() }
}

function expected(text: string, bytes: Buffer, from: number): { places: [number, number][]; lines: number } {
  const folded = bytes.toString('latin1').toLowerCase()
  const places: [number, number][] = []
  let lines = 0
  for (let at = from; at < bytes.length; at += 1) {
    if (folded.startsWith(text.toLowerCase(), at)) places.push([at, lines])
    if (bytes[at] === newline) lines += 1
  }
  return { places, lines }
}

describe('places of a text among bytes', () => {
  it('misses none, invents none and counts every line, wherever blocks of sixteen begin and end', () => {
    const letter = fc.constantFrom('a', 'A', 'b', '1', '.', ' ', '\n')
    const bytes = fc.array(letter, { maxLength: 400 }).map((letters) => Buffer.from(letters.join('')))
    const text = fc.array(fc.constantFrom('a', 'B', '1', '.', ' '), { minLength: 1, maxLength: 6 }).map((letters) => letters.join(''))
    fc.assert(
      fc.property(text, bytes, fc.nat(40), (wanted, content, start) => {
        const from = Math.min(start, content.length)
        expect(findAll(wanted, content, from)).toEqual(expected(wanted, content, from))
      }),
      { numRuns: 1000, seed: 7 },
    )
  })

  it('finds a text longer than what one address can reach', () => {
    const wanted = `${'long text '.repeat(30)}end`
    const bytes = Buffer.from(`\n\nA ${wanted.toUpperCase()} b ${wanted}\n`)
    expect(findAll(wanted, bytes, 0)).toEqual(expected(wanted, bytes, 0))
  })

  it('does not look at what an earlier, longer piece left behind in the memory', () => {
    const search = createTextPlaces('abc', createTextMatcher('abc'))
    search.room(64).write(`${'x'.repeat(20)}abc\nabc\n`)
    search.start(0, 22)
    expect([search.next(0), search.lines()]).toEqual([-1, 0])
  })
})

describe('a place in a plain chat row', () => {
  const isCertain = (text: string, row: string) => {
    const bytes = Buffer.from(row)
    return createTextMatcher(text).isWithinText(bytes, bytes.toString().toLowerCase().indexOf(text))
  }

  it('is not taken for text when it may be a key, a role or punctuation', () => {
    const row = '{"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]}'
    for (const text of ['role', 'ser', ', {', 'messages', '": "']) expect([text, isCertain(text, row)]).toEqual([text, false])
  })

  it('is not taken for text when it may be an escape', () => {
    expect(isCertain('0127', String.raw`{"messages":[{"role":"user","content":"\u0127"}]}`)).toBe(false)
    expect(isCertain('n1', String.raw`{"messages":[{"role":"user","content":"\n1"}]}`)).toBe(false)
  })

  it('is text when nothing else of the row could hold it', () => {
    expect(isCertain('127.0.0.1', '{"messages":[{"role":"user","content":"at 127.0.0.1"}]}')).toBe(true)
  })
})
