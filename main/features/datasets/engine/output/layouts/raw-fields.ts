const quote = 34
const backslash = 92

/** JSON text of every top-level field of one object, letter by letter, so that `1.0` and long numbers stay what they are. */
export function readRawFields(text: string): Map<string, string> {
  const fields = new Map<string, string>()
  let at = text.indexOf('{') + 1
  while (at > 0) {
    at = skipSpace(text, at)
    if (text.charCodeAt(at) !== quote) break
    const keyEnd = stringEnd(text, at)
    const key: unknown = JSON.parse(text.slice(at, keyEnd))
    const start = skipSpace(text, skipSpace(text, keyEnd) + 1)
    const end = valueEnd(text, start)
    if (typeof key === 'string') fields.set(key, text.slice(start, end))
    at = skipSpace(text, end)
    if (text[at] !== ',') break
    at += 1
  }
  return fields
}

function skipSpace(text: string, from: number): number {
  let at = from
  while (at < text.length && text.charCodeAt(at) <= 32) at += 1
  return at
}

/** Position after the string that starts at `start`. */
function stringEnd(text: string, start: number): number {
  let at = start + 1
  for (;;) {
    const end = text.indexOf('"', at)
    if (end < 0) return text.length
    let escapes = 0
    while (text.charCodeAt(end - 1 - escapes) === backslash) escapes += 1
    if (escapes % 2 === 0) return end + 1
    at = end + 1
  }
}

/** Position after the value that starts at `start`. */
function valueEnd(text: string, start: number): number {
  let depth = 0
  let at = start
  while (at < text.length) {
    const char = text[at]
    if (char === '"') {
      at = stringEnd(text, at)
      if (depth === 0) return at
      continue
    }
    if (char === '{' || char === '[') depth += 1
    else if (char === '}' || char === ']') {
      if (depth === 0) return trimmedEnd(text, at)
      depth -= 1
      if (depth === 0) return at + 1
    } else if (char === ',' && depth === 0) return trimmedEnd(text, at)
    at += 1
  }
  return at
}

function trimmedEnd(text: string, end: number): number {
  let at = end
  while (text.charCodeAt(at - 1) <= 32) at -= 1
  return at
}
