import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { ChatMessage, ColumnMapping, RowShape } from '../../../../../../preload/contract/datasets.ts'
import type { RowContent } from '../../../../../../main/features/datasets/engine/row-model.ts'
import { toTrainingLine } from '../../../../../../main/features/datasets/engine/training-line.ts'
import { createRowReader } from '../../../../../../main/features/datasets/engine/rows/row-reader.ts'
import { detectShape } from '../../../../../../main/features/datasets/engine/rows/shapes.ts'

const reader = createRowReader({ mapping: null })
const talk: ChatMessage[] = [
  { role: 'user', content: 'First?' },
  { role: 'assistant', content: 'One.' },
  { role: 'user', content: 'Second?' },
  { role: 'assistant', content: 'Two.' },
]
const system: ChatMessage = { role: 'system', content: 'Answer in one line.' }
const messages = [system, ...talk]
const names = { system: 'system', user: 'human', assistant: 'gpt', tool: 'observation' }
const pair = (question: string, answer: string): ChatMessage[] => [
  { role: 'user', content: question },
  { role: 'assistant', content: answer },
]

function contentOf(row: unknown, mapping: ColumnMapping | null = null): RowContent {
  const reading = (mapping === null ? reader : createRowReader({ mapping })).read(Buffer.from(JSON.stringify(row)))
  if (reading.content === null) throw new Error(reading.faults.map(({ message }) => message).join(' '))
  return reading.content
}

const same: readonly (readonly [RowShape, string, unknown, readonly ChatMessage[]])[] = [
  ['messages', 'OpenAI chat', { messages }, messages],
  ['messages', 'turns as JSON text', { messages: JSON.stringify(messages) }, messages],
  ['turns', 'the original upload', { conversation_id: 'x', turns: messages }, messages],
  ['conversations', 'role and content', { conversations: messages }, messages],
  ['sharegpt', 'from and value', { conversations: messages.map(({ role, content }) => ({ from: names[role], value: content })) }, messages],
  [
    'sharegpt',
    'a separate system text',
    { system: system.content, conversations: talk.map(({ role, content }) => ({ from: names[role], value: content })) },
    messages,
  ],
  [
    'sharegpt',
    'one entry per exchange',
    {
      system: system.content,
      conversation: [
        { human: 'First?', assistant: 'One.' },
        { human: 'Second?', assistant: 'Two.' },
      ],
    },
    messages,
  ],
  [
    'alpaca',
    'with a history',
    { instruction: 'Second?', input: '', output: 'Two.', system: system.content, history: [['First?', 'One.']] },
    messages,
  ],
  ['alpaca', 'with an input', { instruction: 'Sum up', input: 'Text', output: 'S' }, pair('Sum up\nText', 'S')],
  ['prompt_completion', 'texts', { prompt: 'First?', completion: 'One.' }, talk.slice(0, 2)],
  ['prompt_completion', 'turns', { prompt: messages.slice(0, 4), completion: messages.slice(4) }, messages],
  ['question_answer', 'question and answer', { question: 'First?', answer: 'One.' }, talk.slice(0, 2)],
  ['question_answer', 'query and response', { query: 'First?', response: 'One.' }, talk.slice(0, 2)],
  [
    'question_answer',
    'with a system prompt',
    { system_prompt: 'S', question: 'First?', response: 'One.' },
    [{ role: 'system', content: 'S' }, ...talk.slice(0, 2)],
  ],
  [
    'brightrun',
    'question also in the history',
    { system_prompt: system.content, conversation_history: talk.slice(0, 3), current_user_input: 'Second?', target_response: 'Two.' },
    messages,
  ],
  [
    'brightrun',
    'question not in the history',
    { system_prompt: system.content, conversation_history: talk.slice(0, 2), current_user_input: 'Second?', target_response: 'Two.' },
    messages,
  ],
  ['preference', 'chosen and rejected', { prompt: 'First?', chosen: 'One.', rejected: 'No.' }, talk.slice(0, 2)],
  [
    'preference',
    'whole conversations',
    { chosen: talk.slice(0, 2), rejected: [talk[0], { role: 'assistant', content: 'No.' }] },
    talk.slice(0, 2),
  ],
  [
    'preference',
    'dialogues as text',
    { chosen: '\n\nHuman: First?\n\nAssistant: One.', rejected: '\n\nHuman: First?\n\nAssistant: No.' },
    talk.slice(0, 2),
  ],
  [
    'preference',
    'OpenAI',
    {
      input: { messages: talk.slice(0, 1) },
      preferred_output: talk.slice(1, 2),
      non_preferred_output: [{ role: 'assistant', content: 'No.' }],
    },
    talk.slice(0, 2),
  ],
  [
    'preference',
    'LLaMA-Factory',
    {
      conversations: [{ from: 'human', value: 'First?' }],
      chosen: { from: 'gpt', value: 'One.' },
      rejected: { from: 'gpt', value: 'No.' },
    },
    talk.slice(0, 2),
  ],
]

describe('one conversation, whatever layout it is written in', () => {
  it.each(same)('%s, %s', (shape, _, row, expected) => {
    const content = contentOf(row)
    expect([content.shape, content.messages]).toEqual([shape, expected])
    expect(content.rejected).toEqual(shape === 'preference' ? [{ role: 'assistant', content: 'No.' }] : null)
    const finding = detectShape(row, null)
    expect(finding?.shape).toBe(shape)
    expect(finding?.evidence.length).toBeGreaterThan(10)
  })

  it('text rows and chosen columns are read', () => {
    expect(contentOf({ text: 'Long text' })).toMatchObject({ shape: 'text', text: 'Long text', messages: [] })
    const chat: ColumnMapping = { kind: 'chat', system: 'rules', user: 'ask/er', assistant: 'reply' }
    expect(contentOf({ rules: 'S', 'ask/er': 'Q', reply: 'A' }, chat)).toMatchObject({
      shape: 'mapped',
      messages: [{ role: 'system', content: 'S' }, ...pair('Q', 'A')],
    })
    expect(contentOf({ body: 'T' }, { kind: 'text', text: 'body' })).toMatchObject({ shape: 'mapped', text: 'T' })
    const missing = createRowReader({ mapping: chat }).read(Buffer.from('{"ask/er":"Q"}'))
    expect(missing.faults.map(({ pointer }) => pointer)).toEqual(['/reply'])
    expect(detectShape({ answers: 1 }, null)).toBeNull()
    expect(detectShape([1], null)).toBeNull()
  })

  it('the metadata line is neither usable nor faulty', () => {
    const reading = reader.read(Buffer.from('{"_meta":{"file_name":"x","total_pairs":3,"version":"4.0.0"}}'))
    expect([reading.isMetadata, reading.content, reading.faults]).toEqual([true, null, []])
  })

  it('the committed fixtures of every shape have only usable rows without faults', () => {
    for (const name of ['messages', 'turns', 'brightrun-v4', 'conversations', 'unicode']) {
      const lines = readFileSync(new URL(`../../../../../fixtures/datasets/${name}.jsonl`, import.meta.url), 'utf8').split('\n')
      const readings = lines
        .filter((line) => line.trim() !== '')
        .map((line) => {
          const { isMetadata, content, faults } = reader.read(Buffer.from(line))
          return { isGood: isMetadata || content !== null, faults: faults.filter(({ rule }) => rule !== 46 && rule !== 47) }
        })
      expect({ name, bad: readings.filter(({ isGood, faults }) => !isGood || faults.length > 0) }).toEqual({ name, bad: [] })
      expect(readings.length).toBeGreaterThan(5)
    }
  })
})

describe('nothing is lost on the way to a training row', () => {
  const calls = [{ id: 'c1', type: 'function', function: { name: 'weather', arguments: '{"city":"Zürich"}' } }]
  const tools = [{ type: 'function', function: { name: 'weather', description: 'd', parameters: { type: 'object', properties: {} } } }]
  it.each([
    ['<think> blocks', pair('Q', '<think>\nfirst, 2 < 3\n</think>\n\nA')],
    ['CJK', pair('日本語の質問', '中文回答，包含“引号”。한국어')],
    ['right to left', pair('שאלה\u200f?', 'جواب مع 123')],
    ['emoji', pair('👩🏽‍💻 🇳🇴', '👨‍👩‍👧‍👦 🏴󠁧󠁢󠁳󠁣󠁴󠁿 é e\u0301')],
    [
      'tool calls',
      [
        { role: 'user', content: 'Q' },
        { role: 'assistant', content: '', tool_calls: calls },
        { role: 'tool', content: '4 °C', tool_call_id: 'c1' },
        { role: 'assistant', content: 'Cold.' },
      ],
    ],
    [
      'weights, names and reasoning',
      [
        { role: 'user', content: 'Q', name: 'ann' },
        { role: 'assistant', content: 'A', reasoning_content: 'why', weight: 0 },
        { role: 'user', content: 'R' },
        { role: 'assistant', content: 'B' },
      ],
    ],
  ])('%s', (_, turns) => {
    const row = { messages: turns, tools }
    for (const text of [JSON.stringify(row), escapeAll(JSON.stringify(row))]) {
      const reading = reader.read(Buffer.from(text))
      expect(reading.content === null ? null : JSON.parse(toTrainingLine(reading.content) ?? 'null')).toEqual(row)
    }
  })

  it('calls of ShareGPT, of the older function_call and of typed parts become the same calls', () => {
    const expected = [
      { role: 'user', content: 'Q' },
      { role: 'assistant', content: '', toolCalls: [{ id: 'call_1', name: 'w', arguments: '{"x":1}' }] },
      { role: 'tool', content: '4', toolCallId: 'call_1' },
      { role: 'assistant', content: 'A' },
    ]
    const shareGpt = [
      ['human', 'Q'],
      ['function_call', '{"name":"w","arguments":{"x":1}}'],
      ['observation', '4'],
      ['gpt', 'A'],
    ].map(([from, value]) => ({ from, value }))
    const legacy = [
      expected[0],
      { role: 'assistant', content: null, function_call: { name: 'w', arguments: '{"x":1}' } },
      { role: 'function', content: '4' },
      expected[3],
    ]
    const parts = [
      { role: 'user', content: 'Q' },
      { role: 'assistant', content: [{ type: 'tool_use', id: 'call_1', name: 'w', input: { x: 1 } }] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'call_1', content: '4' }] },
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: 'hm' },
          { type: 'text', text: 'A' },
        ],
      },
    ]
    expect(contentOf({ conversations: shareGpt }).messages).toEqual(expected)
    expect(contentOf({ messages: legacy }).messages).toEqual(expected)
    expect(contentOf({ messages: parts }).messages).toEqual([...expected.slice(0, 3), { role: 'assistant', content: 'A', reasoning: 'hm' }])
  })
})

/** The form Python writes by default: everything outside ASCII as escapes. */
function escapeAll(json: string): string {
  return json.replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
