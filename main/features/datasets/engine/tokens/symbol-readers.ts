import { codeAt, widthOf, WORD_MARK } from './junctions.ts'
import type { VocabularyTables } from './vocabulary-tables.ts'

/** Writes the ids that a piece begins with, before any merge, and answers how many there are. */
export type SymbolReader = (bytes: Uint8Array, start: number, end: number, ids: Int32Array) => number

/** Byte-level vocabularies: one id a byte. */
export function createByteReader({ byteIds }: VocabularyTables): SymbolReader {
  return (bytes, start, end, ids) => {
    let count = 0
    for (let at = start; at < end; at++) {
      const id = byteIds[bytes[at] as number] as number
      // Bytes that the vocabulary lacks vanish, as in the reference.
      if (id >= 0) ids[count++] = id
    }
    return count
  }
}

/** Vocabularies of characters: one id a character, its bytes where the vocabulary lacks it; a space is a word mark. */
export function createCharacterReader({ characterIds, byteIds }: VocabularyTables): SymbolReader {
  const spaceId = characterIds[WORD_MARK] as number
  return (bytes, start, end, ids) => {
    let count = 0
    let at = start
    while (at < end) {
      const code = codeAt(bytes, at)
      const next = at + widthOf(bytes[at] as number)
      const id = code === 0x20 ? spaceId : code < characterIds.length ? (characterIds[code] as number) : -1
      if (id >= 0) ids[count++] = id
      else for (let byte = at; byte < next; byte++) ids[count++] = byteIds[bytes[byte] as number] as number
      at = next
    }
    return count
  }
}
