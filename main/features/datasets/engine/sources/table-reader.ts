import { endOfRun } from './byte-run.ts'
import { writeJsonByte, writeJsonText } from './json-text.ts'
import type { RowWriter } from './row-writer.ts'
import type { SourceReader, TableDialect } from './source-types.ts'
import { backslash, carriageReturn, closeBrace, lineFeed, openBrace, quote } from './signs.ts'

const stateRecordStart = 0
const stateCellStart = 1
const statePlain = 2
const stateQuoted = 3
const stateQuoteSeen = 4

/** Columns whose cells are embedded as JSON where they hold a JSON list or object. */
const jsonColumns = new Set([
  'messages',
  'conversations',
  'conversation',
  'turns',
  'tools',
  'chosen',
  'rejected',
  'preferred_output',
  'non_preferred_output',
])

/** A reader of tables that also counts what it leaves out. */
export interface TableReader extends SourceReader {
  readonly blankLines: number
}

/** Name of a column that the header does not name. */
export function columnName(column: number): string {
  return `column_${column + 1}`
}

/** Bytes that cannot simply be copied from a cell into a JSON text. */
function createStops(delimiter: number | null): Uint8Array {
  const stops = new Uint8Array(256).fill(1, 0, 0x20)
  stops[quote] = 1
  stops[backslash] = 1
  if (delimiter !== null) stops[delimiter] = 1
  return stops
}

/** Creates a reader of CSV or TSV (RFC 4180) that writes each record as a JSON object of texts. */
export function createTableReader({ delimiter, hasHeader }: TableDialect, columns: readonly string[], writer: RowWriter): TableReader {
  const cell = createCellSink(columns, writer)
  const plainStops = createStops(delimiter)
  const quotedStops = createStops(null)
  let state = stateRecordStart
  let line = 1
  let recordLine = 1
  let quoteLine = 1
  let isHeader = hasHeader
  let blankLines = 0
  /** The line feed of a CRLF pair may come in the next chunk. */
  let afterReturn = false

  const endRecord = () => {
    if (isHeader) {
      isHeader = false
      cell.discard()
    } else {
      const cells = cell.endRecord()
      if (cells < columns.length) writer.problem(recordLine, 'cells_missing')
      if (cells > columns.length) writer.problem(recordLine, 'cells_extra')
    }
    state = stateRecordStart
  }
  const startRecord = () => {
    recordLine = line
    cell.beginRecord(line)
    state = stateCellStart
  }
  const breakLine = (byte: number) => {
    line += 1
    afterReturn = byte === carriageReturn
  }

  const push = (chunk: Buffer, start: number): number => {
    const end = chunk.length
    let at = start
    while (at < end) {
      let byte = chunk[at] as number
      if (afterReturn) {
        afterReturn = false
        if (byte === lineFeed) {
          if (state === stateQuoted) cell.addByte(lineFeed)
          at += 1
          continue
        }
      }
      switch (state) {
        case stateRecordStart:
          if (writer.isFull) return at
          if (byte === lineFeed || byte === carriageReturn) {
            blankLines += 1
            breakLine(byte)
            at += 1
          } else startRecord()
          break
        case stateCellStart:
          if (byte === quote) {
            quoteLine = line
            state = stateQuoted
            at += 1
          } else state = statePlain
          break
        case statePlain: {
          const from = at
          at = endOfRun(chunk, from, plainStops)
          cell.add(chunk, from, at)
          if (at === end) break
          byte = chunk[at] as number
          at += 1
          if (byte === delimiter) {
            cell.endCell()
            state = stateCellStart
          } else if (byte === lineFeed || byte === carriageReturn) {
            cell.endCell()
            endRecord()
            breakLine(byte)
          } else cell.addByte(byte)
          break
        }
        case stateQuoted: {
          const from = at
          at = endOfRun(chunk, from, quotedStops)
          cell.add(chunk, from, at)
          if (at === end) break
          byte = chunk[at] as number
          at += 1
          if (byte === quote) {
            state = stateQuoteSeen
          } else {
            cell.addByte(byte)
            if (byte === lineFeed || byte === carriageReturn) breakLine(byte)
          }
          break
        }
        default:
          // After a quote inside a quoted cell: it ends the cell unless another one follows.
          if (byte === quote) {
            cell.addByte(quote)
            state = stateQuoted
            at += 1
          } else {
            if (byte !== delimiter && byte !== lineFeed && byte !== carriageReturn) writer.problem(line, 'quote_stray')
            state = statePlain
          }
      }
    }
    return at
  }

  return {
    push,
    end() {
      if (state === stateRecordStart) return
      if (state === stateQuoted) writer.problem(quoteLine, 'quote_open')
      cell.endCell()
      endRecord()
    },
    get blankLines() {
      return blankLines
    },
  }
}

/** Writes the cells of one record after another as the members of a JSON object. */
interface CellSink {
  beginRecord(line: number): void
  /** Adds bytes that need no escape. */
  add(bytes: Buffer, start: number, end: number): void
  /** Adds any byte. */
  addByte(byte: number): void
  endCell(): void
  /** Answers how many cells the record has. */
  endRecord(): number
  discard(): void
}

function createCellSink(columns: readonly string[], writer: RowWriter): CellSink {
  const prefixes: Buffer[] = []
  const prefixOf = (column: number): Buffer => {
    prefixes[column] ??= Buffer.from(`${column === 0 ? '{' : ','}${JSON.stringify(columns[column] ?? columnName(column))}:`)
    return prefixes[column]
  }
  const isJsonColumn = columns.map((name) => jsonColumns.has(name.toLowerCase()))
  let column = 0
  let hasStarted = false
  let parts: Buffer[] = []

  const startCell = () => {
    hasStarted = true
    const prefix = prefixOf(column)
    writer.add(prefix, 0, prefix.length)
    if (isJsonColumn[column] !== true) writer.addByte(quote)
  }
  const endCell = () => {
    if (!hasStarted) startCell()
    if (isJsonColumn[column] === true) writeJsonCell(writer, Buffer.concat(parts))
    else writer.addByte(quote)
    parts = []
    hasStarted = false
    column += 1
  }
  return {
    beginRecord(line) {
      writer.begin(line)
      column = 0
    },
    add(bytes, start, end) {
      if (start === end) return
      if (!hasStarted) startCell()
      if (isJsonColumn[column] === true) parts.push(Buffer.from(bytes.subarray(start, end)))
      else writer.add(bytes, start, end)
    },
    addByte(byte) {
      if (!hasStarted) startCell()
      if (isJsonColumn[column] === true) parts.push(Buffer.of(byte))
      else writeJsonByte(writer, byte)
    },
    endCell,
    endRecord() {
      writer.addByte(closeBrace)
      writer.end()
      return column
    },
    discard() {
      writer.cancel()
    },
  }
}

/** A cell of a column such as "messages": as JSON where it is a list or an object, as text otherwise. */
function writeJsonCell(writer: RowWriter, cell: Buffer): void {
  const first = cell.find((byte) => byte > 0x20)
  if ((first === openBrace || first === 0x5b) && isJson(cell)) {
    // Sound JSON has line breaks only between its tokens.
    for (let at = 0; at < cell.length; at += 1) if (cell[at] === lineFeed || cell[at] === carriageReturn) cell[at] = 0x20
    writer.add(cell, 0, cell.length)
    return
  }
  writer.addByte(quote)
  writeJsonText(writer, cell, 0, cell.length)
  writer.addByte(quote)
}

function isJson(cell: Buffer): boolean {
  try {
    JSON.parse(cell.toString('utf8'))
    return true
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) return false
    throw error
  }
}
