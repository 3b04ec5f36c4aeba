import { classAt, END, LETTER, NUMBER, SPACE, WIDTH_SHIFT } from './character-classes.ts'
import type { Scanner } from './scanner.ts'

/** The split of GPT-2 after every digit has been cut out: SmolLM2. */
export function createPlainWordScanner(classes: Uint8Array): Scanner {
  /** End of the run of characters at `from` that have `wanted` or, where it is 0, are signs. */
  const runEnd = (bytes: Uint8Array, from: number, wanted: number): number => {
    let at = from
    for (;;) {
      const found = classAt(bytes, at, classes)
      const kind = found & (LETTER | NUMBER | SPACE | END)
      if (kind !== wanted) return at
      at += found >> WIDTH_SHIFT
    }
  }

  const spacesEnd = (bytes: Uint8Array, from: number): number => {
    let at = from
    let lastStart = from
    for (;;) {
      const found = classAt(bytes, at, classes)
      if ((found & SPACE) === 0) {
        // A digit has been cut out before, so that white space in front of it ends its stretch of text.
        const isStretchEnd = (found & (END | NUMBER)) !== 0
        return isStretchEnd || lastStart === from ? at : lastStart
      }
      lastStart = at
      at += found >> WIDTH_SHIFT
    }
  }

  const pieceEnd = (bytes: Uint8Array, at: number): number => {
    const found = classAt(bytes, at, classes)
    if ((found & NUMBER) !== 0) return at + (found >> WIDTH_SHIFT)
    const contraction = lowerContractionEnd(bytes, at)
    if (contraction > at) return contraction
    const from = bytes[at] === 0x20 ? at + 1 : at
    const kind = classAt(bytes, from, classes) & (LETTER | NUMBER | SPACE | END)
    if (kind === LETTER || kind === 0) return runEnd(bytes, from, kind)
    return spacesEnd(bytes, at)
  }

  return (bytes, from, ends) => {
    let at = from
    let count = 0
    while (count < ends.length && bytes[at] !== 0xff) {
      at = pieceEnd(bytes, at)
      ends[count++] = at
    }
    return count
  }
}

/** End of a contraction in small letters at `at`; `at` when there is none. */
function lowerContractionEnd(bytes: Uint8Array, at: number): number {
  if (bytes[at] !== 0x27) return at
  const third = bytes[at + 2] as number
  switch (bytes[at + 1] as number) {
    case 0x73: // s
    case 0x74: // t
    case 0x6d: // m
    case 0x64: // d
      return at + 2
    case 0x72: // re
    case 0x76: // ve
      return third === 0x65 ? at + 3 : at
    case 0x6c: // ll
      return third === 0x6c ? at + 3 : at
    default:
      return at
  }
}
