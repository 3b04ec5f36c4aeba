import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ExportLayout } from '../../../../../../preload/contract/datasets.ts'
import { toLayout } from '../../../../../../main/features/datasets/engine/output/layouts/to-layout.ts'
import type { RowContent } from '../../../../../../main/features/datasets/engine/row-model.ts'
import { conversation, conversationArbitrary, essence, readRow, textArbitrary } from './conversations.ts'

function write(content: RowContent, layout: ExportLayout, value: unknown = {}): string {
  const written = toLayout(content, value, layout)
  if ('refused' in written) throw new Error(written.refused)
  return written.json
}

function refusal(content: RowContent, layout: ExportLayout, value: unknown = {}): string | null {
  const written = toLayout(content, value, layout)
  return 'refused' in written ? written.refused : null
}

/** Writes a row from its JSON, with its own text at hand as in an export. */
function rewrite(json: string, layout: ExportLayout): string {
  const { value, content } = readRow(json)
  const written = toLayout(content, value, layout, { mapping: null, source: () => json })
  if ('refused' in written) throw new Error(written.refused)
  return written.json
}

function throughLayouts(content: RowContent, layouts: readonly ExportLayout[]): RowContent {
  let json = write(content, layouts[0] ?? 'openai')
  for (const layout of layouts.slice(1)) json = rewrite(json, layout)
  return readRow(json).content
}

describe('layouts that promise to lose nothing', () => {
  for (const layouts of [
    ['openai'],
    ['sharegpt'],
    ['openai', 'sharegpt'],
    ['sharegpt', 'openai'],
    ['openai', 'sharegpt', 'openai'],
  ] as const) {
    it(`${layouts.join(' → ')} keeps tool calls, thoughts, weights, names and tools`, () => {
      fc.assert(
        fc.property(conversationArbitrary(true), (content) => {
          expect(essence(throughLayouts(content, layouts))).toEqual(essence(content))
        }),
        { seed: 11, numRuns: 150 },
      )
    })
  }
  for (const layouts of [
    ['llama_factory'],
    ['openai', 'llama_factory', 'openai'],
    ['llama_factory', 'sharegpt'],
    ['sharegpt', 'llama_factory', 'openai'],
  ] as const) {
    it(`${layouts.join(' → ')} keeps tool calls, weights, names and tools`, () => {
      fc.assert(
        fc.property(conversationArbitrary(false), (content) => {
          expect(essence(throughLayouts(content, layouts))).toEqual(essence(content))
        }),
        { seed: 12, numRuns: 150 },
      )
    })
  }

  it('alpaca keeps the turns, in history where there are several', () => {
    const texts = fc.tuple(
      fc.option(textArbitrary, { nil: null }),
      fc.array(fc.tuple(textArbitrary, textArbitrary), { minLength: 1, maxLength: 4 }),
    )
    fc.assert(
      fc.property(texts, ([system, pairs]) => {
        const content = conversation([
          ...(system === null ? [] : [{ role: 'system' as const, content: system }]),
          ...pairs.flatMap(([user, assistant]) => [
            { role: 'user' as const, content: user },
            { role: 'assistant' as const, content: assistant },
          ]),
        ])
        expect(essence(throughLayouts(content, ['alpaca']))).toEqual(essence(content))
        expect(essence(throughLayouts(content, ['openai', 'alpaca', 'sharegpt']))).toEqual(essence(content))
      }),
      { seed: 13, numRuns: 100 },
    )
  })

  it('prompt/completion keeps one question and one answer', () => {
    fc.assert(
      fc.property(textArbitrary, textArbitrary, (user, assistant) => {
        const content = conversation([
          { role: 'user', content: user },
          { role: 'assistant', content: assistant },
        ])
        expect(essence(throughLayouts(content, ['prompt_completion', 'openai', 'prompt_completion']))).toEqual(essence(content))
      }),
      { seed: 14, numRuns: 100 },
    )
  })

  it('preference pairs survive OpenAI, ShareGPT and LLaMA-Factory', () => {
    const json =
      '{"prompt":[{"role":"user","content":"Q"}],"chosen":[{"role":"assistant","content":"A"}],"rejected":[{"role":"assistant","content":"B"}],"score":1.0}'
    const { content } = readRow(json)
    for (const layout of ['openai', 'sharegpt', 'llama_factory'] as const) {
      const written = rewrite(json, layout)
      expect(written).toContain('"score":1.0')
      expect(essence(readRow(written).content)).toEqual(essence(content))
    }
  })
})

describe('toLayout', () => {
  it('puts separate reasoning between think tags where a turn has one text', () => {
    const content = conversation([
      { role: 'user', content: 'Q' },
      { role: 'assistant', content: 'A', reasoning: 'R' },
    ])
    expect(JSON.parse(write(content, 'alpaca'))).toEqual({ instruction: 'Q', input: '', output: '<think>\nR\n</think>\n\nA' })
    expect(JSON.parse(write(content, 'llama_factory'))).toEqual({
      conversations: [
        { from: 'human', value: 'Q' },
        { from: 'gpt', value: '<think>\nR\n</think>\n\nA' },
      ],
    })
  })

  it('writes a call as a function_call turn with its arguments letter by letter', () => {
    const content = conversation([
      { role: 'user', content: 'Q' },
      { role: 'assistant', content: '', toolCalls: [{ id: 'c', name: 'f', arguments: '{ "n": 12345678901234567890.0 }' }] },
      { role: 'tool', content: 'R', toolCallId: 'c' },
      { role: 'assistant', content: 'A' },
    ])
    const turns = (JSON.parse(write(content, 'llama_factory')) as { conversations: { from: string; value: string }[] }).conversations
    expect(turns.map((turn) => turn.from)).toEqual(['human', 'function_call', 'observation', 'gpt'])
    expect(turns[1]?.value).toBe('{"name":"f","arguments":{ "n": 12345678901234567890.0 },"id":"c"}')
  })

  it('copies further fields letter by letter, numbers and all', () => {
    const json =
      '{ "id" : 12345678901234567890, "question":"Q", "score": 1.0, "nested":{"b" : [1.50, "\\u00e9"]}, "answer":"A", "__proto__":{"x":1} }'
    const written = rewrite(json, 'openai')
    expect(written).toContain('"id":12345678901234567890')
    expect(written).toContain('"score":1.0')
    expect(written).toContain('"nested":{"b" : [1.50, "\\u00e9"]}')
    expect(written).toContain('"__proto__":{"x":1}')
    expect(readRow(written).content.messages).toEqual(readRow(json).content.messages)
  })

  it('renames a further field that the layout needs for itself instead of losing it', () => {
    expect(JSON.parse(rewrite('{"instruction":"I","output":"O","prompt":"P","original_prompt":"X"}', 'prompt_completion'))).toEqual({
      prompt: 'I',
      completion: 'O',
      original_original_prompt: 'P',
      original_prompt: 'X',
    })
  })

  it('does not repeat the columns that became the conversation', () => {
    expect(JSON.parse(rewrite('{"instruction":"I","input":"","output":"O","system":"","history":[],"id":7}', 'openai'))).toEqual({
      messages: [
        { role: 'user', content: 'I' },
        { role: 'assistant', content: 'O' },
      ],
      id: 7,
    })
    const mapped = toLayout(
      conversation(
        [
          { role: 'user', content: 'a' },
          { role: 'assistant', content: 'b' },
        ],
        { shape: 'mapped' },
      ),
      { frage: 'a', antwort: 'b', nr: 3 },
      'openai',
      { mapping: { kind: 'chat', system: null, user: 'frage', assistant: 'antwort' }, source: null },
    )
    expect('json' in mapped && Object.keys(JSON.parse(mapped.json) as object)).toEqual(['messages', 'nr'])
  })

  it('keeps further fields of single messages at their message', () => {
    const json =
      '{"messages":[{"role":"user","content":"ok"},{"role":"assistant","content":"ok","rating":5},{"role":"user","content":"Q"},{"role":"assistant","content":"A"}]}'
    expect(JSON.parse(rewrite(json, 'sharegpt'))).toMatchObject({ conversations: [{}, { value: 'ok', rating: 5 }, {}, {}] })
    expect(() => rewrite(json, 'alpaca')).toThrow(/no place for the field "rating"/)
  })

  it('leaves a row that is in the layout already as it is, on one line', () => {
    const json = '{"messages":[{"role":"user","content":"Q"},\n  {"role":"assistant","content":"A"}], "n":1.0}'
    expect(rewrite(json, 'openai')).toBe(json.replace('\n', ' '))
  })

  it('turns ShareGPT’s other list into the usual one', () => {
    const json = '{"conversation":[{"human":"Q","assistant":"A"}]}'
    expect(JSON.parse(rewrite(json, 'sharegpt'))).toEqual({
      conversations: [
        { from: 'human', value: 'Q' },
        { from: 'gpt', value: 'A' },
      ],
    })
  })

  it('refuses what a layout would lose, and says why', () => {
    const user = { role: 'user' as const, content: 'Q' }
    const assistant = { role: 'assistant' as const, content: 'A' }
    const call = { ...assistant, content: '', toolCalls: [{ id: 'c', name: 'f', arguments: '{}' }] }
    const reply = { role: 'tool' as const, content: 'R', toolCallId: 'c' }
    const text = conversation([], { shape: 'text', text: 'T' })
    const pair = conversation([user, assistant], { shape: 'preference', rejected: [assistant] })
    const cases: readonly (readonly [RowContent, ExportLayout, RegExp])[] = [
      [conversation([user, assistant], { tools: [{}] }), 'alpaca', /tool definitions/],
      [conversation([user, call, reply, assistant]), 'alpaca', /tool calls/],
      [conversation([user, { ...assistant, isTrained: false }, user, assistant]), 'alpaca', /not to be learnt/],
      [conversation([user, user, assistant]), 'alpaca', /take turns/],
      [conversation([{ ...user, name: 'Ada' }, assistant]), 'prompt_completion', /names/],
      [conversation([user, assistant, user, assistant]), 'prompt_completion', /one question/],
      [conversation([{ role: 'system', content: 'S' }, user, assistant]), 'prompt_completion', /system/],
      [pair, 'prompt_completion', /preferred/],
      [pair, 'parquet_messages', /preferred/],
      [text, 'openai', /plain text/],
      [text, 'sharegpt', /plain text/],
      [text, 'alpaca', /plain text/],
      [text, 'prompt_completion', /plain text/],
      [text, 'parquet_messages', /plain text/],
      [conversation([user, { ...assistant, content: '\ud83d' }]), 'parquet_messages', /half a character/],
      [conversation([user, user, assistant]), 'llama_factory', /take turns/],
      [conversation([user, assistant, user]), 'llama_factory', /answer at the end/],
      [conversation([user, { ...call, content: 'text' }, reply, assistant]), 'llama_factory', /next to a tool call/],
    ]
    for (const [content, layout, reason] of cases) expect(refusal(content, layout), layout).toMatch(reason)
  })

  it('refuses a message with an image rather than dropping the image', () => {
    const content = conversation([
      { role: 'user', content: 'Look' },
      { role: 'assistant', content: 'A' },
    ])
    const value = {
      turns: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Look' },
            { type: 'image_url', image_url: { url: 'x' } },
          ],
        },
        { role: 'assistant', content: 'A' },
      ],
    }
    expect(refusal(content, 'openai', value)).toMatch(/image/)
  })

  it('writes plain text rows for LLaMA-Factory as a part of their own', () => {
    expect(toLayout(conversation([], { shape: 'text', text: 'T' }), { text: 'T', id: 1 }, 'llama_factory')).toEqual({
      json: '{"text":"T","id":1}',
      part: 'text',
    })
  })
})
