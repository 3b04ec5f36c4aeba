import { isUtf8 } from 'node:buffer'
import type { ChatMessage, DatasetShape } from '../../../preload/contract/datasets.ts'
import { explainJson } from './explain-json.ts'
import { createFaultList, describeValue, quoteShort, type Fault, type FaultList } from './faults.ts'
import { checkRoleOrder } from './role-order.ts'
import { readBrightrunRow } from './shapes/brightrun.ts'
import { readConversationsRow } from './shapes/conversations.ts'
import { readMessagesRow } from './shapes/messages.ts'
import { isJsonObject, type JsonObject, type LocatedTurn } from './shapes/turn-list.ts'
import { readTurnsRow } from './shapes/turns.ts'

/** A shape one single row can have. */
export type RowShape = Exclude<DatasetShape, 'mixed'>

/** What one line turned out to be. */
export type ParsedRow =
  | { readonly kind: 'metadata' }
  | { readonly kind: 'conversation'; readonly shape: RowShape; readonly messages: readonly ChatMessage[] }
  | { readonly kind: 'faulty'; readonly shape: RowShape | null; readonly faults: readonly Fault[] }

/** The longest row that is read. */
export const maxRowBytes = 32 * 1024 * 1024
/** Real rows nest a handful of levels; a deep one only costs memory. */
const maxDepth = 200
const depthCheckedFromBytes = 64 * 1024

const readers: Readonly<Record<RowShape, { listPointer: string; read(row: JsonObject, faults: FaultList): LocatedTurn[] }>> = {
  messages: { listPointer: '/messages', read: readMessagesRow },
  brightrun: { listPointer: '', read: readBrightrunRow },
  turns: { listPointer: '/turns', read: readTurnsRow },
  conversations: { listPointer: '/conversations', read: readConversationsRow },
}

/** Reads the bytes of one line; wrong encoding is reported, never replaced by question marks. */
export function parseRowBytes(bytes: Buffer): ParsedRow {
  if (!isUtf8(bytes)) return faulty(null, encodingFault(bytes))
  if (bytes.length > depthCheckedFromBytes && nestsDeeperThan(bytes, maxDepth)) {
    return faulty(null, {
      pointer: '',
      code: 'JSON_INVALID',
      message: `The line nests more than ${maxDepth} levels of brackets.`,
      suggestion: 'Remove the deeply nested value; a conversation needs only three levels.',
    })
  }
  return parseRow(bytes.toString('utf8'))
}

/** Reads one line of text as a conversation in any known shape. */
export function parseRow(text: string): ParsedRow {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return faulty(null, jsonFault(text))
  }
  if (!isJsonObject(value)) return faulty(null, notObjectFault(value))
  const shape = shapeOf(value)
  if (shape === null) return Object.hasOwn(value, '_meta') ? { kind: 'metadata' } : faulty(null, unknownShapeFault(value))
  const reader = readers[shape]
  const list = createFaultList()
  const turns = reader.read(value, list)
  const rolesKnown = turns.length > 0 && turns.every((turn) => turn.role !== null)
  if (rolesKnown && !list.faults.some((fault) => fault.code === 'ASSISTANT_MISSING')) checkRoleOrder(turns, reader.listPointer, list)
  if (list.faults.length === 0 && turns.length === 0) checkRoleOrder(turns, reader.listPointer, list)
  if (mayHoldLoneSurrogates(text)) reportLoneSurrogates(turns, list)
  if (list.faults.length > 0) return { kind: 'faulty', shape, faults: list.faults }
  return { kind: 'conversation', shape, messages: turns.flatMap(({ role, content }) => (role === null ? [] : [{ role, content }])) }
}

/** The one text of a conversation that is hashed, compared and trained on. */
export function canonicalLine(messages: readonly ChatMessage[]): string {
  return JSON.stringify({ messages: messages.map(({ role, content }) => ({ role, content })) })
}

/** Which of the known shapes an object has, by its own keys. */
export function shapeOf(row: JsonObject): RowShape | null {
  if (Object.hasOwn(row, 'messages')) return 'messages'
  if (Object.hasOwn(row, 'target_response') || Object.hasOwn(row, 'conversation_history') || Object.hasOwn(row, 'current_user_input')) {
    return 'brightrun'
  }
  if (Object.hasOwn(row, 'turns')) return 'turns'
  return Object.hasOwn(row, 'conversations') ? 'conversations' : null
}

function faulty(shape: RowShape | null, fault: Fault): ParsedRow {
  return { kind: 'faulty', shape, faults: [fault] }
}

function jsonFault(text: string): Fault {
  const { position, message, suggestion } = explainJson(text)
  const near = text.slice(Math.max(0, position - 20), position + 20)
  return {
    pointer: '',
    code: 'JSON_INVALID',
    message: `The line is not valid JSON: ${message} (character ${position + 1}, near ${quoteShort(near)}).`,
    suggestion,
  }
}

function notObjectFault(value: unknown): Fault {
  return {
    pointer: '',
    code: 'ROW_NOT_OBJECT',
    message: `The line must be an object in curly brackets; got ${describeValue(value)}.`,
    suggestion: Array.isArray(value)
      ? 'If the line holds several conversations, put each on a line of its own without the square brackets.'
      : 'Write one conversation per line as {"messages": […]}.',
  }
}

/** Shapes other tools use; naming them tells the user what to convert. */
const foreignShapes: readonly (readonly [key: string, name: string])[] = [
  ['instruction', 'Alpaca (instruction and output)'],
  ['chosen', 'preference pairs (chosen and rejected)'],
  ['prompt', 'prompt and completion'],
  ['question', 'question and answer'],
  ['text', 'plain text'],
  ['training_pairs', 'an enriched conversation file'],
]

function unknownShapeFault(row: JsonObject): Fault {
  const keys = Object.keys(row)
  const foreign = foreignShapes.find(([key]) => Object.hasOwn(row, key))
  const named = keys
    .slice(0, 6)
    .map((key) => quoteShort(key, 24))
    .join(', ')
  return {
    pointer: '',
    code: 'SHAPE_UNKNOWN',
    message:
      keys.length === 0
        ? 'The line is an empty object.'
        : `The line holds ${named}${keys.length > 6 ? ' and more' : ''}; expected "messages", "turns", "conversations" or a BrightRun line.${
            foreign === undefined ? '' : ` It looks like ${foreign[1]}.`
          }`,
    suggestion: 'Convert the line to {"messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}.',
  }
}

const replacementBytes = Buffer.from('\ufffd')

function encodingFault(bytes: Buffer): Fault {
  const text = bytes.toString('utf8')
  let offset = 0
  // A replacement character that is really in the file is not the fault.
  for (let index = text.indexOf('\ufffd'); index >= 0; index = text.indexOf('\ufffd', index + 1)) {
    offset = Buffer.byteLength(text.slice(0, index))
    if (!bytes.subarray(offset, offset + replacementBytes.length).equals(replacementBytes)) break
  }
  const value = bytes[offset] ?? 0
  return {
    pointer: '',
    code: 'ENCODING_INVALID',
    message: `The line is not valid UTF-8: byte 0x${value.toString(16).padStart(2, '0')} at position ${offset + 1}.`,
    suggestion: 'Save the file as UTF-8; it was probably written in Windows-1252 or Latin-1.',
  }
}

/** In valid UTF-8, half a surrogate pair can come only from an escape. */
function mayHoldLoneSurrogates(text: string): boolean {
  return text.includes('\\ud') || text.includes('\\uD')
}

function reportLoneSurrogates(turns: readonly LocatedTurn[], list: FaultList): void {
  for (const turn of turns) {
    if (!/\p{Surrogate}/u.test(turn.content)) continue
    list.add({
      pointer: turn.rolePointer.replace(/\/role$/, '/content').replace(/\/from$/, '/value'),
      code: 'ENCODING_INVALID',
      message: 'The text holds half of a character (a lone surrogate escape such as \\ud83d), which tokenizers refuse.',
      suggestion: 'The text was probably cut in the middle of an emoji; restore or remove the character.',
    })
  }
}

function nestsDeeperThan(bytes: Buffer, limit: number): boolean {
  let depth = 0
  let inString = false
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index]
    if (inString) {
      if (byte === 0x5c) index += 1
      else if (byte === 0x22) inString = false
    } else if (byte === 0x22) inString = true
    else if (byte === 0x7b || byte === 0x5b) {
      depth += 1
      if (depth > limit) return true
    } else if (byte === 0x7d || byte === 0x5d) depth -= 1
  }
  return false
}
