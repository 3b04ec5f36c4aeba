import type { ChatMessage } from '../../../../../../preload/contract/datasets.ts'
import type { RowContent } from '../../row-model.ts'
import { furtherFields } from './further-fields.ts'
import { jsonList, jsonMessage, jsonObject, jsonOf, type LayoutContext, type LayoutRow } from './layout-row.ts'
import type { MessageFields } from './message-fields.ts'
import { preferenceProblem } from './preference-answers.ts'

/** OpenAI chat rows; preference rows take OpenAI's own form of them. */
export function toOpenAi(content: RowContent, value: unknown, context: LayoutContext, fields: MessageFields): LayoutRow {
  if (content.text !== null) return { refused: 'OpenAI rows are conversations; this row is plain text.' }
  const messages = content.messages.map((message, index) => openAiMessage(message, fields.messages[index] ?? []))
  const tools: [string, string | undefined] = ['tools', jsonOf(content.tools ?? undefined)]
  if (content.rejected === null) {
    const further = furtherFields(content, value, context, ['messages', 'tools'])
    return { json: jsonObject([['messages', jsonList(messages)], tools, ...further]), part: 'conversations' }
  }
  const problem = preferenceProblem(content)
  if (problem !== null) return { refused: problem }
  const rejected = content.rejected.map((message, index) => openAiMessage(message, fields.rejected[index] ?? []))
  const further = furtherFields(content, value, context, ['input', 'preferred_output', 'non_preferred_output'])
  return {
    json: jsonObject([
      ['input', jsonObject([['messages', jsonList(messages.slice(0, -1))], tools])],
      ['preferred_output', jsonList(messages.slice(-1))],
      ['non_preferred_output', jsonList(rejected)],
      ...further,
    ]),
    part: 'preference',
  }
}

/** One message as OpenAI writes it; reasoning stands under `reasoning_content`, as DeepSeek and Qwen have it. */
export function openAiMessage(message: ChatMessage, further: readonly (readonly [string, string])[]): string {
  return jsonMessage(
    ['role', message.role],
    ['content', message.content],
    isPlain(message, further)
      ? []
      : [
          ['name', jsonOf(message.name)],
          ['reasoning_content', jsonOf(message.reasoning)],
          ['tool_calls', openAiToolCalls(message)],
          ['tool_call_id', jsonOf(message.toolCallId)],
          ['weight', weightOf(message)],
          ...further,
        ],
  )
}

/** True for a message that is a role and a text, as almost all are. */
export function isPlain(message: ChatMessage, further: readonly unknown[]): boolean {
  return (
    further.length === 0 &&
    message.name === undefined &&
    message.reasoning === undefined &&
    message.toolCalls === undefined &&
    message.toolCallId === undefined &&
    message.isTrained === undefined
  )
}

/** JSON text of a message's tool calls in OpenAI's form. */
export function openAiToolCalls(message: ChatMessage): string | undefined {
  if (message.toolCalls === undefined) return undefined
  return JSON.stringify(
    message.toolCalls.map((call) => ({ id: call.id, type: 'function', function: { name: call.name, arguments: call.arguments } })),
  )
}

/** JSON text of a message's weight; absent where the row said nothing. */
export function weightOf(message: ChatMessage): string | undefined {
  if (message.isTrained === undefined) return undefined
  return message.isTrained ? '1' : '0'
}
