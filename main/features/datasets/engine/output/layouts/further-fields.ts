import type { RowShape } from '../../../../../../preload/contract/datasets.ts'
import type { RowContent } from '../../row-model.ts'
import { isJsonObject, type JsonObject } from '../../rows/faults.ts'
import { layOut } from '../../rows/layout.ts'
import { readRawFields } from './raw-fields.ts'
import type { LayoutContext } from './layout-row.ts'

/** Keys that say nothing of their own when they are empty, or that the reader reads together with another one. */
const silentKeys: Readonly<Partial<Record<RowShape, readonly string[]>>> = {
  alpaca: ['input', 'history'],
  question_answer: ['history'],
  preference: ['input'],
  brightrun: ['conversation_history', 'current_user_input'],
}

/** Keys by which a row's shape is recognised first of all; a further field must not take one. */
const decisiveKeys: ReadonlySet<string> = new Set(['messages', 'conversations'])

/** The row's further top-level fields as key and JSON text; a key the layout needs itself is kept as `original_…`. */
export function furtherFields(
  content: RowContent,
  value: unknown,
  context: LayoutContext,
  layoutKeys: readonly string[],
): (readonly [string, string])[] {
  if (!isJsonObject(value)) return []
  const used = usedKeys(content, value, context)
  const keys = Object.keys(value).filter((key) => !used.has(key))
  const rest = inputRest(content, value)
  if (rest !== null) keys.push('input')
  if (keys.length === 0) return []
  const raw = context.source === null ? null : readRawFields(context.source())
  const taken = new Set([...layoutKeys, ...decisiveKeys])
  return keys.map((key) => {
    let name = key
    while (taken.has(name) || (name !== key && keys.includes(name))) name = `original_${name}`
    taken.add(name)
    return [name, key === 'input' && rest !== null ? rest : (raw?.get(key) ?? JSON.stringify(value[key]))] as const
  })
}

function usedKeys(content: RowContent, value: JsonObject, context: LayoutContext): ReadonlySet<string> {
  const layout = layOut(value, content.shape, context.mapping)
  const used = new Set(silentKeys[content.shape])
  for (const segment of [...layout.segments, ...(layout.rejected ?? [])]) used.add(firstStep(segment.pointer))
  if (layout.text !== null) used.add(firstStep(layout.text.pointer))
  if (layout.tools !== null && content.tools !== null) used.add(firstStep(layout.tools.pointer))
  for (const key of ['system', 'system_prompt', 'tools']) if (isEmpty(value[key])) used.add(key)
  return used
}

function firstStep(pointer: string): string {
  const end = pointer.indexOf('/', 1)
  return pointer
    .slice(1, end < 0 ? undefined : end)
    .replaceAll('~1', '/')
    .replaceAll('~0', '~')
}

function isEmpty(value: unknown): boolean {
  return value === null || (typeof value === 'string' && value.trim() === '') || (Array.isArray(value) && value.length === 0)
}

/** What stands beside the messages in the `input` of an OpenAI preference row. */
function inputRest(content: RowContent, value: JsonObject): string | null {
  const input = value['input']
  if (content.shape !== 'preference' || !isJsonObject(input)) return null
  const { messages: _messages, tools: _tools, ...rest } = input
  return Object.keys(rest).length === 0 ? null : JSON.stringify(rest)
}
