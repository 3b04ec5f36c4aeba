import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createRowScan } from '../../../../../../main/features/datasets/engine/rows/byte-scan.ts'
import { createRowFixer } from '../../../../../../main/features/datasets/engine/rows/fixes.ts'
import { createRowReader } from '../../../../../../main/features/datasets/engine/rows/row-reader.ts'
import { rules } from '../../../../../../main/features/datasets/engine/rows/rules.ts'

const reader = createRowReader({ mapping: null })
const isError = (rule: number) => rules[rule]?.severity === 'error'

/** The schema half of the checker, written a second time. */
const text = z.string().refine((value) => value.trim() !== '')
const turnSchema = z.discriminatedUnion('role', [
  z.looseObject({ role: z.literal('system'), content: z.string().nullable() }),
  z.looseObject({ role: z.literal('user'), content: z.string() }),
  z.looseObject({ role: z.literal('assistant'), content: text }),
])
const rowSchema = z.looseObject({
  messages: z
    .array(turnSchema)
    .min(1)
    .refine((turns) => turns.some(({ role }) => role === 'assistant')),
})

const turn = fc.record(
  {
    role: fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom('system', 'user', 'assistant') },
      { weight: 1, arbitrary: fc.constantFrom('bot', 'narrator', 7, null, '') },
    ),
    content: fc.oneof(
      { weight: 8, arbitrary: fc.string({ unit: 'grapheme', minLength: 1 }) },
      { weight: 1, arbitrary: fc.constantFrom('', ' \n', '\u00a0', '\u3000', null, 5, {}) },
    ),
    name: fc.string(),
    id: fc.integer(),
  },
  { requiredKeys: ['role', 'content'] },
)
const row = fc.record(
  {
    messages: fc.oneof(
      { weight: 9, arbitrary: fc.array(turn, { maxLength: 6 }) },
      { weight: 1, arbitrary: fc.constantFrom('x', 5, null, {}) },
    ),
    id: fc.jsonValue(),
  },
  { requiredKeys: ['messages'] },
)
const seeded = { seed: 20261122, numRuns: 2000 }

describe('the checker against a schema', () => {
  it('reports an error exactly where the schema refuses the row', () => {
    fc.assert(
      fc.property(row, (value) => {
        const reading = reader.read(Buffer.from(JSON.stringify(value)))
        const isRefused = reading.faults.some(({ rule }) => isError(rule))
        expect({ value, isRefused }).toEqual({ value, isRefused: !rowSchema.safeParse(value).success })
        expect(reading.content === null).toBe(isRefused)
      }),
      seeded,
    )
  })

  it('counts turns and characters of what it hands out', () => {
    fc.assert(
      fc.property(row, (value) => {
        const { content, turns, assistantTurns, characters, assistantCharacters } = reader.read(Buffer.from(JSON.stringify(value)))
        if (content === null) return
        const answers = content.messages.filter(({ role }) => role === 'assistant')
        const sum = (list: typeof content.messages) => list.reduce((total, message) => total + message.content.length, 0)
        expect([turns, assistantTurns, characters, assistantCharacters]).toEqual([
          content.messages.length,
          answers.length,
          sum(content.messages),
          sum(answers),
        ])
      }),
      seeded,
    )
  })

  it('every pointer of a fault about JSON that could be parsed leads to a value or to the place of a missing one', () => {
    fc.assert(
      fc.property(row, (value) => {
        const bytes = Buffer.from(JSON.stringify(value))
        for (const { pointer } of reader.read(bytes).faults) {
          const parent = pointer
            .split('/')
            .slice(1, -1)
            .reduce<unknown>((at, step) => (at as Record<string, unknown>)[step.replaceAll('~1', '/').replaceAll('~0', '~')], value)
          expect(typeof parent).toBe('object')
        }
      }),
      { ...seeded, numRuns: 500 },
    )
  })
})

describe('hostile bytes', () => {
  const sample = Buffer.from(
    '{"messages":[{"role":"user","content":"Zürich 日本 \\ud83d\\ude00 <|x|>"},{"role":"assistant","content":"A\\n","tool_calls":[{"id":"c","function":{"name":"w","arguments":"{}"}}],"weight":1}],"tools":[{"function":{"name":"w"}}],"id":12345678901234567890}',
  )
  const mutation = fc.tuple(fc.nat(sample.length - 1), fc.nat(255), fc.constantFrom('set', 'cut', 'insert', 'swap'))
  const mutate = (changes: readonly (readonly [number, number, string])[]) =>
    changes.reduce((bytes, [at, byte, how]) => {
      if (how === 'cut') return bytes.subarray(0, Math.max(1, at))
      if (how === 'insert') return Buffer.concat([bytes.subarray(0, at), Buffer.from([byte]), bytes.subarray(at)])
      const copy = Buffer.from(bytes)
      if (at < copy.length) copy[at] = how === 'set' ? byte : (copy[byte % copy.length] ?? 0)
      return copy
    }, sample)

  it('no change of bytes makes the reader or the fixer throw, and a row without content says why', () => {
    const fixer = createRowFixer({ mapping: null })
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 5 }), (changes) => {
        const bytes = mutate(changes)
        const reading = reader.read(bytes)
        const faults = [...reading.faults]
        if (reading.content === null && !reading.isMetadata) expect(faults.some(({ rule }) => isError(rule))).toBe(true)
        for (const rule of new Set(faults.map((fault) => fault.rule))) {
          const fixed = fixer.fix(bytes, rule)
          if (fixed !== null) expect(reader.read(Buffer.from(fixed.text)).faults.map((fault) => fault.rule)).not.toContain(rule)
        }
      }),
      { ...seeded, numRuns: 5000 },
    )
  })

  it('any JSON at all is read without throwing', () => {
    const keys = fc.constantFrom(
      'messages',
      'conversations',
      'conversation',
      'turns',
      'chosen',
      'rejected',
      'prompt',
      'completion',
      'instruction',
      'input',
      'output',
      'text',
      'history',
      'tools',
      'images',
      'target_response',
      'conversation_history',
      'preferred_output',
      '__proto__',
      'role',
      'content',
      'from',
      'value',
      'tool_calls',
      'function_call',
    )
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 5, withCrossShrink: true },
        fc.constantFrom('', 'user', 'gpt', 'Human', '[', '{}', null, 0, 1e300, false),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(keys, tie('value'), { maxKeys: 4 }),
      ),
    }))
    fc.assert(
      fc.property(fc.dictionary(keys, value, { maxKeys: 5 }), (object) => {
        const reading = reader.read(Buffer.from(JSON.stringify(object)))
        expect(reading.content !== null || reading.faults.length > 0).toBe(true)
      }),
      { ...seeded, numRuns: 3000 },
    )
  })

  it('__proto__ and constructor keys neither pollute prototypes nor count as turns', () => {
    const reading = reader.read(
      Buffer.from('{"__proto__":{"messages":[{"role":"user","content":"x"}]},"constructor":{"prototype":{"polluted":1}}}'),
    )
    expect(reading.faults.map(({ rule }) => rules[rule]?.id)).toEqual(['shape.unknown'])
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
  })

  it('brackets a hundred thousand deep in any column are refused, not followed', () => {
    const deep = '['.repeat(100_000) + ']'.repeat(100_000)
    for (const row of [
      '{"chosen":D,"rejected":D}',
      '{"messages":[{"role":"user","content":D}]}',
      '{"images":[1],"messages":D}',
      '{"text":"a","b":D}',
      '{"prompt":D,"completion":"A <|x|>"}',
    ]) {
      const reading = reader.read(Buffer.from(row.replaceAll('D', deep)))
      expect(reading.faults.map(({ rule }) => rules[rule]?.id)).toContain('row.deeply-nested')
    }
  })

  it('a million bad turns give a bounded list, and the next row starts clean', () => {
    expect(reader.read(Buffer.from(`{"messages":[${'0,'.repeat(999_999)}0]}`)).faults).toHaveLength(100)
    expect(reader.read(Buffer.from('{"text":"ok"}'))).toMatchObject({
      faults: [],
      rulesLow: 0,
      rulesHigh: 0,
      shape: 'text',
      turns: 0,
      characters: 2,
    })
  })
})

describe('the byte scan', () => {
  const rowScan = createRowScan()
  const scan = (bytes: Buffer) => {
    rowScan.load(bytes)
    return rowScan.marks()
  }
  const piece = fc.constantFrom(
    '"',
    ':',
    '":',
    '\\',
    '\\u',
    '\\b',
    '\\f',
    '<',
    '<|',
    '</s>',
    '[INST]',
    '[',
    'é',
    '日',
    '｜',
    ' ',
    'x',
    '\n',
    '0123456789abcdef',
  )

  it('sees what a search of the text sees, at every offset within a block', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        const text = pieces.join('')
        const marks = scan(Buffer.from(text))
        expect(marks.keys).toBe([...text.matchAll(/(?<!\\)":/g)].length)
        expect(marks.isAscii).toBe(!/[^\0-\u007f]/.test(text))
        expect(marks.hasUnicodeEscape).toBe(text.includes('\\u'))
        expect(marks.hasControlEscape).toBe(/\\[bf]/.test(text))
        if (/<\||<\/s>|<｜/.test(text)) expect(marks.hasAngleToken).toBe(true)
        if (text.includes('[INST]')) expect(marks.hasSquareToken).toBe(true)
      }),
      seeded,
    )
  })

  it('grows for a long row and forgets it for the next', () => {
    expect(scan(Buffer.from('"k":'.repeat(100_000))).keys).toBe(100_000)
    expect(scan(Buffer.from('x'))).toEqual({
      isAscii: true,
      keys: 0,
      hasUnicodeEscape: false,
      hasControlEscape: false,
      hasAngleToken: false,
      hasSquareToken: false,
    })
  })
})

describe('blanks beyond ASCII', () => {
  it.each([
    ['\u00a0', 'content.empty'],
    ['\u3000', 'content.empty'],
    ['yes\u00a0', 'content.untrimmed'],
    ['\u2003yes', 'content.untrimmed'],
    ['été', null],
    ['日本', null],
  ])('an answer of %j is taken for text, or a letter for a blank', (answer, rule) => {
    const row = {
      messages: [
        { role: 'user', content: 'q' },
        { role: 'assistant', content: answer },
      ],
    }
    const found = createRowReader({ mapping: null })
      .read(Buffer.from(JSON.stringify(row)))
      .faults.map((fault) => rules[fault.rule]?.id)
    expect(found).toEqual(rule === null ? [] : [rule])
  })
})
