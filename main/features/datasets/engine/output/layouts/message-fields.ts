import type { ChatMessage, ColumnMapping } from '../../../../../../preload/contract/datasets.ts'
import { layOut, type Segment } from '../../rows/layout.ts'
import type { RowContent } from '../../row-model.ts'

/** Fields of the row's own messages that the common form does not know, by message. */
export interface MessageFields {
  /** JSON texts by key for each message of `content.messages`. */
  readonly messages: readonly (readonly (readonly [string, string])[])[]
  readonly rejected: readonly (readonly (readonly [string, string])[])[]
}

type JsonObject = Readonly<Record<string, unknown>>

const knownKeys: ReadonlySet<string> = new Set([
  'role',
  'from',
  'content',
  'value',
  'name',
  'weight',
  'train',
  'tool_calls',
  'tool_call_id',
  'function_call',
  'reasoning',
  'reasoning_content',
  'thinking',
])
const none: readonly (readonly [string, string])[] = []

/** Finds the further fields of the messages; answers a reason when one of them has no place in the common form. */
export function readMessageFields(
  content: RowContent,
  value: unknown,
  mapping: ColumnMapping | null,
): MessageFields | { readonly refused: string } {
  if (!isObject(value)) return { messages: [], rejected: [] }
  const layout = layOut(value, content.shape, mapping)
  const messages = placeFields(itemsOf(layout.segments), content.messages)
  if ('refused' in messages) return messages
  const rejected = placeFields(itemsOf(layout.rejected ?? []), content.rejected ?? [])
  if ('refused' in rejected) return rejected
  return { messages: messages.fields, rejected: rejected.fields }
}

/** The row's own messages; a turn that stands in a column of its own has no further fields. */
function itemsOf(segments: readonly Segment[]): unknown[] {
  return segments.flatMap((segment): unknown[] => {
    if (segment.kind === 'turn') return [{ content: segment.content }]
    const list: unknown = typeof segment.list === 'string' ? parseList(segment.list) : segment.list
    return Array.isArray(list) ? (list as unknown[]) : []
  })
}

function parseList(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    // A list that cannot be read has no messages either; the reader has reported it.
    if (error instanceof SyntaxError) return null
    throw error
  }
}

interface Placed {
  readonly fields: readonly (readonly (readonly [string, string])[])[]
}

const noFields: Placed = { fields: [] }

/** Matches the row's messages with those of the common form; they differ where the reader left out or added a system text. */
function placeFields(raw: readonly unknown[], messages: readonly ChatMessage[]): Placed | { readonly refused: string } {
  if (raw.every(isPlainMessage)) return noFields
  const items = raw.filter(isObject)
  const fields: (readonly (readonly [string, string])[])[] = messages.map(() => none)
  const missing = messages.length - items.length
  const isAligned = missing === 0 || (missing === 1 && messages[0]?.role === 'system')
  let next = 0
  for (const [index, item] of items.entries()) {
    const text = item['content'] ?? item['value']
    if (Array.isArray(text) && !text.every(isPlainPart)) {
      return { refused: 'A message holds an image or another part that is not plain text.' }
    }
    const at = isAligned ? index + missing : messages.findIndex((message, place) => place >= next && isSame(message, text))
    if (at >= 0) next = at + 1
    const further = furtherKeys(item)
    if (further.length === 0) continue
    if (at < 0) return { refused: `The field "${further[0]?.[0] ?? ''}" of a message has no place in this layout.` }
    fields[at] = further
  }
  return { fields }
}

/** A role and a text, as almost all messages are. */
function isPlainMessage(item: unknown): boolean {
  if (!isObject(item)) return true
  for (const key in item) if (!knownKeys.has(key)) return false
  return !Array.isArray(item['content']) && !Array.isArray(item['value'])
}

function furtherKeys(message: JsonObject): readonly (readonly [string, string])[] {
  let further: (readonly [string, string])[] | null = null
  for (const key of Object.keys(message)) {
    if (!knownKeys.has(key)) (further ??= []).push([key, JSON.stringify(message[key])])
  }
  return further ?? none
}

function isSame(message: ChatMessage, text: unknown): boolean {
  if (typeof text === 'string') return text === message.content || text.trim() === message.content.trim() || message.toolCalls !== undefined
  if (Array.isArray(text)) return text.map((part) => (typeof part === 'string' ? part : textOf(part))).join('') === message.content
  return message.content === ''
}

function textOf(part: unknown): string {
  return isObject(part) && typeof part['text'] === 'string' ? part['text'] : ''
}

/** Parts that the reader understands, with what it takes from them; a signature means nothing outside its service. */
const partKeys: Readonly<Record<string, readonly string[]>> = {
  text: ['text'],
  refusal: ['refusal'],
  thinking: ['thinking', 'text', 'signature'],
  reasoning: ['thinking', 'text', 'signature'],
  tool_use: ['id', 'name', 'input'],
  tool_result: ['tool_use_id', 'content'],
}

function isPlainPart(part: unknown): boolean {
  if (typeof part === 'string') return true
  if (!isObject(part)) return false
  const type = typeof part['type'] === 'string' ? part['type'] : 'text'
  const keys = Object.hasOwn(partKeys, type) ? partKeys[type] : undefined
  if (keys === undefined || !Object.keys(part).every((key) => key === 'type' || keys.includes(key))) return false
  const inner = part['content']
  return type !== 'tool_result' || typeof inner === 'string' || (Array.isArray(inner) && inner.every(isPlainPart))
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
