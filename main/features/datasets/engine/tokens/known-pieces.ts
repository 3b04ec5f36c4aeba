import type { PieceMerger } from './piece-merger.ts'

/**
 * Token counts of pieces that any thread has merged, in memory that all threads share. An entry is written once, by the thread
 * that claimed it, so that every word of it is either zero or final for whoever reads it meanwhile. A piece that itself has a
 * word of zeros is never looked up; no other can be taken for one that is half written.
 */
export interface KnownPieces {
  /** Entries of 16 bytes for pieces of up to 15 bytes: the piece, its length and its count. */
  readonly shorts: Int32Array
  /** Entries of a cache line for pieces of up to 60 bytes, in the same order. */
  readonly longs: Int32Array
}

/** Two to the power of how many entries there are. */
export interface KnownPiecesSize {
  readonly shortBits: number
  readonly longBits: number
}

const SHORT_BYTES = 15
const SHORT_WORDS = 4
const LONG_BYTES = 60
const LONG_WORDS = 16
/** Pieces beyond `LONG_BYTES`, such as rules and runs of spaces, are kept as strings; so many, then all are dropped. */
const HUGE_BYTES = 2048
const HUGE_PIECES = 4096
/** Entries that are looked at before a piece is taken for unknown: those of one cache line, or as many lines. */
const WAYS = 4
const COUNT_SHIFT = 28
const KEY_MASK = 0x0fffffff
/** Stands in the last word of an entry while it is written; no piece has the length 0. */
const CLAIMED = 1 << COUNT_SHIFT
const LONG_CLAIMED = 1 << 8

/** Half a gigabyte of mixed text has about a million different short pieces and 300,000 long ones; memory is taken as they come. */
const usualSize: KnownPiecesSize = { shortBits: 20, longBits: 17 }

/** Makes empty tables. */
export function createKnownPieces({ shortBits, longBits }: KnownPiecesSize = usualSize): KnownPieces {
  return { shorts: sharedWords(SHORT_WORDS << shortBits), longs: sharedWords(LONG_WORDS << longBits) }
}

function sharedWords(words: number): Int32Array {
  return new Int32Array(new SharedArrayBuffer(words * 4))
}

/** Counts the tokens of the piece from `start` to `end`; up to 16 bytes behind it are read. */
export type CountPiece = (bytes: Buffer, view: DataView, start: number, end: number) => number

/** Looks pieces up in the shared tables, merges those that are unknown and enters them where there is room. */
export function createKnownPieceCounter({ shorts, longs }: KnownPieces, merger: PieceMerger): CountPiece {
  const huge = new Map<string, number>()
  const shortMask = shorts.length - 1
  const longMask = longs.length - 1

  const countShort: CountPiece = (bytes, view, start, end) => {
    const length = end - start
    const key0 = view.getInt32(start, true) & maskOf(length)
    const key1 = view.getInt32(start + 4, true) & maskOf(length - 4)
    const key2 = view.getInt32(start + 8, true) & maskOf(length - 8)
    const key3 = (view.getInt32(start + 12, true) & maskOf(length - 12)) | (length << 24)
    let hash = (Math.imul(key0, 0x9e3779b1) + Math.imul(key1, 0x85ebca6b) + Math.imul(key2, 0x27d4eb2f) + Math.imul(key3, 0x165667b1)) | 0
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
    hash ^= hash >>> 13
    const home = (hash * SHORT_WORDS) & shortMask
    if (key0 === 0 || (length > 4 && key1 === 0) || (length > 8 && key2 === 0)) return merger.merge(bytes, start, end)
    let at = home
    for (let way = 0; way < WAYS; way++) {
      const found = shorts[at + 3] as number
      if (found === 0) break
      if (((found ^ key3) & KEY_MASK) === 0 && shorts[at] === key0 && shorts[at + 1] === key1 && shorts[at + 2] === key2) {
        return found >>> COUNT_SHIFT
      }
      at = (home & ~15) | ((at + SHORT_WORDS) & 15)
    }
    const count = merger.merge(bytes, start, end)
    if (Atomics.compareExchange(shorts, at + 3, 0, CLAIMED) === 0) {
      shorts[at] = key0
      shorts[at + 1] = key1
      shorts[at + 2] = key2
      shorts[at + 3] = key3 | (count << COUNT_SHIFT)
    }
    return count
  }

  const countLong: CountPiece = (bytes, view, start, end) => {
    const length = end - start
    const words = length >> 2
    const rest = view.getInt32(start + words * 4, true) & maskOf(length & 3)
    let hash = length
    for (let word = 0; word < words; word++) {
      hash = Math.imul(hash ^ view.getInt32(start + word * 4, true), 0x2c1b3c6d)
      hash ^= hash >>> 15
    }
    hash = Math.imul(hash ^ rest, 0x297a2d39)
    hash ^= hash >>> 16
    let at = ((Math.imul(hash, 0x85ebca6b) >>> 4) * LONG_WORDS) & longMask
    for (let way = 0; way < WAYS; way++) {
      const tail = longs[at + 15] as number
      if (tail === 0) break
      if ((tail & 0xff) === length && longs[at + words] === rest && (rest !== 0 || (length & 3) === 0)) {
        let same = 0
        while (same < words && longs[at + same] !== 0 && longs[at + same] === view.getInt32(start + same * 4, true)) same++
        if (same === words) return tail >>> 8
      }
      at = (at + LONG_WORDS) & longMask
    }
    const count = merger.merge(bytes, start, end)
    if (Atomics.compareExchange(longs, at + 15, 0, LONG_CLAIMED) === 0) {
      for (let word = 0; word < words; word++) longs[at + word] = view.getInt32(start + word * 4, true)
      longs[at + words] = rest
      longs[at + 15] = length | (count << 8)
    }
    return count
  }

  const countHuge: CountPiece = (bytes, _view, start, end) => {
    if (end - start > HUGE_BYTES) return merger.merge(bytes, start, end)
    const text = bytes.toString('latin1', start, end)
    const known = huge.get(text)
    if (known !== undefined) return known
    const count = merger.merge(bytes, start, end)
    if (huge.size === HUGE_PIECES) huge.clear()
    huge.set(text, count)
    return count
  }

  return (bytes, view, start, end) => {
    const length = end - start
    if (length <= SHORT_BYTES) return countShort(bytes, view, start, end)
    return length <= LONG_BYTES ? countLong(bytes, view, start, end) : countHuge(bytes, view, start, end)
  }
}

/** Ones for as many bytes of a word. */
function maskOf(bytes: number): number {
  if (bytes >= 4) return -1
  return bytes <= 0 ? 0 : (1 << (bytes << 3)) - 1
}
