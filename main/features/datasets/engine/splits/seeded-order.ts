import { sortByHash } from '../hash-order.ts'
import type { RowGroups } from './row-groups.ts'

/** Groups in an order that depends on nothing but the seed and their names. */
export function orderGroups(groups: RowGroups, seed: number): Uint32Array<ArrayBuffer> {
  const keyLow = new Uint32Array(groups.count)
  const keyHigh = new Uint32Array(groups.count)
  const seedLow = seed >>> 0
  const seedHigh = Math.floor(seed / 0x1_0000_0000) >>> 0
  const roundKeys = [seedLow ^ 0x9e37_79b9, seedHigh ^ 0x85eb_ca6b, seedLow ^ 0xc2b2_ae35, seedHigh ^ 0x27d4_eb2f]
  const order = new Uint32Array(groups.count)
  for (let group = 0; group < groups.count; group += 1) {
    // A Feistel network never maps two names to one key, so the order has no ties.
    let left = groups.nameHigh[group] as number
    let right = groups.nameLow[group] as number
    for (const key of roundKeys) {
      const next = (left ^ scramble(right ^ key)) >>> 0
      left = right
      right = next
    }
    keyHigh[group] = left
    keyLow[group] = right
    order[group] = group
  }
  return sortByHash(order, keyLow, keyHigh)
}

/** Spreads a change of any bit of a 32-bit word over all of them. */
function scramble(word: number): number {
  let value = word | 0
  value = Math.imul(value ^ (value >>> 16), 0x85eb_ca6b)
  value = Math.imul(value ^ (value >>> 13), 0xc2b2_ae35)
  return (value ^ (value >>> 16)) >>> 0
}
