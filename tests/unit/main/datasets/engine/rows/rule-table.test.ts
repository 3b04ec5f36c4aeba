import { describe, expect, it } from 'vitest'
import { createRowReader } from '../../../../../../main/features/datasets/engine/rows/row-reader.ts'
import { ruleNumbers, type RuleId } from '../../../../../../main/features/datasets/engine/rows/rule-numbers.ts'
import { errorRulesHigh, errorRulesLow, ruleById, rules } from '../../../../../../main/features/datasets/engine/rows/rules.ts'

const reader = createRowReader({ mapping: null })
const q = { role: 'user', content: 'Q' }
const a = { role: 'assistant', content: 'A' }
const call = { id: 'c1', type: 'function', function: { name: 'weather', arguments: '{"city":"Oslo"}' } }
const reply = { role: 'tool', tool_call_id: 'c1', content: '4 °C' }
const calling = { role: 'assistant', content: null, tool_calls: [call] }
const rows = (...messages: unknown[]) => ({ messages })
const deep = `{"messages":[{"role":"user","content":"Q"},{"role":"assistant","content":"A"}],"x":${'['.repeat(300)}${']'.repeat(300)}}`

/** Rule, row (text as it stands in the file, or a value), pointer, got, expected. */
const cases: readonly (readonly [RuleId, unknown, string, string, string])[] = [
  ['json.invalid', '{"messages": oops}', '', '"{"messages": oops}"', 'text in double quotation marks'],
  ['json.invalid', '{"messages" []}', '', '"{"messages" []}"', 'a colon'],
  [
    'json.invalid',
    String.raw`{"messages":[{"role":"user","content":"C:\new\dir"}]}`,
    '',
    String.raw`"r","content":"C:\new\dir"}]}"`,
    'two backslashes (\\\\) for one in the text',
  ],
  ['json.truncated', '{"messages":[{"role":"user","content":"cut of', '', '"r","content":"cut of"', 'the rest of the row'],
  ['json.trailing-comma', '{"messages":[],}', '', '"{"messages":[],}"', 'no comma'],
  ['json.single-quotes', "{'messages': []}", '', `"{'messages': []}"`, 'double quotation marks'],
  ['json.python-literal', '{"messages":[],"score":NaN}', '', '"essages":[],"score":NaN}"', 'null'],
  ['json.python-literal', '{"messages":None}', '', '"{"messages":None}"', 'null'],
  ['json.array-in-line', [rows(q, a)], '', 'a list of 1', 'an object'],
  ['json.multiple-objects', '{"text":"a"}{"text":"b"}', '', '"{"text":"a"}{"text":"b"}"', 'one conversation'],
  ['json.spread-over-lines', '  "messages": [', '', '" "messages": ["', 'one conversation per line'],
  ['json.control-character', '{"text":"a\tb"}', '', '"{"text":"a b"}"', 'an escape such as \\t or \\n'],
  [
    'json.duplicate-key',
    '{"messages":[{"role":"user","role":"user","content":"Q"},{"role":"assistant","content":"A"}]}',
    '/messages/0/role',
    '"role" again',
    'each name once',
  ],
  ['json.duplicate-key', '{"text":"a","text":"b"}', '/text', '"text" again', 'each name once'],
  ['json.number-too-large', '{"text":"a","id":9007199254740993}', '/id', 'about 9007199254740992', 'at most 9007199254740991, or text'],
  ['json.number-too-large', '{"text":"a","m":{"x":[1e999]}}', '/m/x/0', 'about Infinity', 'at most 9007199254740991, or text'],
  ['encoding.invalid', Buffer.from('{"text":"caf\u00e9"}', 'latin1'), '', 'byte 0xe9', 'UTF-8'],
  ['encoding.nul', '{"text":"a\0b"}', '', '"{"text":"a\0b"}"', 'text without zero bytes'],
  ['encoding.bom', '\ufeff{"text":"a"}', '', 'U+FEFF', 'the row alone'],
  ['encoding.lone-surrogate', String.raw`{"text":"a\ud83d"}`, '/text', '\\ud83d', 'whole characters'],
  ['row.too-large', Buffer.alloc(33 * 1024 * 1024, 32), '', '33 MB', 'at most 32 MB'],
  ['row.not-object', '42', '', 'the number 42', 'an object'],
  ['row.not-object', '["a","b"]', '', 'a list of 2', 'an object'],
  ['row.deeply-nested', deep, '', 'more than 200 levels', 'a few levels'],
  ['row.deeply-nested', `{"text":${'['.repeat(300_000)}`, '', 'more than 200 levels', 'a few levels'],
  ['shape.unknown', { foo: 1, bar: 2 }, '', '"foo", "bar"', 'a known layout, such as "messages"'],
  ['shape.unknown', {}, '', 'an empty object', 'a known layout, such as "messages"'],
  ['field.missing', rows({ role: 'user' }, a), '/messages/0/content', 'nothing', 'the text of the turn'],
  ['field.missing', rows({ content: 'Q' }, a), '/messages/0/role', 'nothing', 'user or assistant'],
  ['field.missing', { prompt: 'Q', chosen: 'A' }, '/rejected', 'nothing', 'the text of the turn'],
  ['field.type', rows(q, 'A'), '/messages/1', 'the text "A"', 'an object'],
  ['field.type', { messages: 'Q' }, '/messages', 'the text "Q"', 'a list of turns'],
  ['field.type', rows({ role: 7, content: 'Q' }, a), '/messages/0/role', 'the number 7', 'system, user, assistant or tool'],
  [
    'field.missing',
    rows(q, { role: 'assistant', content: null, tool_calls: [{ id: 'c' }] }),
    '/messages/1/tool_calls/0/name',
    'nothing',
    'the name of a function',
  ],
  ['messages.empty', { messages: [] }, '/messages', 'an empty list', 'a question and an answer'],
  ['messages.as-text', { messages: JSON.stringify([q, a]) }, '/messages', 'a text', 'a list of turns'],
  ['role.unknown', rows(q, { role: 'bot', content: 'A' }), '/messages/1/role', '"bot"', '"assistant"'],
  ['role.unknown', rows({ role: 'narrator', content: 'Q' }, a), '/messages/0/role', '"narrator"', 'system, user, assistant or tool'],
  [
    'role.unknown',
    {
      conversations: [
        { from: 'narrator', value: 'Q' },
        { from: 'gpt', value: 'A' },
      ],
    },
    '/conversations/0/from',
    '"narrator"',
    'system, user, assistant or tool',
  ],
  ['role.alias', rows({ role: 'Human', content: 'Q' }, a), '/messages/0/role', '"Human"', '"user"'],
  [
    'role.beyond-basic',
    rows({ role: 'developer', content: 'S' }, q, a),
    '/messages/0/role',
    '"developer"',
    'system, user or assistant, for some services',
  ],
  [
    'role.beyond-basic',
    rows(q, calling, reply, a),
    '/messages/1/tool_calls',
    '"tool call"',
    'system, user or assistant, for some services',
  ],
  [
    'role.system-not-first',
    rows(q, { role: 'system', content: 'S' }, a),
    '/messages/1/role',
    'system after user',
    'system as the first turn',
  ],
  ['role.repeated', rows(q, q, a), '/messages/1/role', 'user', 'assistant'],
  ['role.first-not-user', rows(a, q, a), '/messages/0/role', 'assistant', 'user'],
  ['role.last-not-assistant', rows(q, a, q), '/messages/2/role', 'user', 'assistant'],
  ['role.tool-misplaced', rows(q, { role: 'tool', content: 'r' }, a), '/messages/1/role', 'tool after user', 'tool after assistant'],
  ['role.tool-misplaced', rows(q, calling, reply, q, a), '/messages/3/role', 'user after tool', 'assistant after tool'],
  ['assistant.missing', rows(q), '/messages', '1 turns without an answer', 'an assistant turn'],
  ['content.empty', rows(q, { role: 'assistant', content: ' \n' }), '/messages/1/content', 'only white space', 'the answer'],
  ['content.empty', { instruction: 'Q', output: '' }, '/output', 'an empty text', 'the answer'],
  ['content.blank', rows({ role: 'user', content: '' }, a), '/messages/0/content', 'an empty text', 'the text of the turn'],
  ['content.blank', rows({ role: 'system', content: ' ' }, q, a), '/messages/0/content', 'only white space', 'the text of the turn'],
  ['content.type', rows(q, { role: 'assistant', content: 25 }), '/messages/1/content', 'the number 25', 'a text'],
  ['content.type', rows(q, { role: 'assistant', content: null }), '/messages/1/content', 'null', 'a text'],
  ['content.type', rows({ role: 'user', content: [{ type: 'odd' }] }, a), '/messages/0/content/0', 'a part of type "odd"', 'a text part'],
  [
    'content.image-unsupported',
    rows({ role: 'user', content: ['see', { type: 'image_url', image_url: { url: 'x' } }] }, a),
    '/messages/0/content/1',
    'a part of type "image_url"',
    'text parts',
  ],
  [
    'content.image-unsupported',
    { ...rows({ role: 'user', content: '<image>Q' }, a), images: ['a.png'] },
    '/images',
    'a list of 1',
    'text only',
  ],
  ['content.control-character', String.raw`{"text":"a \beta"}`, '/text', 'backspace', 'visible text'],
  ['content.control-character', String.raw`{"text":"a\u0000b"}`, '/text', 'zero', 'visible text'],
  [
    'content.untrimmed',
    rows(q, { role: 'assistant', content: 'A\n' }),
    '/messages/1/content',
    'white space after the answer',
    'the answer alone',
  ],
  ['weight.invalid', rows(q, { ...a, weight: '1' }), '/messages/1/weight', 'the text "1"', '0 or 1'],
  ['weight.none-trained', rows(q, { ...a, weight: 0 }), '/messages/1/weight', 'weight 0 for every answer', 'an answer with weight 1'],
  ['tool.call-unanswered', rows(q, calling, q, a), '/messages/1/tool_calls/0', 'no reply to "c1"', 'a tool turn'],
  ['tool.call-id-unknown', rows(q, calling, { ...reply, tool_call_id: 'c2' }, a), '/messages/2/tool_call_id', '"c2"', '"c1"'],
  [
    'tool.arguments-not-json',
    rows(q, { ...calling, tool_calls: [{ ...call, function: { name: 'w', arguments: '{city' } }] }, reply, a),
    '/messages/1/tool_calls/0/function/arguments',
    '"{city"',
    'JSON such as {"city": "Oslo"}',
  ],
  [
    'tool.arguments-object',
    rows(q, { ...calling, tool_calls: [{ ...call, function: { name: 'w', arguments: { city: 'Oslo' } } }] }, reply, a),
    '/messages/1/tool_calls/0/function/arguments',
    'an object',
    'JSON text',
  ],
  [
    'tools.not-schema',
    { ...rows(q, a), tools: [{ type: 'function', function: { name: 'w', parameters: 'none' } }] },
    '/tools/0',
    'the text "none"',
    'an object such as {"type": "object", "properties": {…}}',
  ],
  ['tools.not-schema', { ...rows(q, a), tools: '[' }, '/tools', 'the text "["', 'a list of functions'],
  [
    'image.count-mismatch',
    { ...rows({ role: 'user', content: '<image><image>Q' }, a), images: ['a.png'] },
    '/images',
    '1 for 2',
    'one entry for each placeholder',
  ],
  ['columns.extra', { ...rows(q, a), id: 7, source: 'x' }, '/id', '"id", "source"', 'messages, tools, parallel_tool_calls, functions'],
  ['message.key-unknown', rows(q, { ...a, emotion: 'calm' }), '/messages/1/emotion', '"emotion"', 'role, content and what OpenAI knows'],
  ['preference.same-answers', { prompt: 'Q', chosen: 'A', rejected: 'A' }, '/rejected', 'the same answer twice', 'two different answers'],
  [
    'preference.ends-with-assistant',
    { input: rows(q, a), preferred_output: [a], non_preferred_output: [{ ...a, content: 'B' }] },
    '/input/messages',
    'assistant',
    'user',
  ],
  [
    'preference.answer-count',
    { input: rows(q), preferred_output: [a, q, a], non_preferred_output: [{ ...a, content: 'B' }] },
    '/preferred_output',
    '3 turns',
    'one assistant turn',
  ],
  [
    'preference.layout',
    { prompt: 'Q', chosen: 'A', rejected: 'B' },
    '/chosen',
    '"chosen" and "rejected"',
    'input, preferred_output and non_preferred_output, for some services',
  ],
  ['preference.undesired', { prompt: 'Q', completion: 'A', label: false }, '/label', '"label": false', 'an answer to learn'],
  [
    'token.special-in-content',
    rows({ role: 'user', content: 'stop <|im_end|> here' }, a),
    '/messages/0/content',
    '<|im_end|>',
    'text without control tokens',
  ],
  [
    'token.special-in-content',
    rows({ role: 'user', content: '[INST] x' }, a),
    '/messages/0/content',
    '[INST]',
    'text without control tokens',
  ],
  [
    'token.special-in-content',
    rows(q, { role: 'assistant', content: 'x</s>' }),
    '/messages/1/content',
    '</s>',
    'text without control tokens',
  ],
]
/** Rules that later passes raise. */
const raisedElsewhere = rules
  .filter(({ id, level }) => level === 'set' || (level === 'token' && id !== 'token.special-in-content'))
  .map(({ id }) => id)

function bytesOf(row: unknown): Buffer {
  if (Buffer.isBuffer(row)) return row
  return Buffer.from(typeof row === 'string' ? row : JSON.stringify(row))
}

describe('every rule is found at its exact place', () => {
  it.each(cases)('%s', (id, row, pointer, got, expected) => {
    const reading = reader.read(bytesOf(row))
    const number = ruleNumbers[id]
    expect(reading.faults.filter(({ rule }) => rule === number).map((fault) => [fault.pointer, fault.got, fault.expected])).toEqual([
      [pointer, got, expected],
    ])
    expect((number < 32 ? reading.rulesLow >>> number : reading.rulesHigh >>> (number - 32)) & 1).toBe(1)
    for (const { message } of reading.faults) expect(message).toMatch(/\.$/)
  })

  it('a rule that no row can show is missing from the table', () => {
    const shown = new Set<string>([...cases.map(([id]) => id), ...raisedElsewhere])
    expect(rules.map(({ id }) => id).filter((id) => !shown.has(id))).toEqual([])
  })

  it('a row with a fault of severity error gives no content, any other row does', () => {
    for (const [id, row] of cases) {
      const reading = reader.read(bytesOf(row))
      const hasError = reading.faults.some(({ rule }) => rules[rule]?.severity === 'error')
      expect({ id, usable: reading.content !== null }).toEqual({ id, usable: !hasError })
    }
  })
})

describe('the rule table', () => {
  it('numbers are the index, unique and below 64, because they are stored as bits', () => {
    expect(rules.map(({ number }) => number)).toEqual(Array.from({ length: rules.length }, (_, index) => index))
    expect(rules.length).toBe(Object.keys(ruleNumbers).length)
    expect(rules.length).toBeLessThanOrEqual(64)
  })

  it('the masks hold exactly the errors', () => {
    for (const { number, severity } of rules) {
      const bit = number < 32 ? (errorRulesLow >>> number) & 1 : (errorRulesHigh >>> (number - 32)) & 1
      expect(bit).toBe(severity === 'error' ? 1 : 0)
    }
    expect(ruleById('role.unknown')?.number).toBe(23)
    expect(ruleById('no.such-rule')).toBeUndefined()
  })
})
