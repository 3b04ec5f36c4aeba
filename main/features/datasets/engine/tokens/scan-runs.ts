import { classAt, END, LETTER, MARK, NEWLINE, NUMBER, PUNCTUATION, SPACE, WIDTH_SHIFT } from './character-classes.ts'
import { numberRunEnd } from './scan-parts.ts'
import type { Scanner } from './scanner.ts'

/** Set for Han, Hiragana and Katakana, which are cut out as runs of their own before words are looked for. */
const EAST_ASIAN = 512
/** What ends a stretch of text as the last of the three splits sees it. */
const STRETCH_END = END | NUMBER | EAST_ASIAN
const WORD = LETTER | MARK

/** The split of DeepSeek-V3: numbers by `digits`, then East Asian runs, then words and signs of what is left. */
export function createRunScanner(classes: Uint8Array, digits: number): Scanner {
  const kindAt = (bytes: Uint8Array, at: number): number => {
    const found = classAt(bytes, at, classes)
    const first = bytes[at] as number
    if (first < 0xe3 || first > 0xe9) return found
    const code = (first << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number)
    const isEastAsian = (code >= 0xe38180 && code <= 0xe383bf) || (code >= 0xe4b880 && code <= 0xe9bea5)
    return isEastAsian ? found | EAST_ASIAN : found
  }

  /** End of a run whose characters have one of the `wanted` bits and do not end the stretch. */
  const runEnd = (bytes: Uint8Array, from: number, wanted: number): number => {
    let at = from
    for (let found = kindAt(bytes, at); (found & wanted) !== 0 && (found & STRETCH_END) === 0; found = kindAt(bytes, at)) {
      at += found >> WIDTH_SHIFT
    }
    return at
  }

  const eastAsianEnd = (bytes: Uint8Array, from: number): number => {
    let at = from
    for (let found = kindAt(bytes, at); (found & (EAST_ASIAN | NUMBER)) === EAST_ASIAN; found = kindAt(bytes, at))
      at += found >> WIDTH_SHIFT
    return at
  }

  const signsEnd = (bytes: Uint8Array, from: number): number => {
    let at = runEnd(bytes, from, PUNCTUATION)
    if (at === from) return at
    while (bytes[at] === 0x0a || bytes[at] === 0x0d) at++
    return at
  }

  const spacesEnd = (bytes: Uint8Array, from: number): number => {
    let at = from
    let lastStart = from
    let afterNewline = -1
    for (;;) {
      const found = kindAt(bytes, at)
      if ((found & SPACE) === 0) {
        if (afterNewline >= 0) return afterNewline
        return (found & STRETCH_END) !== 0 || lastStart === from ? at : lastStart
      }
      lastStart = at
      at += found >> WIDTH_SHIFT
      if ((found & NEWLINE) !== 0) afterNewline = at
    }
  }

  /** End of what the third split matches at `at`; `at` when it matches nothing there. */
  const matchEnd = (bytes: Uint8Array, at: number, found: number): number => {
    if ((found & WORD) !== 0) return runEnd(bytes, at, WORD)
    if (isAsciiSign(bytes[at] as number) && isAsciiLetter(bytes[at + 1] as number)) {
      let end = at + 2
      while (isAsciiLetter(bytes[end] as number)) end++
      return end
    }
    if ((found & (NEWLINE | PUNCTUATION)) === 0) {
      const next = at + (found >> WIDTH_SHIFT)
      const end = runEnd(bytes, next, WORD)
      if (end > next) return end
    }
    const from = bytes[at] === 0x20 ? at + 1 : at
    const signs = signsEnd(bytes, from)
    if (signs > from) return signs
    return (found & SPACE) === 0 ? at : spacesEnd(bytes, at)
  }

  const pieceEnd = (bytes: Uint8Array, from: number): number => {
    const first = kindAt(bytes, from)
    if ((first & NUMBER) !== 0) return numberRunEnd(bytes, from, digits, classes)
    if ((first & EAST_ASIAN) !== 0) return eastAsianEnd(bytes, from)
    let at = from
    // Characters that no rule matches, such as controls, stay together up to the next match.
    for (let found = first; (found & STRETCH_END) === 0; found = kindAt(bytes, at)) {
      const end = matchEnd(bytes, at, found)
      if (end > at) return at === from ? end : at
      at += found >> WIDTH_SHIFT
    }
    return at
  }

  return (bytes, from, ends) => {
    let at = from
    let count = 0
    while (count < ends.length && bytes[at] !== 0xff) {
      const start = bytes[at] === 0x20 ? at + 1 : at
      let end = start
      while (isAsciiLetter(bytes[end] as number)) end++
      // Beyond ASCII the word may go on, or a mark may belong to it.
      if (end === start || (bytes[end] as number) >= 0x80) end = pieceEnd(bytes, at)
      at = end
      ends[count++] = at
    }
    return count
  }
}

function isAsciiLetter(byte: number): boolean {
  const small = byte | 0x20
  return small >= 0x61 && small <= 0x7a
}

function isAsciiSign(byte: number): boolean {
  return byte > 0x20 && byte < 0x7f && !(byte >= 0x30 && byte <= 0x39) && !isAsciiLetter(byte)
}
