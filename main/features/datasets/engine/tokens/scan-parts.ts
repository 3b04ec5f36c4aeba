import { classAt, NEWLINE, NUMBER, SPACE, WIDTH_SHIFT } from './character-classes.ts'

/** End of the white-space run at `at`: with its last line break if it holds one, else without the last character before a word. */
export function spaceRunEnd(bytes: Uint8Array, from: number, classes: Uint8Array): number {
  let at = from
  let lastStart = from
  let afterNewline = -1
  for (;;) {
    const found = classAt(bytes, at, classes)
    if ((found & SPACE) === 0) break
    lastStart = at
    at += found >> WIDTH_SHIFT
    if ((found & NEWLINE) !== 0) afterNewline = at
  }
  if (afterNewline >= 0) return afterNewline
  return bytes[at] === 0xff || lastStart === from ? at : lastStart
}

/** End of the numbers at `from`, at most `digits` of them. */
export function numberRunEnd(bytes: Uint8Array, from: number, digits: number, classes: Uint8Array): number {
  let at = from
  for (let taken = 0; taken < digits; taken++) {
    const found = classAt(bytes, at, classes)
    if ((found & NUMBER) === 0) return at
    at += found >> WIDTH_SHIFT
  }
  return at
}

const APOSTROPHE = 0x27

/** End of an English contraction in either case ('s, 't, 're, …) that begins with the apostrophe at `at`; `at` when there is none. */
export function contractionEnd(bytes: Uint8Array, at: number): number {
  if (bytes[at] !== APOSTROPHE) return at
  const second = bytes[at + 1] as number
  // The long s (U+017F) counts as an s when case is ignored.
  if (second === 0xc5 && bytes[at + 2] === 0xbf) return at + 3
  switch (second | 0x20) {
    case 0x73: // s
    case 0x74: // t
    case 0x6d: // m
    case 0x64: // d
      return at + 2
    case 0x72: // re
    case 0x76: // ve
      return ((bytes[at + 2] as number) | 0x20) === 0x65 ? at + 3 : at
    case 0x6c: // ll
      return ((bytes[at + 2] as number) | 0x20) === 0x6c ? at + 3 : at
    default:
      return at
  }
}
