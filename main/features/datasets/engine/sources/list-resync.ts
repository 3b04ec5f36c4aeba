import type { RowWriter } from './row-writer.ts'
import type { ListLayout } from './source-types.ts'
import { carriageReturn, closeBrace, closeBracket, comma, lineFeed, openBrace, quote, space } from './signs.ts'

const maxKeyBytes = 200
const maxHeldBytes = 1024

/** Finds the next sound element of a list after a broken one, by the key that elements begin with. */
export interface ListResync {
  /** Learns the first key from the row that the writer holds up to its first colon. */
  learn(): void
  readonly isLearned: boolean
  /** Starts to search behind the row so far; a comma at its end may already be the one before the next element. */
  begin(): void
  /** Reads on; everything before the next element goes to the row. */
  read(chunk: Buffer, start: number, line: number): number
  readonly isFound: boolean
  /** The line that was reached, and the one where the element begins. */
  readonly line: number
  readonly elementLine: number
  /** After a find: gives the writer the beginning of the element, which was read already. */
  replay(): void
  /** True when that beginning ends in a quote. */
  readonly endsInQuote: boolean
  /** The file is over: takes the closing brackets of the list off the row; answers whether there were any. */
  finish(kind: ListLayout['kind']): boolean
}

const seekComma = 0
const seekBrace = 1
const seekKey = 2

/** Creates the search; it knows no key until it has learned one. */
export function createListResync(writer: RowWriter): ListResync {
  let key: Buffer | null = null
  let isLearned = false
  let isFound = false
  let step = seekComma
  let keyAt = 0
  let line = 1
  let elementAt = 0
  let elementLine = 1
  let held = 0
  const holding = Buffer.alloc(maxHeldBytes)

  const release = (end: number) => {
    writer.add(holding, 0, end)
  }
  const drop = () => {
    release(held)
    held = 0
    step = seekComma
    keyAt = 0
  }
  const hold = (byte: number) => {
    if (held === maxHeldBytes) drop()
    holding[held] = byte
    held += 1
  }
  /** Takes one byte; answers true when it completes the beginning of an element. */
  const take = (byte: number): boolean => {
    if (step === seekBrace && byte <= space) hold(byte)
    else if (step === seekBrace && byte === openBrace && key !== null) {
      hold(byte)
      elementAt = held - 1
      elementLine = line
      step = seekKey
      keyAt = 0
    } else if (step === seekKey && keyAt === 0 && byte <= space) hold(byte)
    else if (step === seekKey && key !== null && byte === key[keyAt]) {
      hold(byte)
      keyAt += 1
      return step === seekKey && keyAt === key.length
    } else {
      drop()
      if (byte === comma) step = seekBrace
      hold(byte)
      if (step === seekComma) drop()
    }
    return false
  }

  return {
    learn() {
      isLearned = true
      const bytes = writer.rowBytes()
      if (bytes[0] !== openBrace || bytes.length > maxKeyBytes) return
      const name = bytes.toString('latin1', 1).trim()
      if (name.length > 0) key = Buffer.from(name, 'latin1')
    },
    get isLearned() {
      return isLearned
    },
    begin() {
      isFound = false
      step = seekComma
      held = 0
      keyAt = 0
      const row = writer.rowBytes()
      let end = row.length
      while (end > 0 && row.length - end < maxHeldBytes - 1 && (row[end - 1] as number) <= space) end -= 1
      if (row[end - 1] !== comma) return
      held = row.copy(holding, 0, end - 1)
      writer.dropTail(held)
      step = seekBrace
    },
    read(chunk, start, lineAtStart) {
      line = lineAtStart
      for (let at = start; at < chunk.length; at += 1) {
        const byte = chunk[at] as number
        if (take(byte === lineFeed || byte === carriageReturn ? space : byte)) {
          // What is held before the element is only the comma.
          isFound = true
          writer.end()
          return at + 1
        }
        if (byte === lineFeed) line += 1
      }
      return chunk.length
    },
    get isFound() {
      return isFound
    },
    get line() {
      return line
    },
    get elementLine() {
      return elementLine
    },
    replay() {
      writer.add(holding, elementAt, held)
      held = 0
    },
    get endsInQuote() {
      return holding[elementAt + 1] !== undefined && key !== null && key[key.length - 1] === quote
    },
    finish(kind) {
      drop()
      if (kind === 'sequence') return false
      const row = writer.rowBytes()
      let end = row.length
      const isAfterList = (byte: number) => byte <= space || (kind === 'property' && byte === closeBrace)
      while (end > 0 && isAfterList(row[end - 1] as number)) end -= 1
      if (row[end - 1] !== closeBracket) return false
      end -= 1
      while (end > 0 && (row[end - 1] as number) <= space) end -= 1
      writer.dropTail(row.length - end)
      return true
    },
  }
}
