import fc from 'fast-check'
import type { ChatMessage } from '../../../../../../preload/contract/datasets.ts'
import type { RowContent } from '../../../../../../main/features/datasets/engine/row-model.ts'
import { createRowReader } from '../../../../../../main/features/datasets/engine/rows/row-reader.ts'

const reader = createRowReader({ mapping: null })

/** Reads one row of JSON the way the app does. */
export function readRow(json: string): { value: unknown; content: RowContent } {
  const { value, content, faults } = reader.read(Buffer.from(json))
  if (content === null) throw new Error(`unusable row ${json}: ${JSON.stringify(faults)}`)
  return { value, content }
}

/** A conversation as it would stand in the row model. */
export function conversation(messages: readonly ChatMessage[], changes: Partial<RowContent> = {}): RowContent {
  return { shape: 'turns', messages, rejected: null, text: null, tools: null, ...changes }
}

const words = fc.constantFrom(
  'Hello',
  'Ünïcode ✓',
  '你好，世界',
  'مرحبا',
  '👩‍👩‍👧 🇩🇪',
  '"quoted"\\n',
  '<think>\nhm\n</think>\n\n42',
  'line\nbreak\ttab',
  '{"a":1}',
)
/** Texts as rows hold them, never blank. */
export const textArbitrary = fc.oneof(
  words,
  fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' }).map((text) => `x${text}x`),
)

const callArbitrary = fc.record({
  id: fc.constantFrom('call_a', 'c-2', 'x'),
  name: fc.constantFrom('get_weather', 'search'),
  arguments: fc
    .dictionary(fc.constantFrom('city', 'n', 'ü'), fc.oneof(fc.string(), fc.integer(), fc.boolean()))
    .map((value) => JSON.stringify(value)),
})
const trained = fc.option(fc.constant({ isTrained: false }), { nil: {} })
const named = fc.option(fc.record({ name: fc.constantFrom('Ada', 'Bo') }), { nil: {} })

/** A question, or a call with its reply, followed by an answer. */
const exchangeArbitrary = (mayReason: boolean): fc.Arbitrary<ChatMessage[]> => {
  const answer: fc.Arbitrary<ChatMessage> = fc
    .tuple(textArbitrary, trained, named, mayReason ? fc.option(fc.record({ reasoning: textArbitrary }), { nil: {} }) : fc.constant({}))
    .map(([content, ...parts]) => Object.assign({ role: 'assistant' as const, content }, ...parts) as ChatMessage)
  const question: fc.Arbitrary<ChatMessage> = fc
    .tuple(textArbitrary, named)
    .map(([content, name]) => Object.assign({ role: 'user' as const, content }, name))
  const plain = fc.tuple(question, answer).map((turns): ChatMessage[] => turns)
  const called = fc
    .tuple(question, callArbitrary, textArbitrary, answer)
    .map(([ask, call, reply, last]): ChatMessage[] => [
      ask,
      { role: 'assistant', content: '', toolCalls: [call] },
      { role: 'tool', content: reply, toolCallId: call.id },
      last,
    ])
  return fc.oneof({ weight: 3, arbitrary: plain }, { weight: 1, arbitrary: called })
}

const toolsArbitrary = fc.constantFrom(null, [
  {
    type: 'function',
    function: { name: 'get_weather', description: 'd', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
  },
])

/** Conversations with tool calls, weights, names and, where wanted, separate reasoning; at least one answer is trained. */
export function conversationArbitrary(mayReason: boolean): fc.Arbitrary<RowContent> {
  return fc
    .tuple(
      fc.option(textArbitrary, { nil: null }),
      fc.array(exchangeArbitrary(mayReason), { minLength: 1, maxLength: 3 }),
      textArbitrary,
      textArbitrary,
      toolsArbitrary,
    )
    .map(([system, exchanges, question, answer, tools]) =>
      conversation(
        [
          ...(system === null ? [] : [{ role: 'system' as const, content: system }]),
          ...exchanges.flat(),
          { role: 'user', content: question },
          { role: 'assistant', content: answer },
        ],
        { tools },
      ),
    )
}

/** What must survive a conversion. */
export function essence(content: RowContent): unknown {
  return { messages: content.messages, rejected: content.rejected, text: content.text, tools: content.tools }
}
