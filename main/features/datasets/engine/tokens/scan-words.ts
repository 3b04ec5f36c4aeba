import { BITS_MASK, classAt, END, LETTER, NEWLINE, NUMBER, SPACE, WIDTH_SHIFT } from './character-classes.ts'
import { contractionEnd, numberRunEnd, spaceRunEnd } from './scan-parts.ts'
import type { PieceRule } from './piece-counter.ts'
import type { Scanner } from './scanner.ts'

/** The split of Qwen and Llama 3: words with one leading character, numbers by `digits`, signs with their line breaks, white space. */
export function createWordRule(classes: Uint8Array, digits: number): PieceRule {
  const isLetter = asciiLetters()

  const lettersEnd = (bytes: Uint8Array, from: number): number => {
    let at = from
    for (;;) {
      while (isLetter[bytes[at] as number] === 1) at++
      if ((bytes[at] as number) < 0x80) return at
      const found = classAt(bytes, at, classes)
      if ((found & LETTER) === 0) return at
      at += found >> WIDTH_SHIFT
    }
  }

  const signsEnd = (bytes: Uint8Array, from: number): number => {
    let at = from
    for (;;) {
      const found = classAt(bytes, at, classes)
      if ((found & (LETTER | NUMBER | SPACE | END)) !== 0) break
      at += found >> WIDTH_SHIFT
    }
    if (at === from) return at
    while (bytes[at] === 0x0a || bytes[at] === 0x0d) at++
    return at
  }

  const pieceEnd = (bytes: Uint8Array, at: number): number => {
    const found = classAt(bytes, at, classes)
    if ((found & LETTER) !== 0) return lettersEnd(bytes, at + (found >> WIDTH_SHIFT))
    if ((found & NUMBER) !== 0) return numberRunEnd(bytes, at, digits, classes)
    const first = bytes[at] as number
    if (first === 0x27) {
      const end = contractionEnd(bytes, at)
      if (end > at) return end
    }
    if ((found & NEWLINE) === 0) {
      const next = at + (found >> WIDTH_SHIFT)
      if ((classAt(bytes, next, classes) & LETTER) !== 0) return lettersEnd(bytes, next)
    }
    if ((found & BITS_MASK & SPACE) === 0) return signsEnd(bytes, at)
    if (first === 0x20) {
      const end = signsEnd(bytes, at + 1)
      if (end > at + 1) return end
    }
    return spaceRunEnd(bytes, at, classes)
  }

  const scan: Scanner = (bytes, from, ends) => {
    let at = from
    let count = 0
    while (count < ends.length) {
      const first = bytes[at] as number
      // Nearly every piece of running text is an ASCII word, mostly with one space before it.
      const start = first === 0x20 ? at + 1 : at
      if (isLetter[bytes[start] as number] === 1) {
        at = start + 1
        while (isLetter[bytes[at] as number] === 1) at++
        if ((bytes[at] as number) >= 0x80) at = lettersEnd(bytes, at)
      } else if (first === 0xff) return count
      else at = pieceEnd(bytes, at)
      ends[count++] = at
    }
    return count
  }
  return { scan, word: { end: pieceEnd, hasSingleDigits: digits === 1 } }
}

function asciiLetters(): Uint8Array {
  const table = new Uint8Array(256)
  table.fill(1, 0x41, 0x5b)
  table.fill(1, 0x61, 0x7b)
  return table
}
