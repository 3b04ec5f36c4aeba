import { END_BYTE } from './character-classes.ts'
import { codeAt, hasJunction, widthOf, WORD_MARK } from './junctions.ts'
import type { Scanner } from './scanner.ts'
import type { VocabularyTables } from './vocabulary-tables.ts'

/**
 * The split of vocabularies that merge across the whole text: a cut between two characters is exact wherever no merge has a left
 * part that ends with the first and a right part that begins with the second, because then no token can span it.
 */
export function createJunctionScanner(tables: VocabularyTables): Scanner {
  const { asciiJunctions } = tables
  return (bytes, from, ends) => {
    let at = from
    let count = 0
    while (count < ends.length && bytes[at] !== END_BYTE) {
      let last = at
      for (;;) {
        const code = bytes[last] as number
        const next = last + (code < 0x80 ? 1 : widthOf(code))
        const following = bytes[next] as number
        at = next
        if (following === END_BYTE) break
        if (code < 0x80 && following < 0x80) {
          if (asciiJunctions[(code << 7) | following] === 0) break
        } else if (!hasJunction(tables, plain(codeAt(bytes, last)), plain(codeAt(bytes, next)))) break
        last = next
      }
      ends[count++] = at
    }
    return count
  }
}

/** The visible word mark counts as the space it stands for. */
function plain(code: number): number {
  return code === WORD_MARK ? 0x20 : code
}
