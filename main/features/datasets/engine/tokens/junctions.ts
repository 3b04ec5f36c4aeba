import type { VocabularyTables } from './vocabulary-tables.ts'

/** U+2581, which stands for a space in the vocabulary. */
export const WORD_MARK = 0x2581

const ASCII = 128

/** Entries of the direct table for two ASCII characters. */
export const ASCII_PAIRS = ASCII * ASCII
const FREE = -1

type JunctionTables = Pick<VocabularyTables, 'asciiJunctions' | 'junctions'>

/** Bytes of the character that begins with this byte. */
export function widthOf(first: number): number {
  if (first < 0x80) return 1
  if (first < 0xe0) return 2
  return first < 0xf0 ? 3 : 4
}

/** Code point at a place in well-formed UTF-8. */
export function codeAt(bytes: Uint8Array, at: number): number {
  const first = bytes[at] as number
  if (first < 0x80) return first
  const second = (bytes[at + 1] as number) & 0x3f
  if (first < 0xe0) return ((first & 0x1f) << 6) | second
  const third = (bytes[at + 2] as number) & 0x3f
  if (first < 0xf0) return ((first & 0x0f) << 12) | (second << 6) | third
  return ((first & 0x07) << 18) | (second << 12) | (third << 6) | ((bytes[at + 3] as number) & 0x3f)
}

function slotOf(left: number, right: number, mask: number): number {
  const mixed = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b)
  return (mixed ^ (mixed >>> 15)) & mask
}

/** Words of the table for so many pairs: two a slot, at least half of the slots free. */
export function junctionWords(pairs: number): number {
  let slots = 2
  while (slots < pairs * 2) slots *= 2
  return slots * 2
}

/** Tells whether some merge joins a part that ends with `left` to one that begins with `right`. */
export function hasJunction({ asciiJunctions, junctions }: JunctionTables, left: number, right: number): boolean {
  if (left < ASCII && right < ASCII) return asciiJunctions[(left << 7) | right] === 1
  const mask = junctions.length / 2 - 1
  for (let slot = slotOf(left, right, mask); ; slot = (slot + 1) & mask) {
    if (junctions[slot * 2] === FREE) return false
    if (junctions[slot * 2] === left && junctions[slot * 2 + 1] === right) return true
  }
}

/** Enters pairs of code points that meet in a merge, two words each. */
export function fillJunctions({ asciiJunctions, junctions }: JunctionTables, pairs: Uint32Array): void {
  junctions.fill(FREE)
  const mask = junctions.length / 2 - 1
  for (let word = 0; word < pairs.length; word += 2) {
    const left = pairs[word] as number
    const right = pairs[word + 1] as number
    if (left < ASCII && right < ASCII) {
      asciiJunctions[(left << 7) | right] = 1
      continue
    }
    let slot = slotOf(left, right, mask)
    while (junctions[slot * 2] !== FREE) slot = (slot + 1) & mask
    junctions[slot * 2] = left
    junctions[slot * 2 + 1] = right
  }
}
