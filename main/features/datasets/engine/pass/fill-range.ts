import { makeScanColumns, makeTokenColumns, packColumns, scanColumnLayout, tokenColumnLayout, type ColumnLayout } from '../columns.ts'
import type { RowScanner } from '../hygiene/row-scanner.ts'
import type { RowReader, RowReading, RowTokens } from '../row-model.ts'
import { writeScan } from '../view/row-facts.ts'
import type { ByteRange, RangeReader } from './range-reader.ts'
import { readRows } from './read-rows.ts'

/** Columns of a pass that runs behind the check. */
export interface FilledRange {
  readonly rows: number
  readonly columns: ArrayBuffer
}

/** Fills one range; null when it was cancelled. */
export type FillRange = (range: ByteRange, isCancelled: () => boolean) => FilledRange | null

/** Counts the tokens of every usable row. */
export function createTokenRange(ranges: RangeReader, rows: RowReader, tokens: RowTokens): FillRange {
  return createFill({ ranges, rows }, tokenColumnLayout, makeTokenColumns, (columns, row, reading, bytes) => {
    const counted = reading === null || bytes === null ? null : countTokens(tokens, reading, bytes)
    columns.total[row] = counted?.total ?? 0
    columns.trained[row] = counted?.trained ?? 0
  })
}

/** Looks for personal data, secrets and quality problems, and hashes the normalised rows. */
export function createScanRange(ranges: RangeReader, rows: RowReader, scanner: RowScanner): FillRange {
  return createFill({ ranges, rows }, scanColumnLayout, makeScanColumns, (columns, row, reading) => {
    const content = reading?.content ?? null
    writeScan(columns, row, content === null ? null : scanner.scan(content))
  })
}

function countTokens(tokens: RowTokens, reading: RowReading, bytes: Buffer): { total: number; trained: number } | null {
  const counted = reading.isPlainChat ? tokens.countPlainChat(bytes, reading.turns) : null
  if (counted !== null) return counted
  const { content } = reading
  return content === null ? null : tokens.count(content)
}

function createFill<Name extends string, Values extends Readonly<Record<Name, Uint32Array | Uint8Array>>>(
  source: { readonly ranges: RangeReader; readonly rows: RowReader },
  layout: ColumnLayout<Name>,
  make: (rows: number) => Values,
  fillRow: (columns: Values, row: number, reading: RowReading | null, bytes: Buffer | null) => void,
): FillRange {
  let capacity = 4096
  let columns = make(capacity)
  const grow = () => {
    const larger = make(capacity * 2)
    for (const name of Object.keys(layout) as Name[]) larger[name].set(columns[name])
    columns = larger
    capacity *= 2
  }
  return (range, isCancelled) => {
    let count = 0
    let isEnded = false
    readRows(source.ranges, source.rows, range, (reading, bytes) => {
      if (isCancelled()) {
        isEnded = true
        return false
      }
      if (count === capacity) grow()
      fillRow(columns, count, reading, bytes)
      count += 1
      return true
    })
    return isEnded ? null : { rows: count, columns: packColumns(layout, columns, count) }
  }
}
