/** Words of one slot: the pair and its rank in 60 bits. A rank is asked for far more often than followed, so a slot is kept small. */
const SLOT_WORDS = 2
const EMPTY = -1
/** Ids and ranks are below this. */
const LIMIT = 1 << 20
const LOW_BITS = 12
const LOW_MASK = (1 << LOW_BITS) - 1
const HIGH_BITS = 8
const HIGH_MASK = (1 << HIGH_BITS) - 1

/** Rank of a pair that never merges. */
export const NO_RANK = 0x7fffffff

/** Words of the table for so many merges: a power of two of slots, at most two thirds full. */
export function mergeTableWords(merges: number): number {
  let slots = 16
  while (slots * 2 < merges * 3) slots *= 2
  return slots * SLOT_WORDS
}

/** Where the search for a pair of ids begins. */
function firstSlot(left: number, right: number, mask: number): number {
  const mixed = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b)
  return (mixed ^ (mixed >>> 15)) & mask
}

/** Rank of the merge of a pair of ids; NO_RANK when it never merges. `mask` is the number of slots less one. */
export function rankOfPair(slots: Int32Array, mask: number, left: number, right: number): number {
  const key = left | ((right & LOW_MASK) << 20)
  const high = right >> LOW_BITS
  let slot = firstSlot(left, right, mask)
  for (;;) {
    const found = slots[slot * SLOT_WORDS] as number
    if (found === key) {
      const rest = slots[slot * SLOT_WORDS + 1] as number
      if ((rest & HIGH_MASK) === high) return rest >> HIGH_BITS
    }
    if (found === EMPTY) return NO_RANK
    slot = (slot + 1) & mask
  }
}

/** What `rankOfPair` is given with a table of so many words. */
export function slotMaskOf(slots: Int32Array): number {
  return slots.length / SLOT_WORDS - 1
}

/** Puts every merge (left, right, merged: three words each, in order of rank) into empty slots, and what it makes by its rank. */
export function fillMergeSlots(merges: Uint32Array, slots: Int32Array, mergedIds: Int32Array): void {
  slots.fill(EMPTY)
  const mask = slotMaskOf(slots)
  for (let word = 0; word < merges.length; word += 3) {
    const left = merges[word] as number
    const right = merges[word + 1] as number
    const rank = word / 3
    // The last id of all would look like an empty slot together with the last half of another.
    if (Math.max(left, right, rank) >= LIMIT - 1) throw new Error('The vocabulary is too large for its table of merges.')
    const key = left | ((right & LOW_MASK) << 20)
    let slot = firstSlot(left, right, mask)
    // A pair that is listed twice keeps its last rank, as in the reference.
    while (slots[slot * SLOT_WORDS] !== EMPTY && !isPair(slots, slot, key, right)) slot = (slot + 1) & mask
    slots[slot * SLOT_WORDS] = key
    slots[slot * SLOT_WORDS + 1] = (rank << HIGH_BITS) | (right >> LOW_BITS)
    mergedIds[rank] = merges[word + 2] as number
  }
}

function isPair(slots: Int32Array, slot: number, key: number, right: number): boolean {
  return slots[slot * SLOT_WORDS] === key && ((slots[slot * SLOT_WORDS + 1] as number) & HIGH_MASK) === right >> LOW_BITS
}
