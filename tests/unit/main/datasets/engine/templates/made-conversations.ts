import fc from 'fast-check'
import type { ChatMessage } from '../../../../../../preload/contract/datasets.ts'
import type { RowContent } from '../../../../../../main/features/datasets/engine/row-model.ts'

/** Wraps messages as a row. */
export function chatRow(messages: readonly ChatMessage[], tools: readonly unknown[] | null = null): RowContent {
  return { shape: 'messages', messages, rejected: null, text: null, tools }
}

const troublesome = [
  '\n',
  '\n\n',
  ' ',
  '\t',
  '\r\n',
  '  \n ',
  '\u0085',
  '\u00a0',
  '\ufeff',
  '\u001c',
  '\u3000',
  '\u2028',
  '<think>',
  '</think>',
  '<think>\n',
  '\n</think>\n\n',
  '<|im_end|>',
  '<|im_start|>',
  '<|eot_id|>',
  '<end_of_turn>\n',
  '<｜end▁of▁sentence｜>',
  '<|channel|>',
  '<tool_response>',
  '</tool_response>',
  '</s>',
  '[INST]',
  '▁',
  '😀',
  '👩‍🔬',
  '🇬🇧',
  '世界',
  'こんにちは',
  'العربية',
  'e\u0301',
  '\u0301',
  '\u0338',
  '각',
  'Straße',
  "don't",
  '12345',
  'for (let i = 0; i < n; i++) {\n    total += i\n}',
  '### Answer',
  '...',
  'Hello',
  ' there',
  'a',
]
const piece = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...troublesome) },
  { weight: 2, arbitrary: fc.constantFrom('The quick brown fox', ' jumps over', ' the lazy dog.', ' It costs 12.50', ' — fine') },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 12 }) },
)
/** Texts with what makes tokenizers and templates stumble, often at their edges. */
export const anyText = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''))

const exchange = fc.record({
  user: anyText,
  assistant: anyText,
  reasoning: fc.option(anyText, { freq: 5 }),
  isTrained: fc.option(fc.boolean(), { freq: 5 }),
})

function answerOf(text: string, reasoning: string | null, isTrained: boolean | null): ChatMessage {
  return {
    role: 'assistant',
    content: text,
    ...(reasoning === null ? {} : { reasoning }),
    ...(isTrained === null ? {} : { isTrained }),
  }
}

/** Conversations of the usual order: perhaps a system text, then questions and answers. */
export const plainConversation = fc
  .record({
    system: fc.option(anyText, { freq: 2 }),
    exchanges: fc.array(exchange, { minLength: 1, maxLength: 4 }),
    endsWithQuestion: fc.option(anyText, { freq: 8 }),
  })
  .map(({ system, exchanges, endsWithQuestion }) => {
    const messages: ChatMessage[] = system === null ? [] : [{ role: 'system', content: system }]
    for (const { user, assistant, reasoning, isTrained } of exchanges) {
      messages.push({ role: 'user', content: user }, answerOf(assistant, reasoning, isTrained))
    }
    if (endsWithQuestion !== null) messages.push({ role: 'user', content: endsWithQuestion })
    return chatRow(messages)
  })

const toolExchange = fc
  .record({ user: anyText, before: anyText, argument: anyText, reply: anyText, answer: anyText })
  .map(({ user, before, argument, reply, answer }): ChatMessage[] => [
    { role: 'user', content: user },
    {
      role: 'assistant',
      content: before,
      toolCalls: [{ id: 'call00001', name: 'look_up', arguments: JSON.stringify({ text: argument, count: 3 }) }],
    },
    { role: 'tool', content: reply, toolCallId: 'call00001' },
    { role: 'assistant', content: answer },
  ])

/** Conversations in any order of roles, some with tool calls. */
export const oddConversation = fc.oneof(
  toolExchange.map((messages) => chatRow(messages)),
  fc
    .array(fc.record({ role: fc.constantFrom('system' as const, 'user' as const, 'assistant' as const), content: anyText }), {
      minLength: 1,
      maxLength: 5,
    })
    .map((messages) => chatRow(messages)),
)
