import type { RowContent } from '../row-model.ts'
import { createRowUnion } from './row-union.ts'
import { createChatShingles } from './shingle-code.ts'
import { createShingleReader } from './shingles.ts'

/** Values of one signature. */
export const signatureLength = 128

/** Signs rows, so that the share of equal values of two signatures estimates how many shingles the rows share. */
export interface Signer {
  /** Writes 128 values to `out` from index `at`; all of them are 0 for a row without words. */
  sign(content: RowContent, out: Uint32Array, at: number): void
  /** The same from the bytes of a row that is a plain chat; false where its content has to be signed. */
  signChat(row: Uint8Array, turns: number, out: Uint32Array, at: number): boolean
  /** The exact share: shingles that both rows have, of those that either has. */
  jaccardOf(a: RowContent, b: RowContent): number
}

/** Creates a signer; one per thread. One-permutation MinHash: every shingle goes to one bin, which keeps its least value. */
export function createSigner(): Signer {
  const reader = createShingleReader()
  const chats = createChatShingles()
  const probes = createProbes()

  return {
    sign(content, out, at) {
      const { hashes, count } = reader.read(content)
      const end = at + signatureLength
      out.fill(0, at, end)
      if (count === 0) return
      // Greatest complement instead of least value, so that an empty bin is 0 and needs no test.
      let filled = 0
      for (let index = 0; index < count; index += 1) {
        let hash = hashes[index] as number
        hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
        hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
        const bin = at + (hash >>> 25)
        const value = Math.imul(hash ^ (hash >>> 15), 0x27d4eb2f) >>> 0
        const kept = out[bin] as number
        if (value > kept) {
          if (kept === 0) filled += 1
          out[bin] = value
        }
      }
      if (filled < signatureLength) fillEmptyBins(out, at, probes)
    },
    signChat(row, turns, out, at) {
      const bins = chats.read(row, turns)
      if (bins === null) return false
      out.set(bins, at)
      const filled = bins.reduce((sum, value) => (value === 0 ? sum : sum + 1), 0)
      if (filled > 0 && filled < signatureLength) fillEmptyBins(out, at, probes)
      return true
    },
    jaccardOf(a, b) {
      const ofA = setOf(reader.read(a))
      const ofB = setOf(reader.read(b))
      let shared = 0
      for (const hash of ofA) if (ofB.has(hash)) shared += 1
      const either = ofA.size + ofB.size - shared
      return either === 0 ? 0 : shared / either
    },
  }
}

function setOf({ hashes, count }: { hashes: Int32Array; count: number }): Set<number> {
  return new Set(hashes.subarray(0, count))
}

/** Per bin the order in which others are asked for a value: the same for all rows, and spread over all bins. */
function createProbes(): Uint8Array {
  const probes = new Uint8Array(signatureLength * signatureLength)
  let state = 0x2f6e2b1
  for (let bin = 0; bin < signatureLength; bin += 1) {
    const order = Array.from({ length: signatureLength }, (_, other) => other)
    for (let left = signatureLength - 1; left > 0; left -= 1) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      const chosen = Math.floor((state / 2 ** 32) * (left + 1))
      const moved = order[left] ?? 0
      order[left] = order[chosen] ?? 0
      order[chosen] = moved
    }
    probes.set(order, bin * signatureLength)
  }
  return probes
}

/** An empty bin borrows from the first bin of its own order that had a value of its own. */
function fillEmptyBins(out: Uint32Array, at: number, probes: Uint8Array): void {
  const own = out.slice(at, at + signatureLength)
  for (let bin = 0; bin < signatureLength; bin += 1) {
    if (own[bin] !== 0) continue
    let probe = bin * signatureLength
    while (own[probes[probe] as number] === 0) probe += 1
    out[at + bin] = own[probes[probe] as number] as number
  }
}

/** Groups of near duplicates, per signature. */
export interface NearDuplicates {
  /** Number of the group from 1; 0 for a row that is like no other. */
  readonly groupOf: Uint32Array
  /** Estimated share of shingles in common with the group's first row; 1 for that row. */
  readonly similarityOf: Float32Array
  readonly groups: number
}

/** How alike two rows are, counted exactly; for pairs whose estimate lies close to the threshold. */
export type ExactSimilarity = (first: number, second: number) => number

/** Rows in one bucket that are compared with each newcomer: more are only met by text made from one template. */
const longestChain = 16
/** The estimate is off by less than this in 95 of 100 cases. */
const uncertainty = 0.08

/**
 * Groups signatures by likeness. Rows that agree in one of several bands of values are candidates; candidates whose
 * signatures agree in at least `threshold` of all values belong together. Every row of a group is that like its first row.
 * The answer depends on the signatures alone: compute them in any number of parts.
 */
export function groupNearDuplicates(signatures: Uint32Array, threshold: number, exact?: ExactSimilarity): NearDuplicates {
  const rows = Math.floor(signatures.length / signatureLength)
  const union = createRowUnion(rows)
  const isAlike = (first: number, second: number) => {
    const estimate = similarityOf(signatures, first, second, threshold - uncertainty)
    if (exact !== undefined && Math.abs(estimate - threshold) < uncertainty) return exact(first, second) >= threshold
    return estimate >= threshold
  }
  const { bands, width } = bandsFor(threshold)
  for (let band = 0; band < bands; band += 1) {
    joinBand(signatures, rows, band * width, width, (first, second) => {
      if (union.rootOf(first) === union.rootOf(second)) return true
      if (!isAlike(first, second)) return false
      union.join(first, second)
      return true
    })
  }
  return groupsAround(signatures, rows, union.rootOf, isAlike)
}

/** Bands that let a pair at the threshold through in at least 95 of 100 cases; wider ones spare comparisons. */
function bandsFor(threshold: number): { bands: number; width: number } {
  if (threshold >= 0.9) return { bands: 16, width: 8 }
  if (threshold >= 0.75) return { bands: 25, width: 5 }
  return threshold >= 0.6 ? { bands: 32, width: 4 } : { bands: 42, width: 3 }
}

/** Offers every row to the earlier rows of its bucket until one takes it; keeps it as a further one otherwise. */
function joinBand(
  signatures: Uint32Array,
  rows: number,
  offset: number,
  width: number,
  offer: (first: number, second: number) => boolean,
): void {
  const capacity = 2 ** Math.ceil(Math.log2(Math.max(16, rows * 2)))
  const heads = new Int32Array(capacity).fill(-1)
  const nextOf = new Int32Array(rows).fill(-1)
  // Told apart by their hashes, rows of one slot need no look at their signatures, which lie all over the memory.
  const hashOf = new Int32Array(rows)
  for (let row = 0; row < rows; row += 1) {
    const from = row * signatureLength + offset
    if (signatures[from] === 0) continue
    const hash = hashOfBand(signatures, from, width)
    hashOf[row] = hash
    let slot = hash & (capacity - 1)
    // Open addressing: a slot belongs to the band of the row that took it.
    for (let head = heads[slot] as number; head !== -1; head = heads[slot] as number) {
      if (hashOf[head] === hash && hasSameBand(signatures, head * signatureLength + offset, from, width)) break
      slot = (slot + 1) & (capacity - 1)
    }
    let last = -1
    let length = 0
    let known = heads[slot] as number
    while (known !== -1 && !offer(known, row)) {
      last = known
      known = nextOf[known] as number
      length += 1
    }
    if (known !== -1 || length >= longestChain) continue
    if (last === -1) heads[slot] = row
    else nextOf[last] = row
  }
}

function hashOfBand(signatures: Uint32Array, from: number, width: number): number {
  let hash = 0x811c9dc5
  for (let at = from; at < from + width; at += 1) {
    hash = Math.imul(hash ^ (signatures[at] as number), 0x85ebca6b)
    hash ^= hash >>> 15
  }
  return hash | 0
}

function hasSameBand(signatures: Uint32Array, first: number, second: number, width: number): boolean {
  for (let at = 0; at < width; at += 1) if (signatures[first + at] !== signatures[second + at]) return false
  return true
}

/** Share of equal values; gives up as soon as `least` is out of reach. */
function similarityOf(signatures: Uint32Array, first: number, second: number, least: number): number {
  const firstAt = first * signatureLength
  const secondAt = second * signatureLength
  const mostDifferent = (1 - least) * signatureLength
  let different = 0
  for (let at = 0; at < signatureLength; at += 1) {
    if (signatures[firstAt + at] === signatures[secondAt + at]) continue
    different += 1
    if (different > mostDifferent) return 0
  }
  return 1 - different / signatureLength
}

/** First rows a row is compared with before it counts as like no other. */
const mostLeaders = 256

/** Cuts chains (A like B, B like C, A unlike C) so that every row is like the first row of its group. */
function groupsAround(
  signatures: Uint32Array,
  rows: number,
  rootOf: (row: number) => number,
  isAlike: (first: number, second: number) => boolean,
): NearDuplicates {
  const leadersOf = new Map<number, number[]>()
  const leaderOf = new Int32Array(rows).fill(-1)
  const sizeOf = new Uint32Array(rows)
  for (let row = 0; row < rows; row += 1) {
    const root = rootOf(row)
    const leaders = leadersOf.get(root)
    const leader = leaders?.find((first) => isAlike(first, row)) ?? row
    leaderOf[row] = leader
    sizeOf[leader] = (sizeOf[leader] as number) + 1
    if (leader !== row) continue
    if (leaders === undefined) leadersOf.set(root, [row])
    else if (leaders.length < mostLeaders) leaders.push(row)
  }
  const groupOf = new Uint32Array(rows)
  const shares = new Float32Array(rows)
  let groups = 0
  for (let row = 0; row < rows; row += 1) {
    const leader = leaderOf[row] as number
    if ((sizeOf[leader] as number) < 2) continue
    if (leader === row) {
      groups += 1
      groupOf[row] = groups
      shares[row] = 1
    } else {
      groupOf[row] = groupOf[leader] as number
      shares[row] = similarityOf(signatures, leader, row, 0)
    }
  }
  return { groupOf, similarityOf: shares, groups }
}
