import type { SourceProblemKind } from './source-types.ts'

/** Takes rows from a reader as pieces of bytes and gathers them as lines, until they are taken away. */
export interface RowWriter {
  /** Starts a row that stands at `line` of the source. */
  begin(line: number): void
  addByte(byte: number): void
  add(bytes: Buffer, start: number, end: number): void
  addText(text: string): void
  /** Finishes the row. */
  end(): void
  /** Forgets the row. */
  cancel(): void
  /** The row so far. Only valid until the next call. */
  rowBytes(): Buffer
  /** Takes back the last bytes of the row. */
  dropTail(bytes: number): void
  /** True when the rows should be taken before more are added. */
  readonly isFull: boolean
  problem(line: number, kind: SourceProblemKind): void
  /** The finished rows, each with its line feed, and their source lines. Only valid until the next call. */
  take(): { readonly bytes: Buffer; readonly lines: Uint32Array }
  readonly rows: number
}

/** Longer rows are left out and reported. */
export const maxRowBytes = 64 * 1024 * 1024
const softBytes = 1024 * 1024
const startBytes = 16 * 1024
const roomBytes = softBytes + 256 * 1024
const keptBytes = 4 * 1024 * 1024
/** Below this a loop beats the call of the built-in copy. */
const shortCopyBytes = 24

interface RowWriterOptions {
  readonly onProblem: (line: number, kind: SourceProblemKind) => void
  /** Full after so many rows; for previews. */
  readonly maxRows?: number
  readonly maxRowBytes?: number
}

/** Creates a writer whose memory is constant but for a row that does not fit. */
export function createRowWriter({ onProblem, maxRows = Infinity, maxRowBytes: rowLimit = maxRowBytes }: RowWriterOptions): RowWriter {
  let out = Buffer.allocUnsafe(startBytes)
  let lines = new Uint32Array(256)
  let waiting = 0
  let rows = 0
  let at = 0
  let rowStart = 0
  let rowLine = 0
  let isTooLong = false

  const reserve = (bytes: number): boolean => {
    if (isTooLong) return false
    if (at - rowStart + bytes > rowLimit) {
      isTooLong = true
      at = rowStart
      return false
    }
    if (at + bytes + 1 > out.length) {
      const larger = Buffer.allocUnsafe(Math.max(out.length * 2, at + bytes + 1))
      out.copy(larger, 0, 0, at)
      out = larger
    }
    return true
  }
  const keepLine = () => {
    if (waiting === lines.length) {
      const larger = new Uint32Array(lines.length * 2)
      larger.set(lines)
      lines = larger
    }
    lines[waiting] = rowLine
    waiting += 1
    rows += 1
  }

  return {
    begin(line) {
      rowLine = line
      rowStart = at
      isTooLong = false
    },
    addByte(byte) {
      if (!reserve(1)) return
      out[at] = byte
      at += 1
    },
    add(bytes, start, end) {
      const length = end - start
      if (length <= 0 || !reserve(length)) return
      if (length < shortCopyBytes) {
        for (let index = start; index < end; index += 1) {
          out[at] = bytes[index] as number
          at += 1
        }
        return
      }
      at += bytes.copy(out, at, start, end)
    },
    addText(text) {
      // A UTF-16 unit takes at most three bytes; long texts are measured instead.
      if (reserve(text.length < softBytes ? text.length * 3 : Buffer.byteLength(text))) at += out.write(text, at)
    },
    end() {
      if (isTooLong) {
        onProblem(rowLine, 'row_too_long')
        at = rowStart
        isTooLong = false
        return
      }
      out[at] = 0x0a
      at += 1
      rowStart = at
      keepLine()
    },
    cancel() {
      at = rowStart
      isTooLong = false
    },
    rowBytes: () => out.subarray(rowStart, at),
    dropTail(bytes) {
      at = Math.max(rowStart, at - bytes)
    },
    get isFull() {
      return rowStart >= softBytes || rows >= maxRows
    },
    problem: onProblem,
    take() {
      const taken = { bytes: out.subarray(0, rowStart), lines: lines.subarray(0, waiting) }
      if (at > rowStart || out.length > keptBytes) {
        // What was taken is still being written, and one very long row must not keep its memory.
        const next = Buffer.allocUnsafe(Math.max(roomBytes, at - rowStart + softBytes))
        out.copy(next, 0, rowStart, at)
        out = next
      }
      at -= rowStart
      rowStart = 0
      waiting = 0
      return taken
    },
    get rows() {
      return rows
    },
  }
}
