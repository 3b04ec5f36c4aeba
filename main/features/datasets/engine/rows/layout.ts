import type { ColumnMapping, RowShape } from '../../../../../preload/contract/datasets.ts'
import { isJsonObject, ownValue, pointerTo, type JsonObject } from './faults.ts'
import type { Role } from './roles.ts'
import { answerKey, questionKey } from './shapes.ts'

/** A list of turns in a row, or one turn whose role follows from its column. */
export type Segment =
  | { readonly kind: 'list'; readonly list: unknown; readonly pointer: string; readonly isShareGpt: boolean }
  | { readonly kind: 'turn'; readonly role: Role; readonly content: unknown; readonly pointer: string }

/** Where the parts of a row are, whatever its shape; shared by the checker and the reader of contents. */
export interface RowLayout {
  readonly segments: readonly Segment[]
  /** The rejected answer of a preference row. */
  readonly rejected: readonly Segment[] | null
  /** Index in `segments` at which the chosen answer starts. */
  readonly chosenFrom: number
  readonly text: { readonly value: unknown; readonly pointer: string } | null
  readonly tools: { readonly value: unknown; readonly pointer: string } | null
  /** Where to point when no turn is an answer. */
  readonly pointer: string
}

/** Lays out a row of a known shape. */
export function layOut(row: JsonObject, shape: RowShape, mapping: ColumnMapping | null): RowLayout {
  switch (shape) {
    case 'messages':
      return chat(row, [list(row, 'messages', false)], '/messages')
    case 'turns':
      return chat(row, [list(row, 'turns', false)], '/turns')
    case 'conversations':
      return chat(row, [...systemOf(row, 'system', 'conversations'), list(row, 'conversations', false)], '/conversations')
    case 'sharegpt':
      return shareGpt(row)
    case 'brightrun':
      return chat(row, brightrun(row), '/target_response')
    case 'alpaca':
      return chat(row, [...systemOf(row, 'system'), ...history(row), alpacaQuestion(row), turn(row, 'output', 'assistant')], '/output')
    case 'prompt_completion':
      return chat(row, [...promptOf(row, 'prompt', 'user'), ...promptOf(row, 'completion', 'assistant')], '/completion')
    case 'question_answer':
      return questionAnswer(row)
    case 'text':
      return { ...chat(row, [], '/text'), text: { value: ownValue(row, 'text'), pointer: '/text' } }
    case 'preference':
      return preference(row)
    case 'mapped':
      return mapping === null ? chat(row, [], '') : mapped(row, mapping)
  }
}

function chat(row: JsonObject, segments: readonly Segment[], pointer: string): RowLayout {
  const value = ownValue(row, 'tools')
  const tools = value === undefined || value === null || value === '' ? null : { value, pointer: '/tools' }
  return { segments, rejected: null, chosenFrom: segments.length, text: null, tools, pointer }
}

function list(row: JsonObject, key: string, isShareGpt: boolean): Segment {
  return { kind: 'list', list: ownValue(row, key), pointer: `/${key}`, isShareGpt }
}

function turn(row: JsonObject, key: string, role: Role): Segment {
  return { kind: 'turn', role, content: ownValue(row, key), pointer: pointerTo('', key) }
}

/** A separate system text counts unless it is blank or the list brings its own. */
function systemOf(row: JsonObject, key: string, listKey?: string): Segment[] {
  const system = ownValue(row, key)
  if (system === undefined || system === null || (typeof system === 'string' && system.trim() === '')) return []
  const turns = listKey === undefined ? undefined : ownValue(row, listKey)
  const first: unknown = Array.isArray(turns) ? turns[0] : undefined
  if (isJsonObject(first) && (first['role'] === 'system' || first['from'] === 'system')) return []
  return [turn(row, key, 'system')]
}

function shareGpt(row: JsonObject): RowLayout {
  if (Object.hasOwn(row, 'conversations')) {
    return chat(row, [...systemOf(row, 'system', 'conversations'), list(row, 'conversations', true)], '/conversations')
  }
  const exchanges = ownValue(row, 'conversation')
  const isExchanges = Array.isArray(exchanges) && exchanges.some((one) => isJsonObject(one) && Object.hasOwn(one, 'assistant'))
  if (!isExchanges) return chat(row, [...systemOf(row, 'system', 'conversation'), list(row, 'conversation', true)], '/conversation')
  const segments: Segment[] = systemOf(row, 'system')
  exchanges.forEach((exchange: unknown, index) => {
    const pointer = `/conversation/${index}`
    if (!isJsonObject(exchange)) segments.push({ kind: 'list', list: [exchange], pointer: '/conversation', isShareGpt: true })
    else {
      if (Object.hasOwn(exchange, 'system'))
        for (const one of systemOf(exchange, 'system')) segments.push({ ...one, pointer: `${pointer}/system` })
      const question = Object.hasOwn(exchange, 'user') ? 'user' : 'human'
      segments.push({ ...turn(exchange, question, 'user'), pointer: `${pointer}/${question}` })
      segments.push({ ...turn(exchange, 'assistant', 'assistant'), pointer: `${pointer}/assistant` })
    }
  })
  return chat(row, segments, '/conversation')
}

/** The question is usually the last turn of the history as well; it must be said only once. */
function brightrun(row: JsonObject): Segment[] {
  const segments: Segment[] = systemOf(row, 'system_prompt')
  const before = ownValue(row, 'conversation_history')
  const hasHistory = before !== undefined && before !== null && !(Array.isArray(before) && before.length === 0)
  if (hasHistory) segments.push({ kind: 'list', list: before, pointer: '/conversation_history', isShareGpt: false })
  const last: unknown = Array.isArray(before) ? before.at(-1) : undefined
  const lastQuestion = isJsonObject(last) && last['role'] === 'user' ? last['content'] : undefined
  const input = ownValue(row, 'current_user_input')
  const isSaid =
    typeof lastQuestion === 'string' &&
    (input === undefined || input === null || (typeof input === 'string' && input.trim() === lastQuestion.trim()))
  if (!isSaid) segments.push(turn(row, 'current_user_input', 'user'))
  segments.push(turn(row, 'target_response', 'assistant'))
  return segments
}

function history(row: JsonObject): Segment[] {
  const pairs = ownValue(row, 'history')
  if (!Array.isArray(pairs)) return []
  return pairs.flatMap((pair: unknown, index): Segment[] => {
    const pointer = `/history/${index}`
    const [question, answer] = Array.isArray(pair) ? (pair as unknown[]) : []
    return [
      { kind: 'turn', role: 'user', content: question, pointer: `${pointer}/0` },
      { kind: 'turn', role: 'assistant', content: answer, pointer: `${pointer}/1` },
    ]
  })
}

function alpacaQuestion(row: JsonObject): Segment {
  const instruction = ownValue(row, 'instruction')
  const input = ownValue(row, 'input')
  const isUsed = input !== undefined && input !== null && input !== ''
  if (!isUsed || typeof instruction !== 'string') return turn(row, 'instruction', 'user')
  if (typeof input !== 'string') return turn(row, 'input', 'user')
  const content = instruction === '' ? input : `${instruction}\n${input}`
  return { kind: 'turn', role: 'user', content, pointer: '/instruction' }
}

/** A prompt or an answer is a text, one turn or a list of turns. */
function promptOf(row: JsonObject, key: string, role: Role): Segment[] {
  const value = ownValue(row, key)
  if (Array.isArray(value) && value.some((one) => isJsonObject(one) && (Object.hasOwn(one, 'role') || Object.hasOwn(one, 'from')))) {
    return [{ kind: 'list', list: value, pointer: `/${key}`, isShareGpt: isFromValue(value[0]) }]
  }
  if (!isJsonObject(value) || (!Object.hasOwn(value, 'role') && !Object.hasOwn(value, 'from'))) return [turn(row, key, role)]
  const contentKey = Object.hasOwn(value, 'from') ? 'value' : 'content'
  return [{ kind: 'turn', role, content: ownValue(value, contentKey), pointer: `/${key}/${contentKey}` }]
}

function isFromValue(value: unknown): boolean {
  return isJsonObject(value) && !Object.hasOwn(value, 'role') && Object.hasOwn(value, 'from')
}

function questionAnswer(row: JsonObject): RowLayout {
  const question = questionKey(row) ?? 'question'
  const answer = answerKey(row) ?? 'answer'
  const system = Object.hasOwn(row, 'system_prompt') ? 'system_prompt' : 'system'
  const segments = [...systemOf(row, system), ...history(row), ...promptOf(row, question, 'user'), ...promptOf(row, answer, 'assistant')]
  return chat(row, segments, `/${answer}`)
}

function mapped(row: JsonObject, mapping: ColumnMapping): RowLayout {
  if (mapping.kind === 'text') {
    const pointer = pointerTo('', mapping.text)
    return { ...chat(row, [], pointer), text: { value: ownValue(row, mapping.text), pointer }, tools: null }
  }
  const system = mapping.system === null ? [] : systemOf(row, mapping.system)
  const segments = [...system, turn(row, mapping.user, 'user'), turn(row, mapping.assistant, 'assistant')]
  return { ...chat(row, segments, pointerTo('', mapping.assistant)), tools: null }
}

function preference(row: JsonObject): RowLayout {
  if (Object.hasOwn(row, 'preferred_output') || Object.hasOwn(row, 'non_preferred_output')) return openAiPreference(row)
  const prompt: Segment[] = systemOf(row, 'system')
  if (Object.hasOwn(row, 'messages')) prompt.push(list(row, 'messages', false))
  else if (Object.hasOwn(row, 'conversations'))
    prompt.push(list(row, 'conversations', isFromValue((row['conversations'] as unknown[] | null)?.[0])))
  else if (Object.hasOwn(row, 'instruction')) prompt.push(alpacaQuestion(row))
  else {
    const key = questionKey(row)
    if (key !== null) prompt.push(...promptOf(row, key, 'user'))
  }
  const isImplicit = prompt.every((segment) => segment.kind === 'turn' && segment.role === 'system')
  const chosen = isImplicit ? dialogue(row, 'chosen') : promptOf(row, 'chosen', 'assistant')
  const rejected = isImplicit ? dialogue(row, 'rejected') : promptOf(row, 'rejected', 'assistant')
  return { ...chat(row, [...prompt, ...chosen], '/chosen'), rejected, chosenFrom: prompt.length }
}

function openAiPreference(row: JsonObject): RowLayout {
  const input = ownValue(row, 'input')
  const messages = isJsonObject(input) ? ownValue(input, 'messages') : undefined
  const prompt: Segment = { kind: 'list', list: messages, pointer: '/input/messages', isShareGpt: false }
  const tools = isJsonObject(input) ? ownValue(input, 'tools') : undefined
  return {
    ...chat(row, [prompt, list(row, 'preferred_output', false)], '/preferred_output'),
    rejected: [list(row, 'non_preferred_output', false)],
    chosenFrom: 1,
    tools: tools === undefined || tools === null ? null : { value: tools, pointer: '/input/tools' },
  }
}

const spokenTurn = /\n\n(Human|Assistant): ?/

/** A whole conversation in `chosen`: turns, or the text form "Human: … Assistant: …". */
function dialogue(row: JsonObject, key: string): Segment[] {
  const value = ownValue(row, key)
  if (typeof value !== 'string' || !spokenTurn.test(value)) return promptOf(row, key, 'assistant')
  const parts = value.split(spokenTurn)
  const segments: Segment[] = []
  for (let index = 1; index + 1 < parts.length; index += 2) {
    const role = parts[index] === 'Human' ? 'user' : 'assistant'
    segments.push({ kind: 'turn', role, content: parts[index + 1], pointer: `/${key}` })
  }
  return segments
}
