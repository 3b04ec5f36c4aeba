import { deflateRawSync, inflateRawSync } from 'node:zlib'

/** Packs ascending row numbers for storage: differences as little-endian words, deflated, in base64. */
export function packRows(rows: Uint32Array): string {
  const differences = new Uint32Array(rows.length)
  let before = 0
  rows.forEach((row, at) => {
    differences[at] = row - before
    before = row
  })
  return deflateRawSync(new Uint8Array(differences.buffer)).toString('base64')
}

/** The row numbers behind `packRows`; throws on what it did not write. */
export function unpackRows(text: string): Uint32Array {
  const bytes = inflateRawSync(Buffer.from(text, 'base64'), { maxOutputLength: 4 * 2 ** 28 })
  if (bytes.length % 4 !== 0) throw new Error('A stored set of rows is damaged.')
  const rows = new Uint32Array(bytes.length / 4)
  new Uint8Array(rows.buffer).set(bytes)
  let before = 0
  rows.forEach((difference, at) => {
    before += difference
    rows[at] = before
  })
  return rows
}
