import type { ChatMessage } from '../../../../../../preload/contract/datasets.ts'
import { assertNever } from '../../../../../lib/assert-never.ts'
import type { RowContent } from '../../row-model.ts'
import { furtherFields } from './further-fields.ts'
import { jsonList, jsonMessage, jsonObject, jsonOf, type LayoutContext, type LayoutRow } from './layout-row.ts'
import type { MessageFields } from './message-fields.ts'
import { isPlain, openAiToolCalls, weightOf } from './openai.ts'
import { preferenceProblem } from './preference-answers.ts'

const layoutKeys = ['conversations', 'tools', 'system', 'chosen', 'rejected']

/** ShareGPT rows; what its turns have no word for stands under OpenAI's key next to `from` and `value`. */
export function toShareGpt(content: RowContent, value: unknown, context: LayoutContext, fields: MessageFields): LayoutRow {
  if (content.text !== null) return { refused: 'ShareGPT rows are conversations; this row is plain text.' }
  const turns = content.messages.map((message, index) => shareGptTurn(message, fields.messages[index] ?? []))
  return shareGptRow(content, turns, furtherFields(content, value, context, layoutKeys), fields)
}

/** Puts turns together to a row; the two answers of a preference row stand beside the conversation, as LLaMA-Factory reads them. */
export function shareGptRow(
  content: RowContent,
  turns: readonly string[],
  further: readonly (readonly [string, string])[],
  fields: MessageFields,
): LayoutRow {
  const tools: [string, string | undefined] = ['tools', content.tools === null ? undefined : JSON.stringify(JSON.stringify(content.tools))]
  if (content.rejected === null) {
    return { json: jsonObject([['conversations', jsonList(turns)], tools, ...further]), part: 'conversations' }
  }
  const problem = preferenceProblem(content)
  if (problem !== null) return { refused: problem }
  const rejected = content.rejected.map((message, index) => shareGptTurn(message, fields.rejected[index] ?? []))
  return {
    json: jsonObject([
      ['conversations', jsonList(turns.slice(0, -1))],
      ['chosen', turns.at(-1)],
      ['rejected', rejected[0]],
      tools,
      ...further,
    ]),
    part: 'preference',
  }
}

/** One turn; an assistant turn that only calls tools becomes a `function_call` turn whose value is the call as JSON. */
export function shareGptTurn(message: ChatMessage, further: readonly (readonly [string, string])[]): string {
  if (isPlain(message, further)) return jsonMessage(['from', speakerOf(message.role)], ['value', message.content], [])
  const calls = message.toolCalls ?? []
  const isCallOnly = message.role === 'assistant' && calls.length > 0 && message.content === ''
  const speaker = isCallOnly ? 'function_call' : speakerOf(message.role)
  return jsonMessage(
    ['from', speaker],
    ['value', isCallOnly ? callValue(message) : message.content],
    [
      ['name', jsonOf(message.name)],
      ['reasoning_content', jsonOf(message.reasoning)],
      ['tool_calls', isCallOnly ? undefined : openAiToolCalls(message)],
      ['tool_call_id', jsonOf(message.toolCallId)],
      ['weight', weightOf(message)],
      ...further,
    ],
  )
}

function speakerOf(role: ChatMessage['role']): string {
  switch (role) {
    case 'system':
      return 'system'
    case 'user':
      return 'human'
    case 'assistant':
      return 'gpt'
    case 'tool':
      return 'observation'
    default:
      return assertNever(role)
  }
}

/** The calls as JSON text: one object, or a list of several. */
function callValue(message: ChatMessage): string {
  const calls = (message.toolCalls ?? []).map((call) =>
    jsonObject([
      ['name', JSON.stringify(call.name)],
      ['arguments', argumentsJson(call.arguments)],
      ['id', call.id === '' ? undefined : JSON.stringify(call.id)],
    ]),
  )
  return calls.length === 1 ? (calls[0] ?? '') : jsonList(calls)
}

/** Arguments stand as JSON inside the call, letter by letter; text that is not a JSON object stays text. */
function argumentsJson(text: string): string {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return text
  } catch {
    return JSON.stringify(text)
  }
  return JSON.stringify(text)
}
