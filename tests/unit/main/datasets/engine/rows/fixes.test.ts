import { describe, expect, it } from 'vitest'
import { createRowFixer, fixRow } from '../../../../../../main/features/datasets/engine/rows/fixes.ts'
import { createRowReader } from '../../../../../../main/features/datasets/engine/rows/row-reader.ts'
import { ruleNumbers, type RuleId } from '../../../../../../main/features/datasets/engine/rows/rule-numbers.ts'
import { rules } from '../../../../../../main/features/datasets/engine/rows/rules.ts'

const fixer = createRowFixer({ mapping: null })
const reader = createRowReader({ mapping: null })
const q = '{"role": "user", "content": "Q"}'
const a = '{"role": "assistant", "content": "A"}'
const chat = (...turns: string[]) => `{"id":9007199254740993, "messages": [${turns.join(', ')}], "x":1.0}`

const cases: readonly (readonly [RuleId, string, string | null])[] = [
  ['json.trailing-comma', '{"text": "a, }",}', '{"text": "a, }"}'],
  ['json.trailing-comma', '{"text":"a"},', '{"text":"a"}'],
  ['json.single-quotes', `{'text': 'it\\'s "so"', 'ok': True, 'n': None}`, `{"text": "it's \\"so\\"", "ok": true, "n": null}`],
  ['json.single-quotes', `{'text': "it's \\xe9"}`, `{"text": "it's \\u00e9"}`],
  ['json.python-literal', '{"text":"NaN","a":NaN,"b":-Infinity}', '{"text":"NaN","a":null,"b":null}'],
  ['json.control-character', '{"text":"a\tb"}', '{"text":"a\\tb"}'],
  ['json.array-in-line', '[{"text":"a", "n":1.0}]', '{"text":"a", "n":1.0}'],
  ['json.array-in-line', '[{"text":"a"},{"text":"b"}]', null],
  ['json.duplicate-key', '{"text":"a","n":1,"text":"b"}', '{"n":1,"text":"b"}'],
  ['encoding.nul', '{"te\0xt":"a\0b"}', '{"text":"ab"}'],
  ['encoding.bom', '\ufeff{"text":"a"}', '{"text":"a"}'],
  ['encoding.lone-surrogate', String.raw`{"text":"\ud83d\ude00 \ud83d \\ud83d \ude00"}`, String.raw`{"text":"\ud83d\ude00  \\ud83d "}`],
  ['messages.as-text', `{"messages": ${JSON.stringify(`[${q},\n${a}]`)}}`, `{"messages": [${q}, ${a}]}`],
  ['role.unknown', chat(q, a.replace('assistant', 'bot')), chat(q, a)],
  ['role.unknown', chat(q, a.replace('assistant', 'narrator')), null],
  ['role.alias', chat(q.replace('user', 'Human'), a.replace('assistant', 'gpt')), chat(q, a)],
  ['role.system-not-first', chat(q, '{"role":"system","content":"S"}', a), chat('{"role":"system","content":"S"}', q, a)],
  ['role.last-not-assistant', chat(q, a, q), chat(q, a)],
  ['content.empty', chat(q, a, q, a.replace('"A"', '" "')), chat(q, a)],
  ['content.empty', chat(q, a.replace('"A"', '""')), null],
  ['content.blank', chat('{"role":"system","content":""}', q, a), chat(q, a)],
  ['content.blank', chat(q.replace('"Q"', '""'), a), null],
  ['content.type', chat(q, a.replace('"A"', '12345678901234567890')), chat(q, a.replace('"A"', '"12345678901234567890"'))],
  ['content.type', chat(q, a.replace('"A"', 'null')), null],
  ['content.control-character', String.raw`{"text":"a\u0000b\\u0000\n"}`, String.raw`{"text":"ab\\u0000\n"}`],
  ['content.control-character', String.raw`{"text":"\beta"}`, null],
  ['content.untrimmed', chat(q, a.replace('"A"', '" A\\n"')), chat(q, a)],
  ['weight.invalid', chat(q, a.replace('}', ', "weight":"1"}')), chat(q, a.replace('}', ', "weight":1}'))],
  ['weight.invalid', chat(q, a.replace('}', ', "weight":0.5}')), null],
  [
    'tool.arguments-object',
    chat(q, '{"role":"assistant","content":null,"tool_calls":[{"id":"c","function":{"name":"w","arguments":{"a": 1.0}}}]}'),
    chat(q, '{"role":"assistant","content":null,"tool_calls":[{"id":"c","function":{"name":"w","arguments":"{\\"a\\": 1.0}"}}]}'),
  ],
]

describe('safe fixes', () => {
  it.each(cases)('%s: %s', (id, before, after) => {
    const fixed = fixer.fix(Buffer.from(before), ruleNumbers[id])
    expect(fixed?.text ?? null).toBe(after)
    if (fixed === null) return
    expect(reader.read(Buffer.from(fixed.text)).faults.map(({ rule }) => rule)).not.toContain(ruleNumbers[id])
    expect(fixRow(undefined, before, ruleNumbers[id])).toEqual(fixed)
  })

  it('Windows-1252 bytes become the characters they were meant to be', () => {
    const bytes = Buffer.from([...Buffer.from('{"text":"'), 0x93, 0xe9, 0x80, 0x94, ...Buffer.from('"}')])
    expect(fixer.fix(bytes, ruleNumbers['encoding.invalid'])?.text).toBe('{"text":"“é€”"}')
  })

  it('a rule whose button promises a fix has one, and no other has', () => {
    const fixable = new Set<string>([...cases.flatMap(([id, , after]) => (after === null ? [] : [id])), 'encoding.invalid'])
    expect(rules.filter(({ fixLabel }) => fixLabel !== null).map(({ id }) => id)).toEqual(
      rules.map(({ id }) => id).filter((id) => fixable.has(id)),
    )
  })

  it('a row with more faults than one reading lists is mended whole', () => {
    const turns = Array.from({ length: 150 }, () => [q, a.replace('assistant', 'bot')]).flat()
    const fixed = fixer.fix(Buffer.from(chat(...turns)), ruleNumbers['role.unknown'])
    expect(fixed?.text.includes('bot')).toBe(false)
    expect(fixed?.text.startsWith('{"id":9007199254740993,')).toBe(true)
  })

  it('a sound row is left alone', () => {
    for (const { number } of rules) expect(fixer.fix(Buffer.from(chat(q, a)), number)).toBeNull()
    expect(fixer.fix(Buffer.from(chat(q, a)), 99)).toBeNull()
  })
})
