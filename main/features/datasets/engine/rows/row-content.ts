import type { ChatMessage, ColumnMapping, RowShape } from '../../../../../preload/contract/datasets.ts'
import type { RowContent } from '../row-model.ts'
import { isJsonObject, ownValue, type JsonObject } from './faults.ts'
import { layOut, type Segment } from './layout.ts'
import { isCallWord, readRole } from './roles.ts'
import { parseJson } from './tool-check.ts'
import { isTurnTrained } from './turn-facts.ts'

type ToolCall = NonNullable<ChatMessage['toolCalls']>[number]
/** What is known while the turns of one row are read: calls without an id get a number. */
interface CallNames {
  count: number
  open: string[]
}

/** Builds the conversation of a row without errors; `isPlain` says that its turns need no rewriting. */
export function buildContent(row: JsonObject, shape: RowShape, mapping: ColumnMapping | null, isPlain = false): RowContent {
  // The checker saw that every turn is a role and a text, which is what a message is.
  if (isPlain && shape === 'messages' && row['tools'] === undefined) {
    return { shape, messages: row['messages'] as ChatMessage[], rejected: null, text: null, tools: null }
  }
  const layout = layOut(row, shape, mapping)
  const tools = layout.tools === null ? null : readTools(layout.tools.value)
  if (layout.text !== null) {
    const text = typeof layout.text.value === 'string' ? layout.text.value : ''
    return { shape, messages: [], rejected: null, text, tools }
  }
  const messages = messagesOf(layout.segments)
  if (layout.rejected === null) return { shape, messages, rejected: null, text: null, tools }
  return { shape, messages, rejected: withoutSharedStart(messagesOf(layout.rejected), messages), text: null, tools }
}

/** In pairs of whole conversations only what differs is the rejected answer. */
function withoutSharedStart(rejected: readonly ChatMessage[], chosen: readonly ChatMessage[]): ChatMessage[] {
  let shared = 0
  while (shared < rejected.length - 1 && JSON.stringify(rejected[shared]) === JSON.stringify(chosen[shared])) shared += 1
  return rejected.slice(shared)
}

function readTools(value: unknown): readonly unknown[] | null {
  const tools = typeof value === 'string' ? parseJson(value) : value
  return Array.isArray(tools) && tools.length > 0 ? tools : null
}

function messagesOf(segments: readonly Segment[]): ChatMessage[] {
  const messages: ChatMessage[] = []
  const names: CallNames = { count: 0, open: [] }
  for (const segment of segments) {
    if (segment.kind === 'turn') {
      const content = textOf(segment.content)
      if (segment.role !== 'system' || content.trim() !== '') messages.push({ role: segment.role, content })
      continue
    }
    const list = typeof segment.list === 'string' ? parseJson(segment.list) : segment.list
    if (Array.isArray(list))
      for (const turn of list as unknown[]) if (isJsonObject(turn)) pushTurn(turn, segment.isShareGpt, messages, names)
  }
  return messages
}

function pushTurn(turn: JsonObject, isShareGptList: boolean, messages: ChatMessage[], names: CallNames): void {
  const isShareGpt = !Object.hasOwn(turn, 'role') && (isShareGptList || Object.hasOwn(turn, 'from'))
  const word = ownValue(turn, isShareGpt ? 'from' : 'role')
  const reading = typeof word === 'string' ? readRole(word, isShareGpt) : null
  if (reading === null) return
  const { role } = reading
  const value = Object.hasOwn(turn, 'content') ? turn['content'] : ownValue(turn, 'value')
  for (const reply of toolResults(value)) messages.push(reply)
  const content = textOf(value)
  if (role === 'system' && content.trim() === '') return
  if (role === 'user' && content === '' && toolResults(value).length > 0) return
  const message: ChatMessage = { role, content }
  const name = ownValue(turn, 'name')
  if (typeof name === 'string' && name !== '') message.name = name
  if (role === 'tool') {
    const id = ownValue(turn, 'tool_call_id')
    const next = names.open.shift()
    if (typeof id === 'string') message.toolCallId = id
    else if (next !== undefined) message.toolCallId = next
  }
  if (role === 'assistant') addAnswerParts(message, turn, value, isShareGpt && isCallWord(word), names)
  messages.push(message)
}

function addAnswerParts(message: ChatMessage, turn: JsonObject, value: unknown, isCallText: boolean, names: CallNames): void {
  const reasoning = reasoningOf(turn, value)
  if (reasoning !== '') message.reasoning = reasoning
  const called = isCallText ? callsInText(message.content, names) : callsOf(turn, value, names)
  if (isCallText && called.length > 0) message.content = ''
  names.open = called.map((call) => call.id)
  if (called.length > 0) message.toolCalls = called
  if (!isTurnTrained(turn)) message.isTrained = false
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  if (!Array.isArray(value)) return ''
  let text = ''
  for (const part of value as unknown[]) {
    if (typeof part === 'string') text += part
    else if (isJsonObject(part) && part['type'] !== 'thinking' && part['type'] !== 'reasoning') {
      const own = ownValue(part, 'text') ?? ownValue(part, 'refusal')
      if (typeof own === 'string') text += own
    }
  }
  return text
}

function reasoningOf(turn: JsonObject, value: unknown): string {
  for (const key of ['reasoning_content', 'reasoning', 'thinking']) {
    const own = ownValue(turn, key)
    if (typeof own === 'string' && own !== '') return own
  }
  if (!Array.isArray(value)) return ''
  return (value as unknown[])
    .flatMap((part) => {
      const own =
        isJsonObject(part) && (part['type'] === 'thinking' || part['type'] === 'reasoning') ? (part['thinking'] ?? part['text']) : undefined
      return typeof own === 'string' ? [own] : []
    })
    .join('')
}

function callsOf(turn: JsonObject, value: unknown, names: CallNames): ToolCall[] {
  const calls = ownValue(turn, 'tool_calls')
  const legacy = ownValue(turn, 'function_call')
  const parts = Array.isArray(value) ? (value as unknown[]).filter((part) => isJsonObject(part) && part['type'] === 'tool_use') : []
  const all = [...(isJsonObject(legacy) ? [legacy] : []), ...(Array.isArray(calls) ? (calls as unknown[]) : []), ...parts]
  return all.flatMap((call) => (isJsonObject(call) ? [readCall(call, names)] : []))
}

function readCall(call: JsonObject, names: CallNames): ToolCall {
  const inner = ownValue(call, 'function')
  const definition = isJsonObject(inner) ? inner : call
  const given = ownValue(definition, 'arguments') ?? ownValue(definition, 'input') ?? ownValue(definition, 'parameters')
  const id = ownValue(call, 'id')
  const name = ownValue(definition, 'name')
  names.count += 1
  return {
    id: typeof id === 'string' && id !== '' ? id : `call_${names.count}`,
    name: typeof name === 'string' ? name : '',
    arguments: typeof given === 'string' ? given : JSON.stringify(given ?? {}),
  }
}

function callsInText(text: string, names: CallNames): ToolCall[] {
  const parsed = parseJson(text)
  const calls = Array.isArray(parsed) ? (parsed as unknown[]) : [parsed]
  return calls.flatMap((call) =>
    isJsonObject(call) && typeof (ownValue(call, 'name') ?? ownValue(call, 'function')) !== 'undefined' ? [readCall(call, names)] : [],
  )
}

/** Replies of tools that stand as parts in a user turn, as in Anthropic's format. */
function toolResults(value: unknown): ChatMessage[] {
  if (!Array.isArray(value)) return []
  return (value as unknown[]).flatMap((part): ChatMessage[] => {
    if (!isJsonObject(part) || part['type'] !== 'tool_result') return []
    const id = ownValue(part, 'tool_use_id')
    const reply: ChatMessage = { role: 'tool', content: textOf(ownValue(part, 'content')) }
    if (typeof id === 'string') reply.toolCallId = id
    return [reply]
  })
}
