import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { datasetErrorCodeSchema, type ChatMessage } from '../../../../preload/contract/datasets.ts'
import { canonicalLine, parseRow, parseRowBytes } from '../../../../main/features/datasets/parse-row.ts'

const messages: ChatMessage[] = [
  { role: 'system', content: 'Answer in one line.' },
  { role: 'user', content: 'First?' },
  { role: 'assistant', content: 'One.' },
  { role: 'user', content: 'Second?' },
  { role: 'assistant', content: 'Two.' },
]
const [system, ...talk] = messages
const ok = (shape: string) => ({ kind: 'conversation', shape, messages })

/** The faults of a row as `code pointer`. */
function faultsOf(row: unknown): string[] {
  const parsed = typeof row === 'string' ? parseRow(row) : parseRow(JSON.stringify(row))
  return parsed.kind === 'faulty' ? parsed.faults.map((fault) => `${fault.code} ${fault.pointer}`) : []
}

describe('the four shapes and their dialects', () => {
  it('C messages, A turns and D conversations give the same conversation', () => {
    expect(parseRow(JSON.stringify({ messages }))).toEqual(ok('messages'))
    expect(parseRow(JSON.stringify({ conversation_id: 'x', turns: messages }))).toEqual(ok('turns'))
    expect(parseRow(JSON.stringify({ conversations: messages }))).toEqual(ok('conversations'))
  })

  it('B: a question that also ends the history is said once, not twice', () => {
    const row = {
      id: 'p_turn4',
      system_prompt: system?.content,
      conversation_history: talk
        .slice(0, 3)
        .map(({ role, content }, index) => ({ turn: index + 1, role, content, emotional_state: { primary: 'calm' } })),
      current_user_input: 'Second?',
      target_response: 'Two.',
    }
    expect(parseRow(JSON.stringify(row))).toEqual(ok('brightrun'))
    expect(parseRow(JSON.stringify({ ...row, conversation_history: row.conversation_history.slice(0, 2) }))).toEqual(ok('brightrun'))
    expect(parseRow(JSON.stringify({ ...row, current_user_input: undefined }))).toEqual(ok('brightrun'))
  })

  it('B: a first turn with an empty history is a whole conversation', () => {
    const row = { system_prompt: '', conversation_history: [], current_user_input: 'Q', target_response: 'A' }
    const parsed = parseRow(JSON.stringify(row))
    expect(parsed.kind === 'conversation' && parsed.messages.map(({ role }) => role)).toEqual(['user', 'assistant'])
  })

  it('B: the metadata line is neither a conversation nor an error', () => {
    expect(parseRow('{"_meta":{"file_name":"x","total_pairs":3,"version":"4.0.0"}}')).toEqual({ kind: 'metadata' })
  })

  it('D: ShareGPT names and its separate system text are understood', () => {
    const names = { system: 'system', user: 'human', assistant: 'gpt', tool: 'observation' }
    const conversations = talk.map(({ role, content }) => ({ from: names[role], value: content }))
    expect(parseRow(JSON.stringify({ conversations, system: system?.content }))).toEqual(ok('conversations'))
  })

  it('text parts are joined and developer counts as system', () => {
    const row = {
      messages: [
        { role: 'developer', content: 'S' },
        { role: 'user', content: [{ type: 'text', text: 'a' }, 'b', { text: 'c' }] },
        { role: 'assistant', content: 'A' },
      ],
    }
    const parsed = parseRow(JSON.stringify(row))
    expect(parsed.kind === 'conversation' && parsed.messages.map((m) => [m.role, m.content])).toEqual([
      ['system', 'S'],
      ['user', 'abc'],
      ['assistant', 'A'],
    ])
  })

  it('an empty system prompt counts as none instead of spoiling the row', () => {
    const parsed = parseRow(JSON.stringify({ messages: [{ role: 'system', content: ' ' }, ...talk] }))
    expect(parsed.kind === 'conversation' && parsed.messages).toEqual(talk)
  })

  it('a tool reply between question and answer is allowed', () => {
    const row = { messages: ['user', 'assistant', 'tool', 'assistant'].map((role) => ({ role, content: role })) }
    expect(parseRow(JSON.stringify(row)).kind).toBe('conversation')
  })

  it('the committed fixtures of every shape have only usable rows', () => {
    for (const name of ['messages', 'turns', 'brightrun-v4', 'conversations', 'unicode']) {
      const lines = readFileSync(new URL(`../../../fixtures/datasets/${name}.jsonl`, import.meta.url), 'utf8').split('\n')
      const kinds = lines.filter((line) => line.trim() !== '').map((line) => parseRow(line).kind)
      expect({ name, faulty: kinds.filter((kind) => kind === 'faulty').length }).toEqual({ name, faulty: 0 })
      expect(kinds.length).toBeGreaterThan(5)
    }
  })
})

describe('faults carry a code and an RFC 6901 pointer', () => {
  const q = { role: 'user', content: 'Q' }
  const a = { role: 'assistant', content: 'A' }
  it.each([
    ['JSON_INVALID ', '{"messages":[{"role":"user","content":"cut of'],
    ['ROW_NOT_OBJECT ', '["a","b"]'],
    ['ROW_NOT_OBJECT ', '42'],
    ['SHAPE_UNKNOWN ', { instruction: 'Q', output: 'A' }],
    ['SHAPE_UNKNOWN ', {}],
    ['FIELD_TYPE /messages', { messages: 'Q' }],
    ['MESSAGES_EMPTY /messages', { messages: [] }],
    ['MESSAGES_EMPTY /turns', { turns: [] }],
    ['FIELD_TYPE /messages/1', { messages: [q, 'A'] }],
    ['FIELD_MISSING /messages/0/role', { messages: [{ content: 'Q' }, a] }],
    ['FIELD_MISSING /messages/0/content', { messages: [{ role: 'user' }, a] }],
    ['FIELD_TYPE /messages/0/role', { messages: [{ role: 7, content: 'Q' }, a] }],
    ['FIELD_TYPE /messages/1/content', { messages: [q, { role: 'assistant', content: 25 }] }],
    ['FIELD_TYPE /messages/1/content', { messages: [q, { role: 'assistant', content: null }] }],
    [
      'FIELD_TYPE /messages/0/content/1',
      { messages: [{ role: 'user', content: ['see', { type: 'image_url', image_url: { url: 'x' } }] }, a] },
    ],
    ['FIELD_TYPE /messages/1/tool_calls', { messages: [q, { role: 'assistant', content: null, tool_calls: [{ id: 'c' }] }] }],
    ['FIELD_TYPE /messages/1/weight', { messages: [q, { ...a, weight: 0 }] }],
    ['ROLE_UNKNOWN /messages/0/role', { messages: [{ role: 'narrator', content: 'Q' }, a] }],
    ['ROLE_UNKNOWN /messages/0/role', { messages: [{ role: '__proto__', content: 'Q' }, a] }],
    [
      'ROLE_UNKNOWN /conversations/0/from',
      {
        conversations: [
          { from: 'narrator', value: 'Q' },
          { from: 'gpt', value: 'A' },
        ],
      },
    ],
    ['CONTENT_EMPTY /messages/1/content', { messages: [q, { role: 'assistant', content: ' \n' }] }],
    ['CONTENT_EMPTY /target_response', { current_user_input: 'Q', target_response: '' }],
    ['ASSISTANT_MISSING /messages', { messages: [q] }],
    ['ASSISTANT_MISSING /target_response', { current_user_input: 'Q', target_response: null }],
    ['ROLE_ORDER /messages/1/role', { messages: [q, { role: 'system', content: 'S' }, a] }],
    ['ROLE_ORDER /messages/0/role', { messages: [a, q, a] }],
    ['ROLE_ORDER /messages/1/role', { messages: [q, q, a] }],
    ['ROLE_ORDER /messages/2/role', { messages: [q, a, q] }],
    [
      'ROLE_ORDER /current_user_input',
      { conversation_history: [{ role: 'user', content: 'Other' }], current_user_input: 'Q', target_response: 'A' },
    ],
    ['ENCODING_INVALID /messages/1/content', '{"messages":[{"role":"user","content":"Q"},{"role":"assistant","content":"\\ud83d"}]}'],
  ])('%s', (expected, row) => {
    expect(faultsOf(row)).toEqual([expected])
  })

  it('every fault says what is wrong and what to do, and every code that a row can have is covered above', () => {
    const row = { messages: [{ role: 'bot', content: '' }, { content: 5 }, 'x'] }
    const parsed = parseRow(JSON.stringify(row))
    expect(faultsOf(row)).toEqual([
      'ROLE_UNKNOWN /messages/0/role',
      'CONTENT_EMPTY /messages/0/content',
      'FIELD_MISSING /messages/1/role',
      'FIELD_TYPE /messages/1/content',
      'FIELD_TYPE /messages/2',
    ])
    const faults = parsed.kind === 'faulty' ? parsed.faults : []
    for (const fault of faults) {
      expect(fault.message).toMatch(/\.$/)
      expect(fault.suggestion).toMatch(/\.$/)
    }
    expect(faults[0]?.suggestion).toBe('Rename it to "assistant".')
    expect(datasetErrorCodeSchema.options).toHaveLength(12)
  })

  it('bytes that are not UTF-8 are reported with their place, not turned into question marks', () => {
    const bytes = Buffer.concat([Buffer.from('{"messages":[{"role":"user","content":"\ufffd'), Buffer.from([0x93]), Buffer.from('"}]}')])
    const parsed = parseRowBytes(bytes)
    expect(parsed.kind === 'faulty' && parsed.faults[0]?.code).toBe('ENCODING_INVALID')
    expect(parsed.kind === 'faulty' && parsed.faults[0]?.message).toContain('byte 0x93 at position 43')
  })
})

describe('hostile rows', () => {
  it('deep nesting is refused before it costs memory', () => {
    const deep = `{"messages":${'['.repeat(200_000)}`
    const parsed = parseRowBytes(Buffer.from(deep))
    expect(parsed.kind === 'faulty' && parsed.faults[0]?.message).toContain('nests more than')
    expect(faultsOf(deep)).toEqual(['JSON_INVALID '])
  })

  it('__proto__ and constructor keys neither pollute prototypes nor count as turns', () => {
    const parsed = parseRow('{"__proto__":{"messages":[{"role":"user","content":"x"}]},"constructor":{"prototype":{"polluted":1}}}')
    expect(parsed.kind === 'faulty' && parsed.faults[0]?.code).toBe('SHAPE_UNKNOWN')
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
    expect(faultsOf('{"messages":[{"__proto__":{"role":"user","content":"x"}},{"role":"assistant","content":"A"}]}')).toEqual([
      'FIELD_MISSING /messages/0/role',
      'FIELD_MISSING /messages/0/content',
    ])
  })

  it('huge numbers and a million bad turns stay bounded', () => {
    expect(faultsOf(`{"messages":[{"role":"user","content":1e999},{"role":"assistant","content":"A"}]}`)).toEqual([
      'FIELD_TYPE /messages/0/content',
    ])
    expect(faultsOf(`{"messages":[${'0,'.repeat(999_999)}0]}`)).toHaveLength(100)
  })

  it('no JSON value makes the parser throw, and what it accepts survives its own canonical line', () => {
    const role = fc.constantFrom('system', 'user', 'assistant', 'tool', 'human', 3, null)
    const turn = fc.oneof(fc.record({ role, content: fc.oneof(fc.string(), fc.jsonValue()) }, { requiredKeys: [] }), fc.jsonValue())
    const key = fc.constantFrom('messages', 'turns', 'conversations', 'conversation_history')
    const row = fc.oneof(
      fc.jsonValue(),
      fc.tuple(key, fc.array(turn, { maxLength: 5 })).map(([name, turns]) => ({ [name]: turns })),
    )
    fc.assert(
      fc.property(row, (value) => {
        const parsed = parseRow(JSON.stringify(value))
        if (parsed.kind === 'faulty') return parsed.faults.length > 0
        if (parsed.kind === 'metadata') return true
        const again = parseRow(canonicalLine(parsed.messages))
        expect(again).toEqual({ ...parsed, shape: 'messages' })
        return true
      }),
      { numRuns: 500 },
    )
  })
})
