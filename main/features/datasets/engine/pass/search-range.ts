import type { RowReader, RowReading } from '../row-model.ts'
import { createRowScan } from '../rows/byte-scan.ts'
import { createRangeReader, type ByteRange } from './range-reader.ts'
import { createTextMatcher } from './text-matcher.ts'
import { createTextPlaces } from './text-places.ts'

const newline = 10
const carriageReturn = 13

/** Finds the rows that hold a text among complete lines that stand in its memory. */
export interface RowSearch {
  /** The memory, of at least this size; what was in it stays. */
  room(bytes: number): Buffer
  /** Tells the first byte and the line (from 0) of each row that holds the text; answers how many lines there are. */
  find(from: number, to: number, onRow: (start: number, line: number) => void): number
}

/** What a search is made of. */
export interface RowSearchOptions {
  readonly rows: RowReader
  readonly text: string
  readonly scanCode: WebAssembly.Module
}

/** Creates the search for one text, in upper or lower case. */
export function createRowSearch({ rows, text, scanCode }: RowSearchOptions): RowSearch {
  const matcher = createTextMatcher(text)
  const places = createTextPlaces(text, matcher)
  let memory = places.room(0)
  const rowScan = createRowScan(scanCode)
  const isPlainChat = (row: Buffer): boolean => {
    rowScan.load(row)
    return rowScan.plainChat() !== null
  }
  const holdsInTexts = ({ content, isMetadata }: RowReading) => !isMetadata && (content === null || matcher.holds(content))
  return {
    room: (bytes) => (memory = places.room(bytes)),
    find(from, to, onRow) {
      places.start(from, to)
      for (let at = places.next(from); at >= 0;) {
        const start = Math.max(from, memory.lastIndexOf(newline, at) + 1)
        const found = memory.indexOf(newline, at)
        const end = found < 0 || found > to ? to : found
        const row = memory.subarray(start, memory[end - 1] === carriageReturn ? end - 1 : end)
        if ((matcher.isWithinText(memory, at) && isPlainChat(row)) || holdsInTexts(rows.read(row))) onRow(start, places.lines())
        at = places.next(end)
      }
      return places.lines() + (to > from && memory[to - 1] !== newline ? 1 : 0)
    },
  }
}

/**
 * Finds the rows of a range whose texts hold what is searched for; null when cancelled. The answer is the number of lines in
 * the range, then for each row found its first byte in the file and its line within the range (from 0).
 */
export type SearchRange = (range: ByteRange, isCancelled: () => boolean) => Float64Array<ArrayBuffer> | null

/** Creates the search over ranges of an open file. */
export function createSearchRange(fileDescriptor: number, fileBytes: number, options: RowSearchOptions): SearchRange {
  const search = createRowSearch(options)
  const ranges = createRangeReader(fileDescriptor, fileBytes, search.room)
  return (range, isCancelled) => {
    const { from, to, offset } = ranges.readWhole(range)
    const found = [0]
    found[0] = search.find(from, to, (start, line) => void found.push(offset + start - from, line))
    return isCancelled() ? null : new Float64Array(found)
  }
}
