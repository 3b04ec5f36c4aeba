import type { RowReader } from '../row-model.ts'
import type { ByteRange, RangeReader } from './range-reader.ts'
import { createTextMatcher } from './text-matcher.ts'

const newline = 10
const carriageReturn = 13

/**
 * Finds the rows of a range whose texts hold what is searched for; null when cancelled. The answer is the number of lines in
 * the range, then for each row found its first byte in the file and its line within the range (from 0).
 */
export type SearchRange = (range: ByteRange, isCancelled: () => boolean) => Float64Array<ArrayBuffer> | null

/** Creates the search for one text, in upper or lower case. */
export function createSearchRange(ranges: RangeReader, rows: RowReader, text: string): SearchRange {
  const matcher = createTextMatcher(text)
  return (range, isCancelled) => {
    const { bytes, offset } = ranges.readWhole(range)
    const found = [0]
    let lines = 0
    let lineStart = 0
    /** Counts the lines up to the one that holds a place; answers where that line starts. */
    const goTo = (place: number): number => {
      for (;;) {
        const end = bytes.indexOf(newline, lineStart)
        if (end < 0 || end >= place) return lineStart
        lines += 1
        lineStart = end + 1
      }
    }
    const places = matcher.placesIn(bytes)
    for (let at = places.next(0); at >= 0;) {
      if (isCancelled()) return null
      const start = goTo(at)
      const end = bytes.indexOf(newline, at)
      const row = bytes.subarray(start, end < 0 ? bytes.length : end)
      const { content, isMetadata } = rows.read(row.at(-1) === carriageReturn ? row.subarray(0, -1) : row)
      if (!isMetadata && (content === null || matcher.holds(content))) found.push(offset + start, lines)
      at = end < 0 ? -1 : places.next(end + 1)
    }
    goTo(bytes.length)
    found[0] = lines + (lineStart < bytes.length ? 1 : 0)
    return new Float64Array(found)
  }
}
