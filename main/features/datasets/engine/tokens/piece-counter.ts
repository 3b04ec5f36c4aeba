import type { PieceMerger } from './piece-merger.ts'

/** Sums the tokens of many pieces, each looked up by its very bytes before it is merged. */
export interface PieceCounter {
  /** Tokens of the pieces that begin at `at` and end at the first `count` of `ends`. */
  tally(bytes: Buffer, view: DataView, at: number, ends: Int32Array, count: number): number
}

/** Bytes that must be readable behind the last piece, because pieces are read in whole words. */
export const READ_AHEAD = 16

const SHORT_BYTES = 15
const SHORT_WORDS = 4
const LONG_BYTES = 60
const LONG_WORDS = 16
/** Pieces beyond `LONG_BYTES`, such as rules and runs of spaces, are kept as strings; so many, then all are dropped. */
const HUGE_BYTES = 2048
const HUGE_PIECES = 4096
const COUNT_SHIFT = 28
const KEY_MASK = 0x0fffffff

/**
 * A cache of token counts. Pieces of up to 15 bytes take 16-byte entries that hold the piece itself, its length and its count, so
 * that comparing four words is both the look-up and the proof; longer ones, up to 60 bytes, take entries of one cache line.
 */
export function createPieceCounter(merger: PieceMerger, { shortBits, longBits }: { shortBits: number; longBits: number }): PieceCounter {
  const shorts = new Int32Array(SHORT_WORDS << shortBits)
  const longs = new Int32Array(LONG_WORDS << longBits)
  const huge = new Map<string, number>()
  const shortShift = 32 - shortBits
  const longShift = 32 - longBits

  const missShort = (
    bytes: Uint8Array,
    start: number,
    length: number,
    home: number,
    key0: number,
    key1: number,
    key2: number,
    key3: number,
  ) => {
    const count = merger.merge(bytes, start, start + length)
    let at = home
    // The four entries of a cache line are one set; the home entry goes when all are taken.
    for (let way = 0; way < 4; way++) {
      const candidate = (home & ~15) | ((home + way * SHORT_WORDS) & 15)
      if (shorts[candidate + 3] === 0) {
        at = candidate
        break
      }
    }
    shorts[at] = key0
    shorts[at + 1] = key1
    shorts[at + 2] = key2
    shorts[at + 3] = key3 | (count << COUNT_SHIFT)
    return count
  }

  const countLong = (bytes: Uint8Array, view: DataView, start: number, length: number): number => {
    const words = length >> 2
    const rest = view.getInt32(start + words * 4, true) & ((1 << ((length & 3) << 3)) - 1)
    let hash = length
    for (let word = 0; word < words; word++) {
      hash = Math.imul(hash ^ view.getInt32(start + word * 4, true), 0x2c1b3c6d)
      hash ^= hash >>> 15
    }
    hash = Math.imul(hash ^ rest, 0x297a2d39)
    hash ^= hash >>> 16
    const at = (Math.imul(hash, 0x85ebca6b) >>> longShift) * LONG_WORDS
    const tail = longs[at + 15] as number
    if ((tail & 0xff) === length && longs[at + words] === rest) {
      let same = 0
      while (same < words && longs[at + same] === view.getInt32(start + same * 4, true)) same++
      if (same === words) return tail >>> 8
    }
    const count = merger.merge(bytes, start, start + length)
    for (let word = 0; word < words; word++) longs[at + word] = view.getInt32(start + word * 4, true)
    longs[at + words] = rest
    longs[at + 15] = length | (count << 8)
    return count
  }

  const countHuge = (bytes: Buffer, start: number, end: number): number => {
    if (end - start > HUGE_BYTES) return merger.merge(bytes, start, end)
    const text = bytes.toString('latin1', start, end)
    const known = huge.get(text)
    if (known !== undefined) return known
    const count = merger.merge(bytes, start, end)
    if (huge.size === HUGE_PIECES) huge.clear()
    huge.set(text, count)
    return count
  }

  // One long function on purpose: this loop is where the time of a whole file goes.
  const tally = (bytes: Buffer, view: DataView, from: number, ends: Int32Array, count: number): number => {
    let total = 0
    let start = from
    for (let piece = 0; piece < count; piece++) {
      const end = ends[piece] as number
      const length = end - start
      if (length > SHORT_BYTES) {
        total += length > LONG_BYTES ? countHuge(bytes, start, end) : countLong(bytes, view, start, length)
        start = end
        continue
      }
      let key0 = view.getInt32(start, true)
      let key1 = 0
      let key2 = 0
      let key3 = length << 24
      if (length < 4) key0 &= (1 << (length << 3)) - 1
      else if (length < 8) key1 = view.getInt32(start + 4, true) & ((1 << ((length - 4) << 3)) - 1)
      else {
        key1 = view.getInt32(start + 4, true)
        if (length < 12) key2 = view.getInt32(start + 8, true) & ((1 << ((length - 8) << 3)) - 1)
        else {
          key2 = view.getInt32(start + 8, true)
          key3 |= view.getInt32(start + 12, true) & ((1 << ((length - 12) << 3)) - 1)
        }
      }
      let hash = (Math.imul(key0, 0x9e3779b1) + Math.imul(key1, 0x85ebca6b) + Math.imul(key2, 0x27d4eb2f) + Math.imul(key3, 0x165667b1)) | 0
      hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
      const home = (hash >>> shortShift) * SHORT_WORDS
      let at = home
      let way = 0
      let found = 0
      do {
        found = shorts[at + 3] as number
        if (shorts[at] === key0 && ((found ^ key3) & KEY_MASK) === 0 && shorts[at + 1] === key1 && shorts[at + 2] === key2) break
        at = (home & ~15) | ((at + SHORT_WORDS) & 15)
        way++
      } while (way < 4)
      total += way < 4 ? found >>> COUNT_SHIFT : missShort(bytes, start, length, home, key0, key1, key2, key3)
      start = end
    }
    return total
  }

  return { tally }
}
