import type { ChatMessage } from '../../../../../preload/contract/datasets.ts'
import type { RowContent } from '../row-model.ts'

/** Decides whether a row holds a text, whatever the case of its letters and however JSON wrote them. */
export interface TextMatcher {
  /** True when JSON has one way only to write the text, but for the case of its letters. */
  readonly isPlainAscii: boolean
  /** Matches, over bytes as characters, every way in which JSON can write the text. */
  readonly pattern: RegExp
  /** True when a place in a plain chat row can only be in one of its texts; false says nothing. */
  isWithinText(bytes: Buffer, place: number): boolean
  /** True when one of the row's own texts holds it, not only a key or a markup of the row. */
  holds(content: RowContent): boolean
}

/** What a plain chat row has besides its texts. */
const chatMarkup = ['messages', 'role', 'content', 'system', 'user', 'assistant']
const escapeBytes = 5
const backslash = 0x5c

/** Creates the matcher of one search text. */
export function createTextMatcher(text: string): TextMatcher {
  const wanted = text.toLowerCase()
  const isPlainAscii = /^[\x20-\x7e]+$/.test(text) && !/["\\/]/.test(text)
  // Without a quotation mark it stands in one string; and it is neither punctuation between strings nor a name.
  const isOnlyInTexts = isPlainAscii && /[^ {}[\]:,]/.test(text) && !chatMarkup.some((name) => name.includes(wanted))
  const has = (part: string | null | undefined) => part !== null && part !== undefined && part.toLowerCase().includes(wanted)
  const messageHas = (message: ChatMessage) =>
    has(message.content) || has(message.reasoning) || (message.toolCalls?.some((call) => has(call.name) || has(call.arguments)) ?? false)
  return {
    isPlainAscii,
    pattern: new RegExp(Array.from(text, patternOf).join(''), 'gi'),
    isWithinText(bytes, place) {
      if (!isOnlyInTexts) return false
      // The letters and digits of an escape are not those of the text.
      for (let at = Math.max(0, place - escapeBytes); at < place; at += 1) if (bytes[at] === backslash) return false
      return true
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
