import { sortByHash } from '../hash-order.ts'
import type { RowTable } from './filter-rows.ts'

/** Numbers of the chosen rows so that equal 64-bit hashes stand together, in file order within each group. */
export function sortedByHash(low: Uint32Array, high: Uint32Array, isChosen: (row: number) => boolean): Uint32Array {
  const chosen = new Uint32Array(low.length)
  let count = 0
  for (let row = 0; row < low.length; row += 1) {
    if (!isChosen(row)) continue
    chosen[count] = row
    count += 1
  }
  return sortByHash(chosen.slice(0, count), low, high)
}

/** Rows by their 64-bit hash, in one flat table. */
export interface HashSet {
  /** The row that was added first with the hash of this row; the row itself when there was none. */
  findOrAdd(row: number): number
}

/** Few enough to save memory, enough to find a free one within a few steps. */
const slotsPerRow = 1.4

/** Creates a set for so many rows. */
export function createHashSet(rows: number, low: Uint32Array, high: Uint32Array): HashSet {
  const capacity = 16 + Math.ceil(rows * slotsPerRow)
  const slots = new Int32Array(capacity).fill(-1)
  return {
    findOrAdd(row) {
      let slot = Math.floor(((low[row] as number) / 2 ** 32) * capacity)
      for (;;) {
        const known = slots[slot] as number
        if (known < 0) {
          slots[slot] = row
          return row
        }
        if (low[known] === low[row] && high[known] === high[row]) return known
        slot = slot + 1 === capacity ? 0 : slot + 1
      }
    },
  }
}

/** What tells whether two rows repeat each other: the folded conversation once the rows are scanned, the bytes before that. */
export function rowHashes({ columns, scan, dropped }: RowTable): {
  readonly low: Uint32Array
  readonly high: Uint32Array
  readonly isHashed: (row: number) => boolean
} {
  if (scan === null) {
    return { low: columns.hashLow, high: columns.hashHigh, isHashed: (row) => dropped[row] === 0 && columns.shape[row] !== 0 }
  }
  const { contentLow: low, contentHigh: high } = scan
  return { low, high, isHashed: (row) => dropped[row] === 0 && (low[row] !== 0 || high[row] !== 0) }
}
