import type { RowReader, RowReading } from '../row-model.ts'
import type { ByteRange, LineCounts, RangeReader } from './range-reader.ts'

/** A row as it was read; the bytes are valid during the call. Null stands for one that is too long to be read. */
export type OnRow = (reading: RowReading | null, bytes: Buffer | null) => boolean

/** Calls `onRow` for every row of a range in the order of the check pass. */
export function readRows(ranges: RangeReader, rows: RowReader, range: ByteRange, onRow: OnRow): LineCounts {
  return ranges.read(range, ({ bytes }) => {
    if (bytes === null) return onRow(null, null)
    const reading = rows.read(bytes)
    return reading.isMetadata || onRow(reading, bytes)
  })
}
