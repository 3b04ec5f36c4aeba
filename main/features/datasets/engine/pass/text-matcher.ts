import type { ChatMessage } from '../../../../../preload/contract/datasets.ts'
import type { RowContent } from '../row-model.ts'

/** Decides whether a row holds a text, whatever the case of its letters and however JSON wrote them. */
export interface TextMatcher {
  /** Where in the bytes of many rows the text may stand; no place that holds it is left out. */
  placesIn(bytes: Buffer): { next(from: number): number }
  /** True when one of the row's own texts holds it, not only a key or a markup of the row. */
  holds(content: RowContent): boolean
}

/** Creates the matcher of one search text. */
export function createTextMatcher(text: string): TextMatcher {
  const pattern = new RegExp(Array.from(text, patternOf).join(''), 'gi')
  const plain = /[a-z]|[^\x20-\x7e]|["\\/]/i.test(text) ? null : Buffer.from(text, 'latin1')
  const wanted = text.toLowerCase()
  const has = (part: string | null | undefined) => part !== null && part !== undefined && part.toLowerCase().includes(wanted)
  const messageHas = (message: ChatMessage) =>
    has(message.content) || has(message.reasoning) || (message.toolCalls?.some((call) => has(call.name) || has(call.arguments)) ?? false)
  return {
    placesIn(bytes) {
      if (plain !== null) return { next: (from) => bytes.indexOf(plain, from) }
      const letters = bytes.toString('latin1')
      return {
        next(from) {
          pattern.lastIndex = from
          return pattern.exec(letters)?.index ?? -1
        },
      }
    },
    holds: ({ messages, rejected, text: body }) => messages.some(messageHas) || (rejected?.some(messageHas) ?? false) || has(body),
  }
}

/** A pattern over bytes (one UTF-16 unit each) for every way in which a JSON file can write one character. */
function patternOf(character: string): string {
  const ways = new Set<string>()
  for (const variant of new Set([character, character.toLowerCase(), character.toUpperCase()])) {
    ways.add(escapePattern(Buffer.from(variant, 'utf8').toString('latin1')))
    // Python's default form writes everything beyond ASCII as \uXXXX.
    if (!/^[\x20-\x7e]$/.test(variant)) ways.add(unicodeEscape(variant))
  }
  const short = { '"': '\\\\"', '\\': '\\\\\\\\', '/': '\\\\?/', '\n': '\\\\n', '\r': '\\\\r', '\t': '\\\\t' }[character]
  if (short !== undefined) return character === '/' ? short : `(?:${short}|${[...ways].join('|')})`
  return ways.size === 1 ? [...ways].join('') : `(?:${[...ways].join('|')})`
}

function unicodeEscape(text: string): string {
  let escaped = ''
  for (let at = 0; at < text.length; at += 1) escaped += `\\\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`
  return escaped
}

function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}
