/** Puts `rows` into ascending order of their 64-bit hashes; equal hashes keep their order. */
export function sortByHash(rows: Uint32Array<ArrayBuffer>, low: Uint32Array, high: Uint32Array): Uint32Array<ArrayBuffer> {
  let from = rows
  let to = new Uint32Array(rows.length)
  for (const [words, shift] of [
    [low, 0],
    [low, 16],
    [high, 0],
    [high, 16],
  ] as const) {
    sortByDigit(from, to, words, shift)
    const free = from === rows ? new Uint32Array(rows.length) : from
    from = to
    to = free
  }
  return from
}

/** One stable counting pass over 16 bits. */
function sortByDigit(from: Uint32Array, to: Uint32Array, words: Uint32Array, shift: number): void {
  const places = new Uint32Array(65_536)
  for (let index = 0; index < from.length; index += 1) {
    const digit = ((words[from[index] as number] as number) >>> shift) & 0xffff
    places[digit] = (places[digit] as number) + 1
  }
  let place = 0
  for (let digit = 0; digit < 65_536; digit += 1) {
    const count = places[digit] as number
    places[digit] = place
    place += count
  }
  for (let index = 0; index < from.length; index += 1) {
    const row = from[index] as number
    const digit = ((words[row] as number) >>> shift) & 0xffff
    const at = places[digit] as number
    places[digit] = at + 1
    to[at] = row
  }
}
