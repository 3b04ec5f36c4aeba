import type { ColumnMapping } from '../../../../../../preload/contract/datasets.ts'

/** Which file of an export a row belongs in; rows of different kinds never share one. */
export type LayoutPart = 'conversations' | 'preference' | 'text'

/** A row in a layout as one line of JSON, or why the layout cannot hold it. */
export type LayoutRow = { readonly json: string; readonly part: LayoutPart } | Refusal
/** Why a row cannot be written. */
export interface Refusal {
  readonly refused: string
}

/** What a conversion may need besides the row itself. */
export interface LayoutContext {
  readonly mapping: ColumnMapping | null
  /** The row's JSON text, from which further fields are taken over letter by letter; null = write them anew. */
  readonly source: (() => string) | null
}

/** A conversion without a mapping or the row's text. */
export const plainContext: LayoutContext = { mapping: null, source: null }

/** JSON text of an object from its keys and the JSON text of their values; `undefined` values are left out. */
export function jsonObject(fields: readonly (readonly [key: string, json: string | undefined])[]): string {
  let text = ''
  for (const [key, json] of fields) {
    if (json === undefined) continue
    text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${json}`
  }
  return `{${text}}`
}

/** JSON text of an object that starts with two texts, as every message does; made in one step because it is made most. */
export function jsonMessage(
  speaker: readonly [key: string, text: string],
  words: readonly [key: string, text: string],
  further: readonly (readonly [key: string, json: string | undefined])[],
): string {
  let text = `{"${speaker[0]}":"${speaker[1]}","${words[0]}":${JSON.stringify(words[1])}`
  for (const [key, json] of further) if (json !== undefined) text += `,${JSON.stringify(key)}:${json}`
  return `${text}}`
}

/** JSON text of a list from the JSON text of its items. */
export function jsonList(items: readonly string[]): string {
  return `[${items.join(',')}]`
}

/** JSON text of a value that may be absent. */
export function jsonOf(value: unknown): string | undefined {
  return value === undefined ? undefined : JSON.stringify(value)
}
