import type { ColumnMapping, RowShape } from '../../../../../preload/contract/datasets.ts'
import { isJsonObject, ownValue, quoteShort, type JsonObject } from './faults.ts'

/** Which shape a row has, and how one can tell. */
export interface ShapeFinding {
  readonly shape: RowShape
  readonly evidence: string
}

/** Names of question columns in use, the most specific first. */
export const questionKeys = ['question', 'query', 'problem', 'prompt', 'instruction', 'input'] as const
/** Names of answer columns in use. */
export const answerKeys = ['answer', 'response', 'solution', 'completion', 'output', 'target'] as const

/** Finds the shape of a parsed row by its own keys, with the reason in plain words. */
export function detectShape(value: unknown, mapping: ColumnMapping | null): ShapeFinding | null {
  const shape = shapeOf(value, mapping)
  return shape === null || !isJsonObject(value) ? null : { shape, evidence: evidenceOf(value, shape, mapping) }
}

/** The same without the reason, for the hot path. */
export function shapeOf(value: unknown, mapping: ColumnMapping | null): RowShape | null {
  if (!isJsonObject(value)) return null
  if (mapping !== null) return 'mapped'
  if (value['messages'] !== undefined && isOnlyKey(value)) return 'messages'
  if (isPreference(value)) return 'preference'
  const has = (key: string) => Object.hasOwn(value, key)
  if (has('messages')) return 'messages'
  if (has('target_response') || has('conversation_history') || has('current_user_input')) return 'brightrun'
  if (has('conversations')) return isShareGptList(value['conversations']) ? 'sharegpt' : 'conversations'
  if (has('conversation') && (Array.isArray(value['conversation']) || typeof value['conversation'] === 'string')) return 'sharegpt'
  if (has('turns') && !has('question')) return 'turns'
  if (has('instruction') && has('output')) return 'alpaca'
  if (has('prompt') && has('completion')) return 'prompt_completion'
  if (questionKey(value) !== null && answerKey(value) !== null) return 'question_answer'
  if (has('text')) return 'text'
  return has('turns') ? 'turns' : null
}

function isOnlyKey(row: JsonObject): boolean {
  let keys = 0
  for (const _ in row) keys += 1
  return keys === 1
}

/** The column that holds the question of a question/answer row. */
export function questionKey(row: JsonObject): string | null {
  return questionKeys.find((key) => Object.hasOwn(row, key)) ?? null
}

/** The column that holds the answer of a question/answer row. */
export function answerKey(row: JsonObject): string | null {
  return answerKeys.find((key) => Object.hasOwn(row, key)) ?? null
}

function isPreference(row: JsonObject): boolean {
  return (
    (row['chosen'] !== undefined && Object.hasOwn(row, 'chosen')) ||
    (row['rejected'] !== undefined && Object.hasOwn(row, 'rejected')) ||
    (row['preferred_output'] !== undefined && Object.hasOwn(row, 'preferred_output')) ||
    (row['non_preferred_output'] !== undefined && Object.hasOwn(row, 'non_preferred_output'))
  )
}

/** ShareGPT writes from/value (or one object per exchange); a list written as text is looked at from its start. */
function isShareGptList(list: unknown): boolean {
  if (typeof list === 'string') return /^\s*\[\s*\{\s*"(?:from|value)"/.test(list)
  if (!Array.isArray(list)) return false
  const first: unknown = list.find(isJsonObject)
  return isJsonObject(first) && !Object.hasOwn(first, 'role') && (Object.hasOwn(first, 'from') || Object.hasOwn(first, 'value'))
}

function evidenceOf(row: JsonObject, shape: RowShape, mapping: ColumnMapping | null): string {
  const count = (key: string, of: string) => {
    const list = ownValue(row, key)
    return Array.isArray(list) ? `${quoteShort(key)} is a list of ${list.length} ${of}` : `the row has ${quoteShort(key)}`
  }
  switch (shape) {
    case 'messages':
      return `OpenAI chat: ${count('messages', 'turns')} with role and content`
    case 'sharegpt':
      return `ShareGPT: ${count(Object.hasOwn(row, 'conversations') ? 'conversations' : 'conversation', 'turns')} with ${
        Object.hasOwn(row, 'conversations') ? 'from and value' : 'one entry per exchange'
      }`
    case 'conversations':
      return `Conversations: ${count('conversations', 'turns')} with role and content`
    case 'turns':
      return `Turns: ${count('turns', 'turns')} with role and content`
    case 'brightrun':
      return 'BrightRun: the row has a history, a current question and a target answer'
    case 'alpaca':
      return `Alpaca: the row has "instruction" and "output"${Object.hasOwn(row, 'input') ? ', with an extra "input"' : ''}`
    case 'prompt_completion':
      return 'Prompt and completion: the row has both'
    case 'question_answer':
      return `Question and answer: the row has ${quoteShort(questionKey(row) ?? '')} and ${quoteShort(answerKey(row) ?? '')}`
    case 'text':
      return 'Text: the row has "text", which is trained as a whole'
    case 'preference':
      return `Preference pair: the row has ${
        Object.hasOwn(row, 'preferred_output') || Object.hasOwn(row, 'non_preferred_output')
          ? '"preferred_output" and "non_preferred_output"'
          : '"chosen" and "rejected"'
      }`
    case 'mapped':
      return mapping?.kind === 'text'
        ? `Columns you chose: ${quoteShort(mapping.text)} is the text`
        : `Columns you chose: ${quoteShort(mapping?.user ?? '')} is the question, ${quoteShort(mapping?.assistant ?? '')} the answer`
  }
}
