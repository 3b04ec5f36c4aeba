import type { ColumnMapping } from '../../../../preload/contract/datasets.ts'

const userNames = [
  'prompt',
  'question',
  'query',
  'instruction',
  'input',
  'user',
  'problem',
  'request',
  'context',
  'source',
  'title',
  'subject',
  'message',
  'complaint',
  'ticket',
  'email',
  'description',
  'review',
]
const assistantNames = [
  'response',
  'answer',
  'completion',
  'output',
  'target',
  'assistant',
  'solution',
  'reply',
  'summary',
  'label',
  'translation',
]
const systemNames = new Set(['system', 'system_prompt', 'persona'])
const textNames = ['text', 'content', 'body', 'document', 'article']

const recordName = /^(id|uuid|number|no|index|row|date|time|created|updated)(_|$)|_(id|at|date)$/

/** A first guess at which column is which, from their names; null when nothing fits. */
export function suggestMapping(columns: readonly string[]): ColumnMapping | null {
  const system = columns.find((column) => systemNames.has(fold(column))) ?? null
  const find = (names: readonly string[], taken: readonly string[]) => {
    const free = columns.filter((column) => column !== system && !taken.includes(column))
    return (
      names.flatMap((name) => free.filter((column) => fold(column) === name))[0] ??
      names.flatMap((name) => free.filter((column) => fold(column).includes(name) && !recordName.test(fold(column))))[0]
    )
  }
  const assistant = find(assistantNames, [])
  if (assistant !== undefined) {
    // Where only the answer has a telling name, the first column that is no number or date of the record is the question.
    const other = columns.find((column) => column !== assistant && column !== system && !recordName.test(fold(column)))
    const user = find(userNames, [assistant]) ?? other
    if (user !== undefined) return { kind: 'chat', system, user, assistant }
  }
  const text = find(textNames, [])
  return text === undefined ? null : { kind: 'text', text }
}

function fold(name: string): string {
  return name
    .trim()
    .toLowerCase()
    .replace(/[\s-]+/g, '_')
}
