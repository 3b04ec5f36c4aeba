import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createSseReader, type SseEvent } from '../../../../main/integrations/runpod/sse-events.ts'

const readAll = (chunks: readonly Uint8Array[]): readonly SseEvent[] => {
  const reader = createSseReader()
  return chunks.flatMap((chunk) => reader.push(chunk))
}
const bytes = (text: string) => Buffer.from(text, 'utf8')

/** Cuts at the given places, wherever they fall. */
const cut = (whole: Uint8Array, places: readonly number[]): readonly Uint8Array[] => {
  const ends = [...new Set(places.map((place) => place % (whole.length + 1)))].toSorted((a, b) => a - b)
  return [0, ...ends].map((start, index) => whole.subarray(start, ends[index] ?? whole.length))
}

const events = fc.array(
  fc.record({
    id: fc.stringMatching(/^[A-Za-z0-9/:.-]{1,20}$/),
    data: fc.array(
      fc.string({ unit: 'grapheme', maxLength: 20 }).filter((text) => !/[\r\n]/.test(text)),
      { minLength: 1, maxLength: 3 },
    ),
  }),
  { maxLength: 6 },
)

describe('server-sent events', () => {
  it('reads the same events however the bytes are cut and whichever line ends are used', () => {
    fc.assert(
      fc.property(
        events,
        fc.constantFrom('\n', '\r', '\r\n'),
        fc.boolean(),
        fc.array(fc.nat(5000), { maxLength: 12 }),
        (sent, end, hasBom, cuts) => {
          const lines = sent.flatMap(({ id, data }) => [': keep-alive', `id: ${id}`, ...data.map((line) => `data: ${line}`), ''])
          const text = (hasBom ? '\uFEFF' : '') + lines.map((line) => line + end).join('')
          const expected = sent.map(({ id, data }) => ({ lastEventId: id, type: 'message', data: data.join('\n') }))
          expect(readAll(cut(bytes(text), cuts))).toEqual(expected)
          // One byte at a time cuts every character and every CRLF.
          expect(readAll([...bytes(text)].map((byte) => Uint8Array.of(byte)))).toEqual(expected)
        },
      ),
      { seed: 21, numRuns: 200 },
    )
  })

  it('no bytes crash it', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 6 }), (chunks) => {
        expect(readAll(chunks).every((event) => typeof event.data === 'string')).toBe(true)
      }),
      { seed: 22, numRuns: 300 },
    )
  })

  it('keeps the last id for events without one, takes one space off a value and leaves an unfinished event out', () => {
    const text = 'id: 7\nevent: log\ndata:  a\n\ndata:b\n\nid: bad\0id\ndata\n\nretry: 10\n\ndata: unfinished'
    expect(readAll([bytes(text)])).toEqual([
      { lastEventId: '7', type: 'log', data: ' a' },
      { lastEventId: '7', type: 'message', data: 'b' },
      { lastEventId: '7', type: 'message', data: '' },
    ])
  })

  it('a line without end does not fill the memory', () => {
    const reader = createSseReader()
    for (let index = 0; index < 40; index += 1) reader.push(Buffer.alloc(100_000, 'x'))
    expect(reader.push(bytes('\n\ndata: next\n\n'))).toEqual([{ lastEventId: '', type: 'message', data: 'next' }])
  })
})
