import { readdirSync, readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createTypeDrift } from '../../../../../../main/features/datasets/engine/pass/type-drift.ts'
import { createParsingReader, createRowReader } from '../../../../../../main/features/datasets/engine/rows/row-reader.ts'

const root = new URL('../../../../../../', import.meta.url)
const usual = createRowReader({ mapping: null })
const parsing = createParsingReader({ mapping: null })

/** What both readers make of a row; true when the usual one did not parse it. */
function compare(bytes: Buffer): boolean {
  const a = usual.read(bytes)
  const isPlainChat = a.isPlainChat
  const b = parsing.read(bytes)
  const row = bytes.toString('latin1')
  expect({ row, ...a }).toEqual({ row, ...b, isPlainChat })
  if (!isPlainChat) return false
  expect({ row, faults: b.faults, shape: b.shape, keys: Object.keys(b.value as object) }).toEqual({
    row,
    faults: [],
    shape: 'messages',
    keys: ['messages'],
  })
  return true
}

function isPlain(row: string): boolean {
  return compare(Buffer.from(row))
}

const seeded = { seed: 20261123, numRuns: 4000 }
const space = fc.constantFrom('', '', '', ' ', ' ', '  ', '\t', '\r', '\n', '\u00a0')
const piece = fc.oneof(
  { weight: 8, arbitrary: fc.string({ unit: 'grapheme', maxLength: 24 }).map((text) => JSON.stringify(text).slice(1, -1)) },
  {
    weight: 4,
    arbitrary: fc.constantFrom('word', 'ß', '漢字', '🙂', '“', '”', '–', 'e\u0301', 'x'.repeat(15), 'x'.repeat(16), 'x'.repeat(33)),
  },
  {
    weight: 3,
    arbitrary: fc.constantFrom('\\n', '\\r', '\\t', '\\"', '\\\\', '\\/', '\\\\n', '\\\\"', ':', '":', '{', '}', '[', ']', ','),
  },
  { weight: 1, arbitrary: fc.constantFrom(' ', '\u00a0', '\u1680', '\u2003', '\u2028', '\u202f', '\u205f', '\u3000', '\ufeff', '\u0085') },
  {
    weight: 1,
    arbitrary: fc.constantFrom('\\b', '\\f', '\\u0041', '\\u0007', '\\u003c', '\\u00a0', '\\ud83d', '\\ude42', '\\uff5c', '\\u2003'),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom('\\u00e9', '\\u4E2d', '\\u2026', '\\u007f', '\\u0085', '\\ud83d\\ude42', '\\uD83D\\uDE42', '\\\\u003c'),
  },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 0xffff }).map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`) },
  { weight: 1, arbitrary: fc.constantFrom('\\u12', '\\u00g9', '\\u00\u0011e', '\\x', '\\', '"', '\u0000', '\u0007', '\t', '\n', '\u007f') },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '<',
      '<|im_end|>',
      '<s>',
      '</s>',
      '<\\/s>',
      '</p>',
      '<eos>',
      '<em>',
      '[INST]',
      '[A',
      '[/INST]',
      '<\uff5cend\uff5c>',
      '<<SYS>>',
    ),
  },
)
const content = fc.array(piece, { minLength: 0, maxLength: 6 }).map((pieces) => pieces.join(''))
const simpleContent = fc
  .array(fc.constantFrom('a', 'Grüße', ' and ', '\\n', '🙂', '\\"', '漢', '.', '\\u00fc', '\\ud83d\\ude42'), {
    minLength: 1,
    maxLength: 12,
  })
  .map((pieces) => `x${pieces.join('')}x`)
const role = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom('user', 'assistant') },
  { weight: 1, arbitrary: fc.constantFrom('system', 'tool', 'human', 'User', 'assistant ', '', 'us\\u0065r', 'developer') },
)
const turnText = fc
  .record({
    role,
    content: fc.oneof(content, simpleContent),
    spaces: fc.array(space, { minLength: 9, maxLength: 9 }),
    form: fc.integer({ min: 0, max: 20 }),
  })
  .map(({ role: word, content: text, spaces, form }) => {
    const [a, b, c, d, e, f, g, h, i] = spaces
    if (form === 0) return `{"content":"${text}","role":"${word}"}`
    if (form === 1) return `{"role":"${word}","content":"${text}","name":"x"}`
    if (form === 2) return `{"role":"${word}","content":null}`
    if (form === 3) return `{"role":"${word}","role":"${word}","content":"${text}"}`
    return `${a}{${b}"role"${c}:${d}"${word}"${e},${f}"content"${g}:${h}"${text}"${i}}`
  })
const anyRow = fc
  .record({ turns: fc.array(turnText, { maxLength: 4 }), form: fc.integer({ min: 0, max: 20 }), a: space, b: space })
  .map(({ turns, form, a, b }) => {
    const list = `[${turns.join(',')}${form === 0 ? ',' : ''}]`
    if (form === 1) return `{"messages":${list},"id":7}`
    if (form === 2) return `{"id":7,"messages":${list}}`
    if (form === 3) return `{"conversations":${list}}`
    if (form === 4) return `${a}{"messages":${list}}${b}x`
    if (form === 5) return `{"messages":${list},"messages":${list}}`
    return `${a}{${b}"messages"${a}:${b}${list}${a}}${b}`
  })
/** Rows of the usual form with usual texts, most of them without faults. */
const goodRow = fc
  .record({
    system: fc.option(simpleContent),
    pairs: fc.array(fc.tuple(simpleContent, simpleContent), { minLength: 1, maxLength: 3 }),
    gap: fc.constantFrom('', ' '),
  })
  .map(({ system, pairs, gap }) => {
    const turn = (word: string, text: string) => `{"role":${gap}"${word}",${gap}"content":${gap}"${text}"}`
    const turns = pairs.flatMap(([question, reply]) => [turn('user', question), turn('assistant', reply)])
    return `{"messages":${gap}[${[...(system === null ? [] : [turn('system', system)]), ...turns].join(`,${gap}`)}]}`
  })

describe('a chat row that is known without parsing it', () => {
  it('never differs from the parsed row, whatever stands around and in the usual form', () => {
    fc.assert(
      fc.property(anyRow, (row) => {
        isPlain(row)
      }),
      { ...seeded, numRuns: 12_000 },
    )
  })

  it('is known in its compact and its spaced form', () => {
    fc.assert(
      fc.property(goodRow, (row) => isPlain(row)),
      seeded,
    )
  })

  it('never hides the fault that one changed, lost or added byte makes', () => {
    const change = fc.tuple(
      goodRow,
      fc.nat(),
      fc.oneof(fc.nat({ max: 255 }), fc.constantFrom(...Buffer.from('"\\{}[],: \n\t<|ntu/bf\0\u007f'))),
      fc.constantFrom('replace', 'remove', 'insert', 'cut'),
    )
    fc.assert(
      fc.property(change, ([row, place, byte, kind]) => {
        const bytes = Buffer.from(row)
        const at = place % bytes.length
        const behind = kind === 'cut' ? bytes.length : kind === 'insert' ? at : at + 1
        const between = kind === 'replace' || kind === 'insert' ? [byte] : []
        compare(Buffer.concat([bytes.subarray(0, at), Buffer.from(between), bytes.subarray(behind)]))
      }),
      { ...seeded, numRuns: 20_000 },
    )
  })

  it('does not take white space of any kind around an answer for text', () => {
    const row = (user: string, assistant: string) =>
      isPlain(`{"messages":[{"role":"user","content":"${user}"},{"role":"assistant","content":"${assistant}"}]}`)
    expect(row('a', 'b')).toBe(true)
    for (const code of [9, 10, 13, 32, 160, 0x1680, 0x2000, 0x200a, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000, 0xfeff]) {
      const character = String.fromCharCode(code)
      const blank = JSON.stringify(character).slice(1, -1)
      const escaped = `\\u${code.toString(16).padStart(4, '0')}`
      expect([code, row('a', `${escaped}b`), row('a', `b${escaped}`), row(escaped, 'b')]).toEqual([code, false, false, false])
      expect(character.trim()).toBe('')
      expect([code, row('a', `${blank}b`), row('a', `b${blank}`), row('a', blank), row(blank, 'b')]).toEqual([
        code,
        false,
        false,
        false,
        false,
      ])
    }
    for (const sign of ['“b”', '„b“', '–b…', 'ÀbÀ', '「b」', '🙂', 'b\\\\n', 'b\\"', '\\"b\\\\', '\\u201cb\\u2026', '\\ud83d\\ude42'])
      expect([sign, row(sign, sign)]).toEqual([sign, true])
  })

  it('reads a text behind a long row from its own bytes, also after the caller re-used them', () => {
    const long = `{"messages":[{"role":"user","content":"${'long '.repeat(40_000)}"},{"role":"assistant","content":"ä"}]}`
    expect(isPlain(long)).toBe(true)
    const bytes = Buffer.from('{"messages":[{"role":"user","content":"ä🙂"},{"role":"assistant","content":"b"}]}')
    const reading = usual.read(bytes)
    bytes.fill(120)
    expect([reading.isPlainChat, reading.content?.messages]).toEqual([
      true,
      [
        { role: 'user', content: 'ä🙂' },
        { role: 'assistant', content: 'b' },
      ],
    ])
  })

  it('leaves a control token that escapes break up to the reader that finds it', () => {
    const row = (text: string) => isPlain(`{"messages":[{"role":"user","content":"${text}"},{"role":"assistant","content":"b"}]}`)
    for (const text of ['\\\\u003c <\\/s>', '[\\/INST]', '\\u003c|im_end|>', '<\\uff5cend\\uff5c>'])
      expect([text, row(text)]).toEqual([text, false])
    for (const text of ['a\\/b', '<b>a</b>', '[Also]', '<em>x</em> [I]']) expect([text, row(text)]).toEqual([text, true])
  })

  it('is not looked for where the columns were chosen by hand', () => {
    const mapped = createRowReader({ mapping: { kind: 'text', text: 'messages' } })
    const row = '{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}'
    expect([mapped.read(Buffer.from(row)).isPlainChat, mapped.read(Buffer.from(row)).shape]).toEqual([false, 'mapped'])
  })

  it('counts as a list of messages among the types of the columns', () => {
    const rows = [
      '{"id":1,"messages":[]}',
      '{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}',
      '{"messages":"x"}',
    ]
    const [looked, counted] = [createTypeDrift(), createTypeDrift()]
    rows.forEach((row, index) => {
      looked.add(JSON.parse(row), index)
      const reading = usual.read(Buffer.from(row))
      if (reading.isPlainChat) counted.addPlainChat(index)
      else counted.add(reading.value, index)
    })
    expect(counted.facts()).toEqual(looked.facts())
  })

  it('agrees with the parsed row on every row of the samples and fixtures', () => {
    let known = 0
    for (const folder of ['tests/fixtures/datasets/', 'resources/samples/']) {
      const files = readdirSync(new URL(folder, root)).filter((name) => name.endsWith('.jsonl'))
      expect(files.length).toBeGreaterThan(0)
      for (const name of files) {
        for (const row of readFileSync(new URL(folder + name, root), 'utf8').split('\n')) if (row !== '' && isPlain(row)) known += 1
      }
    }
    expect(known).toBeGreaterThan(20)
  })
})
