import type { ChatMessage } from '../../../../preload/contract/datasets.ts'
import { describeValue, pointerTo, quoteShort, type FaultList } from '../faults.ts'

/** A turn with the place its role came from, so that order faults can point at it; role null = not understood. */
export interface LocatedTurn {
  readonly role: ChatMessage['role'] | null
  readonly content: string
  readonly rolePointer: string
}

/** A JSON object whose keys nobody vouches for. */
export type JsonObject = Readonly<Record<string, unknown>>

const chatRoles: ReadonlyMap<string, ChatMessage['role']> = new Map([
  ['system', 'system'],
  ['developer', 'system'],
  ['user', 'user'],
  ['assistant', 'assistant'],
  ['tool', 'tool'],
  ['function', 'tool'],
])
const shareGptRoles: ReadonlyMap<string, ChatMessage['role']> = new Map([
  ...chatRoles,
  ['human', 'user'],
  ['gpt', 'assistant'],
  ['model', 'assistant'],
  ['bot', 'assistant'],
  ['chatgpt', 'assistant'],
  ['observation', 'tool'],
])

/** True for a JSON object, not a list or null. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A key's own value; inherited names such as `constructor` count as absent. */
export function ownValue(object: JsonObject, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined
}

/** Reads a list of turns written as role/content or, in ShareGPT's dialect, from/value. */
export function readTurnList(list: unknown, pointer: string, faults: FaultList): LocatedTurn[] {
  if (!Array.isArray(list)) {
    faults.add({
      pointer,
      code: 'FIELD_TYPE',
      message: `${quoteShort(lastStep(pointer))} must be a list of turns; got ${describeValue(list)}.`,
      suggestion: 'Write the turns as a list, each with a role and its content.',
    })
    return []
  }
  if (list.length === 0) {
    faults.add({
      pointer,
      code: 'MESSAGES_EMPTY',
      message: `${quoteShort(lastStep(pointer))} is an empty list; a conversation needs at least a question and an answer.`,
      suggestion: 'Add the turns of the conversation, or remove this line.',
    })
    return []
  }
  const turns: LocatedTurn[] = []
  for (let index = 0; index < list.length && !faults.isFull; index += 1) {
    const turn = readTurn(list[index], pointerTo(pointer, index), faults)
    if (turn !== null) turns.push(turn)
  }
  return turns
}

function readTurn(value: unknown, pointer: string, faults: FaultList): LocatedTurn | null {
  if (!isJsonObject(value)) {
    faults.add({
      pointer,
      code: 'FIELD_TYPE',
      message: `A turn must be an object with a role and content; got ${describeValue(value)}.`,
      suggestion: 'Write the turn as {"role": "user", "content": "…"}.',
    })
    return { role: null, content: '', rolePointer: pointer }
  }
  const isShareGpt = !Object.hasOwn(value, 'role') && Object.hasOwn(value, 'from')
  const roleKey = isShareGpt ? 'from' : 'role'
  const contentKey = isShareGpt || (!Object.hasOwn(value, 'content') && Object.hasOwn(value, 'value')) ? 'value' : 'content'
  const rolePointer = pointerTo(pointer, roleKey)
  const role = readRole(ownValue(value, roleKey), isShareGpt ? shareGptRoles : chatRoles, rolePointer, faults)
  const callsTool = reportToolCall(value, pointer, faults)
  if (role === 'assistant') reportZeroWeight(value, pointer, faults)
  // A tool call may stand without text; one fault about it is enough.
  if (callsTool && typeof ownValue(value, contentKey) !== 'string') return { role, content: '', rolePointer }
  const content = readContent(ownValue(value, contentKey), pointerTo(pointer, contentKey), role, faults)
  // An empty system prompt says the same as none.
  if (role === 'system' && content === '') return null
  return { role, content, rolePointer }
}

function readRole(
  value: unknown,
  known: ReadonlyMap<string, ChatMessage['role']>,
  pointer: string,
  faults: FaultList,
): ChatMessage['role'] | null {
  const key = lastStep(pointer)
  if (value === undefined) {
    faults.add({
      pointer,
      code: 'FIELD_MISSING',
      message: `The turn has no "${key}", so it is not known who speaks.`,
      suggestion: `Add "${key}": "user" for the person or "assistant" for the answer to learn.`,
    })
    return null
  }
  if (typeof value !== 'string') {
    faults.add({
      pointer,
      code: 'FIELD_TYPE',
      message: `"${key}" must be a text; got ${describeValue(value)}.`,
      suggestion: 'Use system, user, assistant or tool.',
    })
    return null
  }
  const role = known.get(value.trim().toLowerCase())
  if (role !== undefined) return role
  const meant = shareGptRoles.get(value.trim().toLowerCase())
  faults.add({
    pointer,
    code: 'ROLE_UNKNOWN',
    message: `The role is ${quoteShort(value)}; expected system, user, assistant or tool.`,
    suggestion: meant === undefined ? 'Rename the role to one of the four, or remove this turn.' : `Rename it to "${meant}".`,
  })
  return null
}

/** Tool calls would be lost without a word, so they are reported. */
function reportToolCall(turn: JsonObject, pointer: string, faults: FaultList): boolean {
  let callsTool = false
  for (const key of ['tool_calls', 'function_call']) {
    const value = ownValue(turn, key)
    if (value === undefined || value === null || (Array.isArray(value) && value.length === 0)) continue
    callsTool = true
    faults.add({
      pointer: pointerTo(pointer, key),
      code: 'FIELD_TYPE',
      message: `The turn calls a tool through "${key}"; only text turns can be trained.`,
      suggestion: 'Write the call into the content as text, or leave this conversation out.',
    })
  }
  return callsTool
}

/** Training a turn that is marked as not to be learnt would be the opposite of what was asked. */
function reportZeroWeight(turn: JsonObject, pointer: string, faults: FaultList): void {
  if (ownValue(turn, 'weight') !== 0) return
  faults.add({
    pointer: pointerTo(pointer, 'weight'),
    code: 'FIELD_TYPE',
    message: 'The answer is marked with weight 0 (not to be learnt); every assistant turn of a row is trained.',
    suggestion: 'Cut the conversation so that it holds only answers to learn, or remove "weight" to train this one too.',
  })
}

/** Reads content given as text or as a list of text parts; reports what is missing, empty or not text. */
export function readContent(value: unknown, pointer: string, role: ChatMessage['role'] | null, faults: FaultList): string {
  const key = lastStep(pointer)
  if (value === undefined) {
    faults.add({
      pointer,
      code: 'FIELD_MISSING',
      message: `The turn has no "${key}".`,
      suggestion: 'Add what is said in this turn, or remove the turn.',
    })
    return ''
  }
  const text = typeof value === 'string' ? value : Array.isArray(value) ? joinParts(value, pointer, faults) : undefined
  if (text === undefined) {
    if (value === null && role === 'system') return ''
    if (!Array.isArray(value)) {
      faults.add({
        pointer,
        code: 'FIELD_TYPE',
        message: `"${key}" must be a text; got ${describeValue(value)}.`,
        suggestion: value === null ? 'Write the text of the turn, or remove the turn.' : 'Put the value in quotation marks.',
      })
    }
    return ''
  }
  if (text.trim() !== '') return text
  if (role !== 'system') {
    faults.add({
      pointer,
      code: 'CONTENT_EMPTY',
      message: role === 'assistant' ? 'The answer is empty, so there is nothing to learn from it.' : `"${key}" is empty.`,
      suggestion: 'Write the text of the turn, or remove the turn.',
    })
  }
  return ''
}

function joinParts(parts: readonly unknown[], pointer: string, faults: FaultList): string | undefined {
  const texts: string[] = []
  for (let index = 0; index < parts.length && !faults.isFull; index += 1) {
    const part = parts[index]
    const text = typeof part === 'string' ? part : isJsonObject(part) ? ownValue(part, 'text') : undefined
    const type = isJsonObject(part) ? ownValue(part, 'type') : 'text'
    if (typeof text === 'string' && (type === undefined || type === 'text')) {
      texts.push(text)
      continue
    }
    faults.add({
      pointer: pointerTo(pointer, index),
      code: 'FIELD_TYPE',
      message:
        typeof type === 'string' && type !== 'text'
          ? `The turn holds a part of type ${quoteShort(type)}; only text can be trained, so images, sound and files cannot be used.`
          : `A part of the content must be a text; got ${describeValue(part)}.`,
      suggestion: 'Remove this part, or replace it with a description in words.',
    })
  }
  return texts.length === parts.length ? texts.join('') : undefined
}

function lastStep(pointer: string): string {
  return pointer.slice(pointer.lastIndexOf('/') + 1)
}
