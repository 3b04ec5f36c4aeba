import type { ChatMessage } from '../../../../../preload/contract/datasets.ts'
import type { RowContent } from '../row-model.ts'

/** One turn in OpenAI's format; `reasoning_content` is what chat templates read. */
export interface OpenAiTurn {
  role: string
  content: string
  name?: string
  reasoning_content?: string
  tool_calls?: { id: string; type: 'function'; function: { name: string; arguments: string } }[]
  tool_call_id?: string
  weight?: 0
}

/** A row to train on: OpenAI's chat format, or plain text for continued pre-training. */
export interface OpenAiRow {
  messages?: OpenAiTurn[]
  tools?: readonly unknown[]
  text?: string
}

/** Writes a row's content in OpenAI's format without losing any of it; a rejected answer is not part of it. */
export function toOpenAiRow(content: RowContent): OpenAiRow {
  if (content.text !== null) return { text: content.text }
  const row: OpenAiRow = { messages: content.messages.map(toOpenAiTurn) }
  if (content.tools !== null) row.tools = content.tools
  return row
}

/** Writes one turn in OpenAI's format. */
export function toOpenAiTurn(message: ChatMessage): OpenAiTurn {
  const turn: OpenAiTurn = { role: message.role, content: message.content }
  if (message.name !== undefined) turn.name = message.name
  if (message.reasoning !== undefined) turn.reasoning_content = message.reasoning
  if (message.toolCalls !== undefined) {
    turn.tool_calls = message.toolCalls.map((call) => ({
      id: call.id,
      type: 'function',
      function: { name: call.name, arguments: call.arguments },
    }))
  }
  if (message.toolCallId !== undefined) turn.tool_call_id = message.toolCallId
  if (message.isTrained === false) turn.weight = 0
  return turn
}
