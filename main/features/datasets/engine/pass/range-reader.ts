import { readSync } from 'node:fs'
import { maxRowBytes } from '../row-model.ts'

/** A part of the working file; it owns the lines that start in it. */
export interface ByteRange {
  readonly number: number
  readonly from: number
  readonly to: number
}

/** One line of a range; `bytes` is null when the line is longer than a row may be. */
export interface RangeLine {
  bytes: Buffer | null
  /** First byte in the file. */
  offset: number
  /** Bytes without the line break. */
  length: number
  /** 0-based number of the line within the range. */
  lineInRange: number
}

/** How many lines of what kind a range owns. */
export interface LineCounts {
  readonly lines: number
  readonly blankLines: number
}

const newline = 10
const carriageReturn = 13
const space = 32
const tab = 9
const extensionBytes = 64 * 1024
const smallestRangeBytes = 64 * 1024
const largestRangeBytes = 2 * 1024 * 1024

/** Reads ranges of one open file with one re-used buffer. */
export interface RangeReader {
  /** Calls `onLine` for every line that is not blank; answering false ends the range early. */
  read(range: ByteRange, onLine: (line: RangeLine) => boolean): LineCounts
  /** Where in the buffer all lines of a range stand, with the file offset of the first byte. A row that is too long is cut. */
  readWhole(range: ByteRange): { readonly from: number; readonly to: number; readonly offset: number }
}

/**
 * Creates a reader; the line object and its bytes are re-used, so copy what is to be kept. `allocate` gives the buffer; when it
 * enlarges the memory in place, earlier buffers become empty and nothing is copied.
 */
export function createRangeReader(
  fileDescriptor: number,
  fileBytes: number,
  allocate: (bytes: number) => Buffer = Buffer.allocUnsafe,
): RangeReader {
  let buffer = allocate(0)
  const line: RangeLine = { bytes: null, offset: 0, length: 0, lineInRange: 0 }

  /** Fills the buffer from `at`; answers how many bytes are in it. */
  const fill = (filled: number, at: number, bytes: number): number => {
    let done = 0
    while (done < bytes) {
      const read = readSync(fileDescriptor, buffer, filled + done, bytes - done, at + done)
      if (read === 0) break
      done += read
    }
    return filled + done
  }
  const grow = (bytes: number) => {
    if (buffer.length >= bytes) return
    const larger = allocate(bytes)
    buffer.copy(larger)
    buffer = larger
  }
  /** Where the line that crosses the end of the buffer ends in the file, without keeping it. */
  const findLineEnd = (from: number): number => {
    const block = Buffer.allocUnsafe(extensionBytes)
    let at = from
    while (at < fileBytes) {
      const read = readSync(fileDescriptor, block, 0, extensionBytes, at)
      if (read === 0) break
      const found = block.subarray(0, read).indexOf(newline)
      if (found >= 0) return at + found
      at += read
    }
    return at
  }

  /** Fills the buffer with the range; answers where the first line of its own starts, -1 when there is none. */
  const load = (range: ByteRange): { base: number; filled: number; start: number } => {
    // The byte before the range tells whether a line starts at its first byte.
    const base = range.from === 0 ? 0 : range.from - 1
    grow(Math.min(range.to, fileBytes) - base + extensionBytes)
    const filled = fill(0, base, Math.min(range.to, fileBytes) - base)
    if (range.from === 0) return { base, filled, start: 0 }
    const found = buffer.subarray(0, filled).indexOf(newline)
    return { base, filled, start: found < 0 ? -1 : found + 1 }
  }

  return {
    readWhole(range) {
      const { base, filled: loaded, start } = load(range)
      let filled = loaded
      if (start < 0 || start === filled) return { from: 0, to: 0, offset: base + filled }
      // The last line may end behind the range.
      while (buffer[filled - 1] !== newline && base + filled < fileBytes && filled - start < maxRowBytes) {
        const before = filled
        grow(filled + extensionBytes)
        filled = fill(filled, base + filled, Math.min(buffer.length - filled, fileBytes - base - filled))
        if (filled === before) break
        const found = buffer.subarray(before, filled).indexOf(newline)
        if (found >= 0) filled = before + found + 1
      }
      return { from: start, to: filled, offset: base + start }
    },
    read(range, onLine) {
      const { base, filled: loaded, start: first } = load(range)
      if (first < 0) return { lines: 0, blankLines: 0 }
      let filled = loaded
      let start = first
      let lines = 0
      let blankLines = 0
      while (base + start < range.to && base + start < fileBytes) {
        let end = start < filled ? buffer.indexOf(newline, start) : -1
        if (end >= filled) end = -1
        let isTooLong = false
        while (end < 0 && base + filled < fileBytes) {
          if (filled - start > maxRowBytes) {
            isTooLong = true
            break
          }
          const before = filled
          grow(filled + Math.max(extensionBytes, filled - start))
          filled = fill(filled, base + filled, Math.min(buffer.length - filled, fileBytes - base - filled))
          if (filled === before) break
          const found = buffer.subarray(before, filled).indexOf(newline)
          if (found >= 0) end = before + found
        }
        if (end < 0 && !isTooLong) end = filled
        line.lineInRange = lines
        line.offset = base + start
        lines += 1
        if (isTooLong || end - start > maxRowBytes) {
          const fileEnd = isTooLong ? findLineEnd(base + filled) : base + end
          line.bytes = null
          line.length = fileEnd - line.offset
          onLine(line)
          if (isTooLong) break
          start = end + 1
          continue
        }
        const bytesEnd = end > start && buffer[end - 1] === carriageReturn ? end - 1 : end
        if (isBlank(buffer, start, bytesEnd)) blankLines += 1
        else {
          line.bytes = buffer.subarray(start, bytesEnd)
          line.length = bytesEnd - start
          if (!onLine(line)) break
        }
        start = end + 1
      }
      return { lines, blankLines }
    },
  }
}

/** Cuts a file into ranges of one size; the last one is shorter. */
export function planRanges(fileBytes: number, rangeBytes: number): ByteRange[] {
  const ranges: ByteRange[] = []
  for (let from = 0; from < fileBytes; from += rangeBytes) {
    ranges.push({ number: ranges.length, from, to: Math.min(from + rangeBytes, fileBytes) })
  }
  return ranges
}

/** A range size of which two unfinished ones, which is what a crash of two workers costs, are less than 1 % of the file. */
export function chooseRangeBytes(fileBytes: number): number {
  const wanted = Math.floor(fileBytes / 256 / smallestRangeBytes) * smallestRangeBytes
  return Math.min(largestRangeBytes, Math.max(smallestRangeBytes, wanted))
}

function isBlank(bytes: Buffer, from: number, to: number): boolean {
  for (let at = from; at < to; at += 1) {
    const byte = bytes[at]
    if (byte !== space && byte !== tab && byte !== carriageReturn) return false
  }
  return true
}
