/** A literals header, the size of a table's description, and the longest description there is. */
export const longestTableHead = 5 + 1 + 127

const compressedLiterals = 2
const firstDirectWeights = 128
const largestAccuracy = 6

/**
 * True for a block whose table of Huffman weights holds one symbol only, which costs no bits and so never ends; the
 * unpacking library reads such a table for ever. No encoder writes one. `head` is the start of a compressed block.
 */
export function hasEndlessWeights(head: Buffer): boolean {
  const first = head[0] ?? 0
  if ((first & 3) !== compressedLiterals) return false
  const sizeFormat = (first >> 2) & 3
  const tableAt = sizeFormat < 2 ? 3 : sizeFormat + 2
  if ((head[tableAt] ?? firstDirectWeights) >= firstDirectWeights) return false
  const accuracy = ((head[tableAt + 1] ?? 0) & 15) + 5
  if (accuracy > largestAccuracy) return false
  return firstShare(head, (tableAt + 1) * 8 + 4, accuracy) === 1 << accuracy
}

/** Share of the first symbol that has any, in places of a table of 2^accuracy (RFC 8878, section 4.1.1). */
function firstShare(head: Buffer, fromBit: number, accuracy: number): number {
  const size = 1 << accuracy
  let bit = fromBit
  const read = (count: number) => {
    const byte = bit >> 3
    const three = (head[byte] ?? 0) | ((head[byte + 1] ?? 0) << 8) | ((head[byte + 2] ?? 0) << 16)
    return (three >> (bit & 7)) & ((1 << count) - 1)
  }
  for (let symbol = 0; symbol < 256; symbol += 1) {
    // Nothing has been given away yet, so that size + 1 values are possible: the smaller ones take a bit less.
    const bits = accuracy
    const mask = (1 << (bits + 1)) - 1
    const spare = mask - size - 1
    const value = read(bits + 1)
    const short = value & ((1 << bits) - 1)
    bit += short < spare ? bits : bits + 1
    const share = (short < spare ? short : value >= 1 << bits ? value - spare : value) - 1
    if (share !== 0) return share
    for (let repeats = 3; repeats === 3; bit += 2) {
      repeats = read(2)
      symbol += repeats
    }
  }
  return 0
}
