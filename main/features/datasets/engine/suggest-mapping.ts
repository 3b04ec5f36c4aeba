import type { ColumnMapping } from '../../../../preload/contract/datasets.ts'

const userNames = ['prompt', 'question', 'query', 'instruction', 'input', 'user', 'problem', 'request', 'context', 'source', 'title', 'subject']
const assistantNames = ['response', 'answer', 'completion', 'output', 'target', 'assistant', 'solution', 'reply', 'summary', 'label', 'translation']
const systemNames = ['system', 'system_prompt', 'persona']
const textNames = ['text', 'content', 'body', 'document', 'article']

/** A first guess at which column is which, from their names; null when nothing fits. */
export function suggestMapping(columns: readonly string[]): ColumnMapping | null {
  const find = (names: readonly string[], taken: readonly string[] = []) =>
    names.flatMap((name) => columns.filter((column) => !taken.includes(column) && fold(column) === name))[0] ??
    names.flatMap((name) => columns.filter((column) => !taken.includes(column) && fold(column).includes(name)))[0]
  const user = find(userNames)
  const assistant = find(assistantNames, user === undefined ? [] : [user])
  if (user !== undefined && assistant !== undefined) {
    return { kind: 'chat', system: find(systemNames, [user, assistant]) ?? null, user, assistant }
  }
  const text = find(textNames)
  return text === undefined ? null : { kind: 'text', text }
}

function fold(name: string): string {
  return name.trim().toLowerCase().replace(/[\s-]+/g, '_')
}
