import { foreignWords } from './json-fault.ts'

/** Rewrites a text that is nearly JSON (Python's repr, trailing commas, raw control characters); null when that fails. */
export function repairJson(text: string): string | null {
  const parts: string[] = []
  let at = 0
  while (at < text.length) {
    const char = text.charAt(at)
    if (char === '"' || char === "'") {
      const string = readQuoted(text, at, char)
      if (string === null) return null
      parts.push(string.json)
      at = string.end
    } else if (/[A-Za-z_]/.test(char)) {
      const word = /^[A-Za-z_]+/.exec(text.slice(at, at + 40))?.[0] ?? ''
      const known = word === 'true' || word === 'false' || word === 'null' ? word : foreignWords.get(word)
      if (known === undefined) return null
      // -Infinity becomes null as a whole.
      if (parts.at(-1) === '-') parts.pop()
      parts.push(known)
      at += word.length
    } else {
      if (char !== '\0' && !(char === ',' && isTrailing(text, at))) parts.push(char < ' ' ? ' ' : char)
      at += 1
    }
  }
  const result = parts.join('').trim()
  return isJson(result) ? result : null
}

/** True when `JSON.parse` accepts the text. */
export function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch (error) {
    if (error instanceof SyntaxError) return false
    throw error
  }
}

function isTrailing(text: string, at: number): boolean {
  for (let next = at + 1; next < text.length; next += 1) {
    const char = text.charAt(next)
    if (char > ' ') return char === '}' || char === ']'
  }
  return true
}

function readQuoted(text: string, from: number, quote: string): { json: string; end: number } | null {
  const parts = ['"']
  for (let at = from + 1; at < text.length; at += 1) {
    const char = text.charAt(at)
    if (char === quote) return { json: `${parts.join('')}"`, end: at + 1 }
    if (char === '\\') {
      const escape = readEscape(text, at)
      if (escape === null) return null
      parts.push(escape.json)
      at = escape.end - 1
    } else if (char === '\0') continue
    else if (char === '"' || char < ' ') parts.push(JSON.stringify(char).slice(1, -1))
    else parts.push(char)
  }
  return null
}

function readEscape(text: string, at: number): { json: string; end: number } | null {
  const next = text.charAt(at + 1)
  if (next === "'") return { json: "'", end: at + 2 }
  const hex = /^\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4}))/.exec(text.slice(at, at + 6))
  if (hex !== null) return { json: `\\u${(hex[1] ?? hex[2] ?? '').padStart(4, '0')}`, end: at + hex[0].length }
  return next !== '' && '"\\/bfnrt'.includes(next) ? { json: `\\${next}`, end: at + 2 } : null
}
