/** One member of a JSON object, as far as it could be seen. */
export interface MemberOutline {
  readonly key: string
  readonly kind: 'list' | 'object' | 'text' | 'other'
  /** Characters of the value that were seen. */
  readonly length: number
  /** Of a list: number of its elements that were seen. */
  readonly elements: number
  /** Of a list whose first element is an object: that element, as far as it was seen. */
  readonly firstElement: string | null
  readonly firstElementKeys: readonly string[]
}

/** The members of an object, as far as they could be seen. */
export interface ObjectOutline {
  readonly members: readonly MemberOutline[]
  /** Where the object ends; null when the text ends first. */
  readonly end: number | null
}

/** Where the value that begins at `start` ends, by its brackets and quotes alone; −1 when it does not. */
export function scanValue(text: string, start: number): number {
  const opening = text[start]
  if (opening === '"') return scanText(text, start)
  if (opening !== '{' && opening !== '[') return -1
  let depth = 0
  for (let at = start; at < text.length; at += 1) {
    const sign = text.charCodeAt(at)
    if (sign === 0x22) {
      at = scanText(text, at) - 1
      if (at < 0) return -1
    } else if (sign === 0x7b || sign === 0x5b) depth += 1
    else if (sign === 0x7d || sign === 0x5d) {
      depth -= 1
      if (depth === 0) return at + 1
    }
  }
  return -1
}

function scanText(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    const sign = text.charCodeAt(at)
    if (sign === 0x5c) at += 1
    else if (sign === 0x22) return at + 1
  }
  return -1
}

/** Number of values in the list that begins at `start`, as far as the text goes. */
export function countElements(text: string, start: number): number {
  return walkMembers(text, start + 1, () => undefined).count
}

/** Looks over the members of the object that begins at `start`. */
export function outlineObject(text: string, start: number): ObjectOutline {
  const members: MemberOutline[] = []
  const { end } = walkMembers(text, start + 1, (from, to) => {
    const keyEnd = scanValue(text, from)
    const colon = keyEnd < 0 ? -1 : text.slice(keyEnd, keyEnd + 20).search(/\S/)
    if (keyEnd < 0 || text[from] !== '"' || text[keyEnd + colon] !== ':') return
    const after = text.slice(keyEnd + colon + 1, to)
    const valueStart = keyEnd + colon + 1 + Math.max(0, after.search(/\S/))
    members.push(outlineMember(text.slice(from + 1, keyEnd - 1), text, valueStart, to))
  })
  return { members, end }
}

function outlineMember(key: string, text: string, start: number, end: number): MemberOutline {
  const opening = text[start]
  const kind = opening === '[' ? 'list' : opening === '{' ? 'object' : opening === '"' ? 'text' : 'other'
  const plain = { key, kind, length: end - start, elements: 0, firstElement: null, firstElementKeys: [] } as const
  if (kind !== 'list') return plain
  const firstAt = start + 1 + Math.max(0, text.slice(start + 1, end).search(/\S/))
  const elements = countElements(text.slice(0, end), start)
  if (text[firstAt] !== '{') return { ...plain, elements }
  const firstEnd = scanValue(text, firstAt)
  const firstElement = text.slice(firstAt, firstEnd < 0 ? end : firstEnd)
  const firstElementKeys = outlineKeys(firstElement)
  return { ...plain, elements, firstElement, firstElementKeys }
}

function outlineKeys(text: string): string[] {
  const keys: string[] = []
  walkMembers(text, 1, (from) => {
    const end = scanValue(text, from)
    if (end > 0 && text[from] === '"') keys.push(text.slice(from + 1, end - 1))
  })
  return keys
}

/** Walks over what commas separate inside a list or an object, from behind its opening bracket. */
function walkMembers(text: string, start: number, onMember: (from: number, to: number) => void): { count: number; end: number | null } {
  let count = 0
  let from = start
  let at = start
  const close = () => {
    const lead = text.slice(from, at).search(/\S/)
    if (lead < 0) return
    count += 1
    onMember(from + lead, at)
  }
  while (at < text.length) {
    const sign = text[at]
    if (sign === ',') {
      close()
      from = at + 1
      at += 1
    } else if (sign === ']' || sign === '}') {
      close()
      return { count, end: at + 1 }
    } else if (sign === '"' || sign === '{' || sign === '[') {
      const end = scanValue(text, at)
      at = end < 0 ? text.length : end
    } else at += 1
  }
  close()
  return { count, end: null }
}
