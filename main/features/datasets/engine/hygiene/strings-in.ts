/** A string inside a JSON value, with its RFC 6901 pointer. */
export interface PointedString {
  readonly pointer: string
  readonly text: string
}

/** All strings in a JSON value, in the order in which they stand; keys are not among them. */
export function stringsIn(value: unknown, pointer: string): PointedString[] {
  const found: PointedString[] = []
  // A list of what is left instead of recursion: a file may nest deeper than the stack.
  const open: { value: unknown; pointer: string }[] = [{ value, pointer }]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (typeof next.value === 'string') {
      found.push({ pointer: next.pointer, text: next.value })
    } else if (typeof next.value === 'object' && next.value !== null) {
      const parts = Object.entries(next.value)
      for (let at = parts.length - 1; at >= 0; at -= 1) {
        const part = parts[at]
        if (part !== undefined)
          open.push({ value: part[1], pointer: `${next.pointer}/${part[0].replaceAll('~', '~0').replaceAll('/', '~1')}` })
      }
    }
  }
  return found
}
