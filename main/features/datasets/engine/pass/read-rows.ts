import type { RowContent, RowReader } from '../row-model.ts'
import type { ByteRange, LineCounts, RangeReader } from './range-reader.ts'

/** Calls `onRow` for every row of a range in the order of the check pass, with null for one that cannot be used. */
export function readRows(
  ranges: RangeReader,
  rows: RowReader,
  range: ByteRange,
  onRow: (content: RowContent | null) => boolean,
): LineCounts {
  return ranges.read(range, ({ bytes }) => {
    if (bytes === null) return onRow(null)
    const reading = rows.read(bytes)
    return reading.isMetadata || onRow(reading.content)
  })
}
