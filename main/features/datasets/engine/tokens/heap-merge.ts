import { NO_RANK, rankOfPair, slotMaskOf } from './merge-slots.ts'
import type { VocabularyTables } from './vocabulary-tables.ts'

/** Merges `count` ids in place by rank, leftmost first, and answers how many are left. */
export type HeapMerge = (ids: Int32Array, count: number) => number

/** Positions a heap key has room for; rank × this + position stays exact in a double. */
const POSITIONS = 2 ** 24

/** Merging for very long pieces: a binary heap of pairs over a linked list of symbols. */
export function createHeapMerge({ mergeSlots, mergedIds }: Pick<VocabularyTables, 'mergeSlots' | 'mergedIds'>): HeapMerge {
  const mask = slotMaskOf(mergeSlots)

  let next = new Int32Array(0)
  let previous = new Int32Array(0)
  let heap = createPairHeap(0)

  return (ids, count) => {
    if (count > next.length) {
      next = new Int32Array(count * 2)
      previous = new Int32Array(count * 2)
      heap = createPairHeap(count * 2)
    }
    for (let at = 0; at < count; at++) {
      next[at] = at + 1 === count ? -1 : at + 1
      previous[at] = at - 1
    }
    const offer = (left: number, right: number): void => {
      const rank = rankOfPair(mergeSlots, mask, ids[left] as number, ids[right] as number)
      if (rank !== NO_RANK) heap.push(rank * POSITIONS + left, ids[left] as number, ids[right] as number)
    }
    for (let at = 0; at + 1 < count; at++) offer(at, at + 1)
    let left = count
    while (heap.size() > 0) {
      const pair = heap.pop()
      const at = pair.key % POSITIONS
      const right = next[at] as number
      // Stale when either symbol has been merged since: then the ids no longer match.
      if (right < 0 || ids[at] !== pair.left || ids[right] !== pair.right) continue
      ids[at] = mergedIds[Math.floor(pair.key / POSITIONS)] as number
      const after = next[right] as number
      next[at] = after
      ids[right] = -1
      next[right] = -1
      left--
      if (after >= 0) {
        previous[after] = at
        offer(at, after)
      }
      const before = previous[at] as number
      if (before >= 0) offer(before, at)
    }
    compact(ids, next)
    return left
  }
}

function compact(ids: Int32Array, next: Int32Array): void {
  let to = 0
  for (let at = 0; at >= 0; at = next[at] as number) ids[to++] = ids[at] as number
}

interface Pair {
  key: number
  left: number
  right: number
}

/** A binary min-heap in three typed arrays; the popped pair is one re-used object. */
function createPairHeap(symbols: number): { push(key: number, left: number, right: number): void; pop(): Pair; size(): number } {
  // Each merge removes a symbol and offers two pairs at most.
  const keys = new Float64Array(symbols * 3)
  const lefts = new Int32Array(symbols * 3)
  const rights = new Int32Array(symbols * 3)
  const top: Pair = { key: 0, left: 0, right: 0 }
  let size = 0

  const move = (from: number, to: number): void => {
    keys[to] = keys[from] as number
    lefts[to] = lefts[from] as number
    rights[to] = rights[from] as number
  }
  const place = (at: number, key: number, left: number, right: number): void => {
    keys[at] = key
    lefts[at] = left
    rights[at] = right
  }
  const push = (key: number, left: number, right: number): void => {
    let at = size++
    while (at > 0) {
      const parent = (at - 1) >> 1
      if ((keys[parent] as number) <= key) break
      move(parent, at)
      at = parent
    }
    place(at, key, left, right)
  }
  const pop = (): Pair => {
    top.key = keys[0] as number
    top.left = lefts[0] as number
    top.right = rights[0] as number
    size--
    const key = keys[size] as number
    let at = 0
    for (;;) {
      let child = at * 2 + 1
      if (child >= size) break
      if (child + 1 < size && (keys[child + 1] as number) < (keys[child] as number)) child++
      if ((keys[child] as number) >= key) break
      move(child, at)
      at = child
    }
    place(at, key, lefts[size] as number, rights[size] as number)
    return top
  }
  return { push, pop, size: () => size }
}
