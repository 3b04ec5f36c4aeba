import type { RowWriter } from './row-writer.ts'
import type { SourceReader } from './source-types.ts'
import { carriageReturn, lineFeed } from './signs.ts'

/** A reader of JSON Lines that also counts what it leaves out. */
export interface JsonLinesReader extends SourceReader {
  readonly blankLines: number
}

/** Creates a reader that hands on every line that is not blank, as it stands, without its line break. */
export function createJsonLinesReader(writer: RowWriter): JsonLinesReader {
  let line = 1
  let blankLines = 0
  let hasBegun = false
  let isBlank = true
  /** A carriage return at the end of a chunk belongs to the line only if no line feed follows. */
  let heldReturn = false

  const keep = (chunk: Buffer, start: number, end: number) => {
    if (start >= end) return
    if (!hasBegun) writer.begin(line)
    hasBegun = true
    isBlank = isBlank && isBlankBytes(chunk, start, end)
    if (heldReturn) writer.addByte(carriageReturn)
    heldReturn = chunk[end - 1] === carriageReturn
    writer.add(chunk, start, heldReturn ? end - 1 : end)
  }
  const finish = () => {
    if (isBlank) {
      blankLines += 1
      if (hasBegun) writer.cancel()
    } else {
      writer.end()
    }
    hasBegun = false
    isBlank = true
    heldReturn = false
    line += 1
  }

  return {
    push(chunk, start) {
      let at = start
      for (let end = chunk.indexOf(lineFeed, at); end >= 0; end = chunk.indexOf(lineFeed, at)) {
        keep(chunk, at, end)
        finish()
        at = end + 1
        if (writer.isFull) return at
      }
      keep(chunk, at, chunk.length)
      return chunk.length
    },
    end() {
      if (hasBegun) finish()
    },
    get blankLines() {
      return blankLines
    },
  }
}

function isBlankBytes(bytes: Buffer, start: number, end: number): boolean {
  for (let index = start; index < end; index += 1) {
    const byte = bytes[index] as number
    if (byte !== 0x20 && (byte < 0x09 || byte > 0x0d)) return false
  }
  return true
}
