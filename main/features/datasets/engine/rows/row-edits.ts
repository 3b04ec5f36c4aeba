import type { RowFault } from '../row-model.ts'
import { lastStep } from './faults.ts'
import { entryOf, removal, type JsonNode, type TextEdit } from './json-spans.ts'
import { guessRole, isCallWord, readRole } from './roles.ts'
import type { RuleId } from './rule-numbers.ts'

/** A JSON text with the places of its values. */
export interface MappedText {
  readonly text: string
  readonly root: JsonNode
}

/** Finds the replacements that mend one fault; null when there is no safe one. */
export type FaultEdit = (mapped: MappedText, fault: RowFault) => TextEdit[] | null

const moves: FaultEdit = (mapped, fault) => {
  const place = listPlace(mapped, fault.pointer)
  const first = place?.list.items[0]
  const own = place?.list.items[place.index]
  if (place === null || first === undefined || own === undefined || roleOf(mapped, first) === 'system') return null
  const text = mapped.text.slice(own.from, own.to)
  return [{ from: first.from, to: first.from, text: `${text}, ` }, removal(mapped.text, place.list.items, place.index)]
}

/** Cuts everything after the last answer that is not empty. */
const cutsEnd: FaultEdit = (mapped, fault) => {
  const place = listPlace(mapped, fault.pointer)
  if (place === null) return null
  const { items } = place.list
  const last = items.findLastIndex((item) => roleOf(mapped, item) === 'assistant' && !isBlankTurn(mapped, item))
  const end = items.at(-1)
  const kept = items[last]
  // An empty answer in the middle stays: what follows it may be worth training.
  if (kept === undefined || end === undefined || place.index <= last || kept === end) return null
  return [{ from: kept.to, to: end.to, text: '' }]
}

/** How the faults of a rule are mended, by the place they point to. */
export const faultEdits: Partial<Record<RuleId, FaultEdit>> = {
  'messages.as-text': (mapped, { pointer }) =>
    replaceWith(mapped, pointer, (value) => (typeof value === 'string' ? value.replace(/[\r\n]+/g, ' ') : null)),
  'role.unknown': (mapped, { pointer }) =>
    replaceWith(mapped, pointer, (value) => quoted(typeof value === 'string' ? guessRole(value) : null)),
  'role.alias': (mapped, { pointer }) =>
    replaceWith(mapped, pointer, (value) => {
      if (typeof value !== 'string' || isCallWord(value.trim().toLowerCase())) return null
      return quoted(readRole(value, lastStep(pointer) === 'from')?.role ?? null)
    }),
  'role.system-not-first': moves,
  'role.last-not-assistant': cutsEnd,
  'content.empty': cutsEnd,
  'content.blank': (mapped, { pointer }) => {
    const place = listPlace(mapped, pointer)
    const own = place?.list.items[place.index]
    if (place === null || own === undefined || roleOf(mapped, own) !== 'system') return null
    return [removal(mapped.text, place.list.items, place.index)]
  },
  'content.type': (mapped, { pointer }) =>
    replaceWith(mapped, pointer, (value, raw) => (typeof value === 'number' || typeof value === 'boolean' ? JSON.stringify(raw) : null)),
  'content.control-character': (mapped, { pointer }) =>
    replaceWith(mapped, pointer, (value, raw) => (typeof value === 'string' ? withoutControls(raw) : null)),
  'content.untrimmed': (mapped, { pointer }) =>
    replaceWith(mapped, pointer, (value) => (typeof value === 'string' ? JSON.stringify(value.trim()) : null)),
  'weight.invalid': (mapped, { pointer }) => replaceWith(mapped, pointer, clearWeight),
  'tool.arguments-object': (mapped, { pointer }) => replaceWith(mapped, pointer, (_, raw) => JSON.stringify(raw)),
}

function quoted(text: string | null): string | null {
  return text === null ? null : JSON.stringify(text)
}

function clearWeight(value: unknown): string | null {
  if (value === true || value === '1' || value === '1.0') return '1'
  return value === false || value === '0' || value === '0.0' ? '0' : null
}

/** A lost backslash ("\beta") cannot be told from a stray character, so those two stay. */
function withoutControls(raw: string): string {
  return raw.replace(/\\u([0-9a-fA-F]{4})|\\[^]/g, (escape, hex: string | undefined) => {
    const code = hex === undefined ? 32 : Number.parseInt(hex, 16)
    return code < 32 && ![8, 9, 10, 12, 13].includes(code) ? '' : escape
  })
}

function replaceWith(mapped: MappedText, pointer: string, write: (value: unknown, raw: string) => string | null): TextEdit[] | null {
  const node = nodeAt(mapped.root, pointer)
  if (node === undefined) return null
  const raw = mapped.text.slice(node.from, node.to)
  const text = write(JSON.parse(raw), raw)
  return text === null || text === raw ? null : [{ from: node.from, to: node.to, text }]
}

/** The value that an RFC 6901 pointer names. */
export function nodeAt(root: JsonNode, pointer: string): JsonNode | undefined {
  let node: JsonNode | undefined = root
  for (const step of pointer.split('/').slice(1)) {
    const key = step.replaceAll('~1', '/').replaceAll('~0', '~')
    node = node?.kind === 'array' ? node.items[Number(key)] : entryOf(node, key)?.node
  }
  return node
}

/** The list of turns that a pointer leads through, and which of its turns. */
function listPlace(mapped: MappedText, pointer: string): { list: JsonNode; index: number } | null {
  const match = /^(.*)\/(\d+)\/[^/]+$/.exec(pointer)
  const list = match === null ? undefined : nodeAt(mapped.root, match[1] ?? '')
  return list?.kind === 'array' ? { list, index: Number(match?.[2]) } : null
}

function scalar(mapped: MappedText, node: JsonNode, key: string): unknown {
  const found = entryOf(node, key)?.node
  return found === undefined ? undefined : (JSON.parse(mapped.text.slice(found.from, found.to)) as unknown)
}

function roleOf(mapped: MappedText, turn: JsonNode): string | null {
  const role = scalar(mapped, turn, 'role')
  const word = role ?? scalar(mapped, turn, 'from')
  return typeof word === 'string' ? (readRole(word, role === undefined)?.role ?? null) : null
}

function isBlankTurn(mapped: MappedText, turn: JsonNode): boolean {
  const content = scalar(mapped, turn, 'content') ?? scalar(mapped, turn, 'value') ?? ''
  const calls = scalar(mapped, turn, 'tool_calls') ?? scalar(mapped, turn, 'function_call')
  return typeof content === 'string' && content.trim() === '' && (calls === undefined || calls === null)
}
