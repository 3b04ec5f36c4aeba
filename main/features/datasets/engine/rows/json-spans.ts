/** A value of a JSON text with its place, so that one part can be replaced and the rest stays byte for byte. */
export interface JsonNode {
  readonly kind: 'object' | 'array' | 'scalar'
  readonly from: number
  /** One past the last character. */
  to: number
  readonly entries: JsonEntry[]
  readonly items: JsonNode[]
}

/** One name and value of an object. */
export interface JsonEntry {
  readonly key: string
  readonly keyFrom: number
  readonly keyTo: number
  readonly node: JsonNode
}

/** A replacement of a piece of a text. */
export interface TextEdit {
  readonly from: number
  readonly to: number
  readonly text: string
}

/** Brackets inside each other that are followed; more are refused as a row. */
export const maxDepth = 200

const noEntries: JsonEntry[] = []
const noItems: JsonNode[] = []

/** Maps a text that `JSON.parse` accepts; null when it nests too deeply. */
export function mapJson(text: string): JsonNode | null {
  let at = 0
  const skipSpace = () => {
    while (at < text.length && text.charCodeAt(at) <= 32) at += 1
  }
  const skipString = () => {
    for (at += 1; at < text.length; at += 1) {
      const code = text.charCodeAt(at)
      if (code === 92) at += 1
      else if (code === 34) break
    }
    at += 1
  }
  const readEntry = (depth: number): JsonEntry | null => {
    const keyFrom = at
    skipString()
    const keyTo = at
    skipSpace()
    at += 1
    const node = readValue(depth)
    return node === null ? null : { key: String(JSON.parse(text.slice(keyFrom, keyTo))), keyFrom, keyTo, node }
  }
  const readValue = (depth: number): JsonNode | null => {
    skipSpace()
    const from = at
    const first = text.charCodeAt(at)
    if (first !== 123 && first !== 91) {
      if (first === 34) skipString()
      else while (at < text.length && !',]} \t\r\n'.includes(text.charAt(at))) at += 1
      return { kind: 'scalar', from, to: at, entries: noEntries, items: noItems }
    }
    if (depth >= maxDepth) return null
    const isObject = first === 123
    const node: JsonNode = { kind: isObject ? 'object' : 'array', from, to: from, entries: [], items: [] }
    at += 1
    for (;;) {
      skipSpace()
      const code = text.charCodeAt(at)
      if (at >= text.length || code === 125 || code === 93) break
      if (code === 44) {
        at += 1
        continue
      }
      if (isObject) {
        const entry = readEntry(depth + 1)
        if (entry === null) return null
        node.entries.push(entry)
      } else {
        const item = readValue(depth + 1)
        if (item === null) return null
        node.items.push(item)
      }
    }
    at += 1
    node.to = at
    return node
  }
  return readValue(0)
}

/** The value of a key, as `JSON.parse` sees it: the last one counts. */
export function entryOf(node: JsonNode | undefined, key: string): JsonEntry | undefined {
  return node?.entries.findLast((entry) => entry.key === key)
}

/** Applies replacements that do not overlap. */
export function applyEdits(text: string, edits: readonly TextEdit[]): string {
  let result = ''
  let at = 0
  for (const edit of edits.toSorted((a, b) => a.from - b.from || a.to - b.to)) {
    result += text.slice(at, edit.from) + edit.text
    at = edit.to
  }
  return result + text.slice(at)
}

/** Cuts an item out of a list, with one of the commas around it. */
export function removal(text: string, siblings: readonly { readonly from: number; readonly to: number }[], index: number): TextEdit {
  const own = siblings[index]
  const before = siblings[index - 1]
  const after = siblings[index + 1]
  if (own === undefined) throw new RangeError(`No item ${index} to remove`)
  if (before !== undefined) return { from: before.to, to: own.to, text: '' }
  return { from: own.from, to: after?.from ?? skipComma(text, own.to), text: '' }
}

function skipComma(text: string, at: number): number {
  const rest = /^\s*,/.exec(text.slice(at, at + 1000))
  return rest === null ? at : at + rest[0].length
}
