/** Bits of a code point's class; they are packed by `scripts/character-classes.mjs` with the same values. */
export const LETTER = 1
export const NUMBER = 2
export const SPACE = 4
export const NEWLINE = 8
export const UPPER = 16
export const LOWER = 32
export const MARK = 64
export const PUNCTUATION = 128
/** End of the text: no code point has this bit. */
export const END = 256

/** Stands behind the last byte of a text; no UTF-8 holds it. */
export const END_BYTE = 0xff

/** Class bits of the code point at a place, plus its number of bytes shifted by `WIDTH_SHIFT`. */
export const WIDTH_SHIFT = 12
export const BITS_MASK = (1 << WIDTH_SHIFT) - 1

const WIDTH_1 = 1 << WIDTH_SHIFT
const WIDTH_2 = 2 << WIDTH_SHIFT
const WIDTH_3 = 3 << WIDTH_SHIFT
const WIDTH_4 = 4 << WIDTH_SHIFT

/** Reads the class of the character at `at` in well-formed UTF-8 that ends with `END_BYTE`. */
export function classAt(bytes: Uint8Array, at: number, classes: Uint8Array): number {
  const first = bytes[at] as number
  if (first < 0x80) return (classes[first] as number) | WIDTH_1
  if (first === END_BYTE) return END
  const second = (bytes[at + 1] as number) & 0x3f
  if (first < 0xe0) return (classes[((first & 0x1f) << 6) | second] as number) | WIDTH_2
  const third = (bytes[at + 2] as number) & 0x3f
  if (first < 0xf0) return (classes[((first & 0x0f) << 12) | (second << 6) | third] as number) | WIDTH_3
  const code = ((first & 0x07) << 18) | (second << 12) | (third << 6) | ((bytes[at + 3] as number) & 0x3f)
  return (code < classes.length ? (classes[code] as number) : 0) | WIDTH_4
}
