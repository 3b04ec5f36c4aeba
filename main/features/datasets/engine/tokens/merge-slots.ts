/** Words of one slot: left id, right id, rank, id of the merged token. */
export const SLOT_WORDS = 4
const EMPTY = -1

/** Number of slots for so many merges: a power of two, at most half full. */
export function mergeSlotCount(merges: number): number {
  let slots = 16
  while (slots < merges * 2) slots *= 2
  return slots
}

/** Where the search for a pair of ids begins. */
export function firstMergeSlot(left: number, right: number, mask: number): number {
  const mixed = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b)
  return (mixed ^ (mixed >>> 15)) & mask
}

/** First word of a pair's slot, or -1 when the pair never merges. */
export function findMerge(slots: Int32Array, mask: number, left: number, right: number): number {
  let slot = firstMergeSlot(left, right, mask)
  for (;;) {
    const at = slot * SLOT_WORDS
    const found = slots[at] as number
    if (found === left && slots[at + 1] === right) return at
    if (found === EMPTY) return -1
    slot = (slot + 1) & mask
  }
}

/** Puts every merge (left, right, merged: three words each, in order of rank) into empty slots. */
export function fillMergeSlots(merges: Uint32Array, slots: Int32Array): void {
  slots.fill(EMPTY)
  const mask = slots.length / SLOT_WORDS - 1
  for (let word = 0; word < merges.length; word += 3) {
    const left = merges[word] as number
    const right = merges[word + 1] as number
    let slot = firstMergeSlot(left, right, mask)
    let at = slot * SLOT_WORDS
    // A pair that is listed twice keeps its last rank, as in the reference.
    while (slots[at] !== EMPTY && !(slots[at] === left && slots[at + 1] === right)) {
      slot = (slot + 1) & mask
      at = slot * SLOT_WORDS
    }
    slots[at] = left
    slots[at + 1] = right
    slots[at + 2] = word / 3
    slots[at + 3] = merges[word + 2] as number
  }
}
