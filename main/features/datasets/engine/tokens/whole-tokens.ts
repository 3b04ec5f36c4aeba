import type { VocabularyTables } from './vocabulary-tables.ts'

const FREE = -1

/** Slots of the table that finds a token by its bytes: a power of two, at most half full. */
export function wholeTokenCount(tokens: number): number {
  let slots = 16
  while (slots < tokens * 2) slots *= 2
  return slots
}

function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  let hash = end - start
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ (bytes[at] as number), 0x01000193)
  return hash ^ (hash >>> 15)
}

type TokenTables = Pick<VocabularyTables, 'wholeTokens' | 'tokenOffsets' | 'tokenBytes'>

/** Enters every token that has bytes; of two with the same bytes the first stays. */
export function fillWholeTokens({ wholeTokens, tokenOffsets, tokenBytes }: TokenTables): void {
  wholeTokens.fill(FREE)
  const mask = wholeTokens.length - 1
  for (let id = 0; id + 1 < tokenOffsets.length; id++) {
    const start = tokenOffsets[id] as number
    const end = tokenOffsets[id + 1] as number
    if (start === end) continue
    let slot = hashBytes(tokenBytes, start, end) & mask
    while (wholeTokens[slot] !== FREE) slot = (slot + 1) & mask
    wholeTokens[slot] = id
  }
}

/** Id of the token with exactly these bytes, or -1. */
export function findWholeToken(tables: TokenTables, bytes: Uint8Array, start: number, end: number): number {
  const { wholeTokens, tokenOffsets, tokenBytes } = tables
  const mask = wholeTokens.length - 1
  const length = end - start
  for (let slot = hashBytes(bytes, start, end) & mask; ; slot = (slot + 1) & mask) {
    const id = wholeTokens[slot] as number
    if (id === FREE) return -1
    const from = tokenOffsets[id] as number
    if ((tokenOffsets[id + 1] as number) - from !== length) continue
    let same = 0
    while (same < length && tokenBytes[from + same] === bytes[start + same]) same++
    if (same === length) return id
  }
}
