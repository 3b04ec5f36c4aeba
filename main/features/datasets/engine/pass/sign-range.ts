import { signatureLength, type Signer } from '../hygiene/near-duplicates.ts'
import type { RowReader, RowReading } from '../row-model.ts'
import type { FillRange } from './fill-range.ts'
import type { RangeReader } from './range-reader.ts'
import { readRows } from './read-rows.ts'

/** Signs every row for the search of near duplicates; an unusable row has an empty (all zero) signature. */
export function createSignRange(ranges: RangeReader, rows: RowReader, signer: Signer): FillRange {
  let signatures = new Uint32Array(1024 * signatureLength)
  return (range, isCancelled) => {
    let count = 0
    let isEnded = false
    readRows(ranges, rows, range, (reading, bytes) => {
      if (isCancelled()) {
        isEnded = true
        return false
      }
      if ((count + 1) * signatureLength > signatures.length) {
        const larger = new Uint32Array(signatures.length * 2)
        larger.set(signatures)
        signatures = larger
      }
      signRow(signer, reading, bytes, signatures, count * signatureLength)
      count += 1
      return true
    })
    if (isEnded) return null
    return { rows: count, columns: signatures.slice(0, count * signatureLength).buffer }
  }
}

function signRow(signer: Signer, reading: RowReading | null, bytes: Buffer | null, out: Uint32Array, at: number): void {
  if (reading?.isPlainChat === true && bytes !== null && signer.signChat(bytes, reading.turns, out, at)) return
  const content = reading?.content ?? null
  if (content === null) out.fill(0, at, at + signatureLength)
  else signer.sign(content, out, at)
}
