import { flagNumbers, flagOf, maskOf } from './flags.ts'
import { hintsFor, matchPrivate } from './private-text.ts'

/** Values that tie a tool's answer to its call: replacing both by one placeholder would tie all calls together. */
const linkKeys: ReadonlySet<string> = new Set(['id', 'tool_call_id'])
/** Strings that hold JSON text, in which a bare number must become a string. */
const jsonTextKeys: ReadonlySet<string> = new Set(['arguments', 'tools'])
const numberToken = /-?[\d.eE+-]+/y
/** Replacing may join what stood apart, so the text is searched again; more rounds than this never help. */
const mostRounds = 4

/**
 * JSON text of a row with every finding of these flags (ids such as `privacy.email`) replaced by its placeholder,
 * in every string of the row; null where there is nothing to replace. All else stays as it is, byte for byte.
 */
export function redactText(rowJson: string, flagIds: readonly string[]): string | null {
  const redacted = redactStrings(rowJson, maskOf(flagIds))
  return redacted === rowJson ? null : redacted
}

function redactStrings(json: string, mask: number): string {
  let output = ''
  let copied = 0
  let key = ''
  let at = json.indexOf('"')
  while (at >= 0) {
    const end = endOfString(json, at)
    // The row ends inside a string: it is not JSON, and its rest is left alone.
    if (end === 0) break
    if (isKey(json, end)) {
      key = parsedString(json.slice(at, end))
    } else {
      const before = parsedString(json.slice(at, end))
      const after = redactString(before, key, mask)
      if (after !== before) {
        output += json.slice(copied, at) + JSON.stringify(after)
        copied = end
      }
    }
    at = json.indexOf('"', end)
  }
  return output + json.slice(copied)
}

/** Index behind the closing quote, or 0 where none follows. */
function endOfString(json: string, start: number): number {
  let quote = json.indexOf('"', start + 1)
  while (quote >= 0) {
    let slashes = 0
    while (json.charCodeAt(quote - 1 - slashes) === 92) slashes += 1
    if (slashes % 2 === 0) return quote + 1
    quote = json.indexOf('"', quote + 1)
  }
  return 0
}

function isKey(json: string, end: number): boolean {
  let at = end
  while (' \t\n\r'.includes(json.charAt(at)) && at < json.length) at += 1
  return json.charAt(at) === ':'
}

function parsedString(literal: string): string {
  try {
    return String(JSON.parse(literal))
  } catch {
    // A broken escape: nothing is found in it, so the literal stays as it stands.
    return ''
  }
}

function redactString(text: string, key: string, mask: number): string {
  const wanted = linkKeys.has(key) ? mask & (1 << flagNumbers.email) : mask
  const isJson = jsonTextKeys.has(key) && isJsonText(text)
  let current = text
  for (let round = 0; round < mostRounds; round += 1) {
    const next = replaceMatches(current, wanted, isJson)
    if (next === current) break
    current = next
  }
  return current
}

function replaceMatches(text: string, mask: number, isJson: boolean): string {
  let output = ''
  let copied = 0
  const isInsideString = stringTest(text)
  for (const { flag, start, end } of matchPrivate(text, hintsFor(text))) {
    if ((mask & (1 << flag)) === 0 || start < copied) continue
    const placeholder = flagOf(flag).placeholder ?? ''
    if (isJson && !isInsideString(start)) {
      const from = startOfNumber(text, start)
      numberToken.lastIndex = from
      const to = numberToken.test(text) ? Math.max(end, numberToken.lastIndex) : end
      output += `${text.slice(copied, from)}"${placeholder}"`
      copied = to
    } else {
      output += text.slice(copied, start) + placeholder
      copied = end
    }
  }
  return output + text.slice(copied)
}

function startOfNumber(text: string, start: number): number {
  let from = start
  while (from > 0 && /[\d.eE+-]/.test(text.charAt(from - 1))) from -= 1
  return from
}

/** Tells of ascending places whether they stand inside a string of this JSON text. */
function stringTest(json: string): (at: number) => boolean {
  let start = json.indexOf('"')
  let end = start < 0 ? 0 : endOfString(json, start)
  return (at) => {
    while (start >= 0 && end !== 0 && end <= at) {
      start = json.indexOf('"', end)
      end = start < 0 ? 0 : endOfString(json, start)
    }
    return start >= 0 && start < at
  }
}

function isJsonText(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
