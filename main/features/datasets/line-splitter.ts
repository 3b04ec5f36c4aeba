/** One line of a file; `bytes` is null when it is longer than the cap. Only valid during the callback. */
export interface Line {
  /** 1-based, counting blank lines. */
  readonly number: number
  /** Where its first byte stands in the file, after a byte-order mark. */
  readonly offsetBytes: number
  readonly lengthBytes: number
  readonly bytes: Buffer | null
}

/** Cuts a stream of chunks into lines; the result does not depend on where the chunks end. */
export interface LineSplitter {
  push(chunk: Buffer): void
  /** Emits a last line that has no line feed. */
  end(): void
}

const lineFeed = 0x0a
const carriageReturn = 0x0d
const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf])

/** Creates a splitter; lines end at LF or CRLF only, as a conversation may hold any other separator. */
export function createLineSplitter(options: { maxLineBytes: number; onLine: (line: Line) => void }): LineSplitter {
  const { maxLineBytes, onLine } = options
  let parts: Buffer[] = []
  let keptBytes = 0
  let lineLength = 0
  let lineOffset = 0
  let lineNumber = 1
  let lastByte = -1

  const keep = (piece: Buffer) => {
    if (piece.length === 0) return
    lineLength += piece.length
    lastByte = piece[piece.length - 1] ?? -1
    // CR and the mark may still be cut off, so a little more than the cap is kept.
    if (keptBytes > maxLineBytes + byteOrderMark.length + 1) return
    parts.push(piece)
    keptBytes += piece.length
  }
  const finishLine = (terminatorBytes: number) => {
    const whole = parts.length === 1 ? parts[0] : Buffer.concat(parts)
    const first = whole ?? Buffer.alloc(0)
    const skipped = lineNumber === 1 && first.subarray(0, 3).equals(byteOrderMark) ? byteOrderMark.length : 0
    const cut = lastByte === carriageReturn && terminatorBytes > 0 ? 1 : 0
    const lengthBytes = Math.max(0, lineLength - skipped - cut)
    const isKept = lengthBytes <= maxLineBytes
    onLine({
      number: lineNumber,
      offsetBytes: lineOffset + skipped,
      lengthBytes,
      bytes: isKept ? first.subarray(skipped, skipped + lengthBytes) : null,
    })
    lineOffset += lineLength + terminatorBytes
    lineNumber += 1
    parts = []
    keptBytes = 0
    lineLength = 0
    lastByte = -1
  }

  return {
    push(chunk) {
      let start = 0
      for (let end = chunk.indexOf(lineFeed); end >= 0; end = chunk.indexOf(lineFeed, start)) {
        keep(chunk.subarray(start, end))
        finishLine(1)
        start = end + 1
      }
      // The chunk's memory belongs to the reader and is used again.
      if (start < chunk.length) keep(Buffer.from(chunk.subarray(start)))
    },
    end() {
      if (lineLength > 0) finishLine(0)
    },
  }
}

/** True for a line of nothing but spaces, tabs and other ASCII white space. */
export function isBlankLine(bytes: Buffer): boolean {
  for (const byte of bytes) if (byte !== 0x20 && (byte < 0x09 || byte > 0x0d)) return false
  return true
}
