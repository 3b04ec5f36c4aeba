import { classAt, END, LETTER, LOWER, MARK, NEWLINE, NUMBER, SPACE, UPPER, WIDTH_SHIFT } from './character-classes.ts'
import { contractionEnd, numberRunEnd, spaceRunEnd } from './scan-parts.ts'
import type { Scanner } from './scanner.ts'

/** Bits of `asciiCases`. */
const ASCII_UPPER = 1
const ASCII_LOWER = 2

interface CasedSplit {
  /** How many digits a number piece may hold. */
  readonly digits: number
  /** Whether 's, 't, … stay with the word before them. */
  readonly keepsContractions: boolean
}

/** The split of o200k and Tekken, in which a capital letter after a small one begins a new piece. */
export function createCasedWordScanner(classes: Uint8Array, { digits, keepsContractions }: CasedSplit): Scanner {
  const cases = asciiCases()
  const isLeading = (found: number): boolean => (found & MARK) !== 0 || ((found & LETTER) !== 0 && (found & LOWER) === 0)
  const isFollowing = (found: number): boolean => (found & MARK) !== 0 || ((found & LETTER) !== 0 && (found & UPPER) === 0)

  const followingEnd = (bytes: Uint8Array, from: number): number => {
    let at = from
    for (let found = classAt(bytes, at, classes); isFollowing(found); found = classAt(bytes, at, classes)) at += found >> WIDTH_SHIFT
    return at
  }

  /** First alternative: capitals, then at least one letter that is not a capital; `from` when there is no such word. */
  const mixedEnd = (bytes: Uint8Array, from: number): number => {
    let at = from
    let afterCaseless = from
    for (;;) {
      const found = classAt(bytes, at, classes)
      if (!isLeading(found)) {
        if (isFollowing(found)) return followingEnd(bytes, at)
        // Nothing small follows: the word ends with its last character that may stand on both sides.
        return afterCaseless
      }
      at += found >> WIDTH_SHIFT
      if (isFollowing(found)) afterCaseless = at
    }
  }

  /** Second alternative, tried where the first has failed: capitals alone. */
  const capitalsEnd = (bytes: Uint8Array, from: number): number => {
    let at = from
    for (let found = classAt(bytes, at, classes); isLeading(found); found = classAt(bytes, at, classes)) at += found >> WIDTH_SHIFT
    return at
  }

  const wordEnd = (bytes: Uint8Array, at: number, found: number): number => {
    const isPrefix = (found & (LETTER | NUMBER | NEWLINE)) === 0
    const next = at + (found >> WIDTH_SHIFT)
    let end = isPrefix ? mixedEnd(bytes, next) : next
    if (end > next) return end
    end = mixedEnd(bytes, at)
    if (end > at) return end
    const start = isPrefix ? next : at
    end = capitalsEnd(bytes, start)
    return end > start ? end : at
  }

  const signsEnd = (bytes: Uint8Array, from: number): number => {
    let at = from
    for (;;) {
      const found = classAt(bytes, at, classes)
      if ((found & (LETTER | NUMBER | SPACE | END)) !== 0) break
      at += found >> WIDTH_SHIFT
    }
    if (at === from) return at
    while (bytes[at] === 0x0a || bytes[at] === 0x0d || bytes[at] === 0x2f) at++
    return at
  }

  const pieceEnd = (bytes: Uint8Array, at: number): number => {
    const found = classAt(bytes, at, classes)
    if ((found & NUMBER) !== 0) return numberRunEnd(bytes, at, digits, classes)
    const word = wordEnd(bytes, at, found)
    if (word > at) return keepsContractions ? contractionEnd(bytes, word) : word
    const from = bytes[at] === 0x20 ? at + 1 : at
    const signs = signsEnd(bytes, from)
    return signs > from ? signs : spaceRunEnd(bytes, at, classes)
  }

  return (bytes, from, ends) => {
    let at = from
    let count = 0
    while (count < ends.length) {
      const first = bytes[at] as number
      if (first === 0xff) return count
      const start = first === 0x20 ? at + 1 : at
      let end = start
      while (cases[bytes[end] as number] === ASCII_UPPER) end++
      while (cases[bytes[end] as number] === ASCII_LOWER) end++
      const next = bytes[end] as number
      // A character beyond ASCII may be a letter of this word, or 0xff may end the text.
      if (end === start || (next >= 0x80 && next !== 0xff)) end = pieceEnd(bytes, at)
      else if (next === 0x27 && keepsContractions) end = contractionEnd(bytes, end)
      at = end
      ends[count++] = at
    }
    return count
  }
}

function asciiCases(): Uint8Array {
  const table = new Uint8Array(256)
  table.fill(ASCII_UPPER, 0x41, 0x5b)
  table.fill(ASCII_LOWER, 0x61, 0x7b)
  return table
}
