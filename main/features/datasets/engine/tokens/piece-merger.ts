import { createHeapMerge } from './heap-merge.ts'
import { NO_RANK, rankOfPair, slotMaskOf } from './merge-slots.ts'
import type { SymbolReader } from './symbol-readers.ts'
import type { VocabularyTables } from './vocabulary-tables.ts'
import { findWholeToken } from './whole-tokens.ts'

/** Merges one piece of text into tokens; the ids stand at the beginning of `ids` until the next piece. */
export interface PieceMerger {
  /** Number of tokens of the bytes from `start` to `end`. */
  merge(bytes: Uint8Array, start: number, end: number): number
  /** Ids of the piece merged last; longer pieces replace the array. */
  ids(): Int32Array
}

/** Longer pieces go through a heap, because the plain search for the lowest rank costs quadratic time. */
const LONGEST_PLAIN = 160

/** Builds the merge code of one vocabulary. */
export function createPieceMerger(tables: VocabularyTables, readSymbols: SymbolReader, ignoresMerges: boolean): PieceMerger {
  const { mergeSlots, mergedIds, tokenOffsets, pairRanks } = tables
  // Only where every byte is a symbol do the symbols stand beside each other as the bytes do.
  const hasBytePairs = tables.characterIds.length === 0 && !tables.byteIds.includes(-1)
  const mask = slotMaskOf(mergeSlots)
  const longestToken = ignoresMerges ? longestOf(tokenOffsets) : 0
  const mergeByHeap = createHeapMerge(tables)
  let ids = new Int32Array(LONGEST_PLAIN + 1)
  const ranks = new Int32Array(LONGEST_PLAIN + 1)

  const rankAt = (index: number): void => {
    ranks[index] = rankOfPair(mergeSlots, mask, ids[index] as number, ids[index + 1] as number)
  }

  const mergePlain = (symbols: number): number => {
    let count = symbols
    for (;;) {
      let best = 0
      let bestRank = ranks[0] as number
      for (let index = 1; index < count - 1; index++) {
        if ((ranks[index] as number) < bestRank) {
          bestRank = ranks[index] as number
          best = index
        }
      }
      if (bestRank === NO_RANK) return count
      ids[best] = mergedIds[bestRank] as number
      count--
      if (count === 1) return 1
      // A plain loop: on arrays this short it beats the built-in copy.
      for (let index = best + 1; index < count; index++) {
        ids[index] = ids[index + 1] as number
        ranks[index] = ranks[index + 1] as number
      }
      if (best > 0) rankAt(best - 1)
      if (best < count - 1) rankAt(best)
    }
  }

  const merge = (bytes: Uint8Array, start: number, end: number): number => {
    const length = end - start
    if (length <= longestToken) {
      const id = findWholeToken(tables, bytes, start, end)
      if (id >= 0) {
        ids[0] = id
        return 1
      }
    }
    if (length > ids.length) ids = new Int32Array(length * 2)
    const symbols = readSymbols(bytes, start, end, ids)
    if (symbols <= 1) return symbols
    if (symbols > LONGEST_PLAIN) return mergeByHeap(ids, symbols)
    if (!hasBytePairs) for (let index = 0; index < symbols - 1; index++) rankAt(index)
    else {
      for (let index = 0; index < symbols - 1; index++) {
        const pair = ((bytes[start + index] as number) << 8) | (bytes[start + index + 1] as number)
        ranks[index] = pairRanks[pair] as number
      }
    }
    return mergePlain(symbols)
  }

  return { merge, ids: () => ids }
}

function longestOf(tokenOffsets: Uint32Array): number {
  let longest = 0
  for (let id = 0; id + 1 < tokenOffsets.length; id++) {
    longest = Math.max(longest, (tokenOffsets[id + 1] as number) - (tokenOffsets[id] as number))
  }
  return longest
}
