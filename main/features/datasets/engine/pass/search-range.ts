import type { RowReader } from '../row-model.ts'
import type { ByteRange, RangeReader } from './range-reader.ts'
import { createTextMatcher } from './text-matcher.ts'

/**
 * Finds the rows of a range whose texts hold what is searched for; null when cancelled. The answer is the number of lines in
 * the range, then for each row found its first byte in the file and its line within the range (from 0).
 */
export type SearchRange = (range: ByteRange, isCancelled: () => boolean) => Float64Array<ArrayBuffer> | null

/** Creates the search for one text, in upper or lower case. */
export function createSearchRange(ranges: RangeReader, rows: RowReader, text: string): SearchRange {
  const matcher = createTextMatcher(text)
  return (range, isCancelled) => {
    const found = [0]
    let isEnded = false
    const { lines } = ranges.read(range, ({ bytes, offset, lineInRange }) => {
      if (isCancelled()) {
        isEnded = true
        return false
      }
      if (bytes === null || !matcher.mayHold(bytes)) return true
      const { content, isMetadata } = rows.read(bytes)
      if (!isMetadata && (content === null || matcher.holds(content))) found.push(offset, lineInRange)
      return true
    })
    found[0] = lines
    return isEnded ? null : new Float64Array(found)
  }
}
