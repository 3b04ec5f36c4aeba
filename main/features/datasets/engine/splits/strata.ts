import { AppError } from '../../../../../preload/contract/errors.ts'
import type { SplitSettings } from '../../../../../preload/contract/datasets.ts'
import { assertNever } from '../../../../lib/assert-never.ts'

/** The columns a division into strata can be made from. */
export interface StratumColumns {
  readonly rows: number
  readonly usable: Uint8Array
  readonly characters: Uint32Array
  readonly shape: Uint8Array
  /** Null until the scan pass has run. */
  readonly script: Uint8Array | null
}

/** Number of the stratum of each row; null when the rows are not stratified. */
export function strataOf(by: SplitSettings['stratifyBy'], columns: StratumColumns): Uint16Array | null {
  switch (by) {
    case 'none':
      return null
    case 'length':
      return lengthQuartiles(columns)
    case 'shape':
      return Uint16Array.from(columns.shape.subarray(0, columns.rows))
    case 'language':
      if (columns.script === null) {
        throw new AppError(
          'DATASET_NOT_READY',
          'The writing systems of the rows are not known yet. Divide the rows once they have been scanned, or choose another way.',
          { retryable: true },
        )
      }
      return Uint16Array.from(columns.script.subarray(0, columns.rows))
    default:
      return assertNever(by)
  }
}

/** Rows of equal length always share a stratum, so the order of the rows does not matter. */
function lengthQuartiles(columns: StratumColumns): Uint16Array {
  const lengths: number[] = []
  for (let row = 0; row < columns.rows; row += 1) {
    if (columns.usable[row] === 1) lengths.push(columns.characters[row] ?? 0)
  }
  const sorted = Uint32Array.from(lengths).sort()
  const edges = [0.25, 0.5, 0.75].map((share) => sorted[Math.floor(share * sorted.length)] ?? 0)
  const stratum = new Uint16Array(columns.rows)
  for (let row = 0; row < columns.rows; row += 1) {
    const length = columns.characters[row] ?? 0
    stratum[row] = edges.filter((edge) => length >= edge).length
  }
  return stratum
}
