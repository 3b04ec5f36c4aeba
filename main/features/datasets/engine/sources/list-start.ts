import type { ListLayout } from './source-types.ts'
import { backslash, colon, lineFeed, quote } from './signs.ts'

/** Finds where the list of rows begins in a JSON file. */
export interface ListStart {
  /** Reads on; when found, answers the place after the opening bracket. */
  find(chunk: Buffer, start: number): number
  readonly isFound: boolean
  readonly line: number
  /** True when the outer object has more than the list. */
  readonly hasOtherProperties: boolean
  /** Looks through what follows the list. */
  skipRest(chunk: Buffer, start: number): void
}

/** Creates the search for the outer list, or for the list under one key of the outer object. */
export function createListStart({ kind, property }: ListLayout): ListStart {
  const wanted = Buffer.from(JSON.stringify(property ?? '').slice(1, -1))
  let isFound = false
  let line = 1
  let depth = 0
  let inText = false
  let isEscaped = false
  let hasOtherProperties = false
  let text: number[] = []
  let isWanted = false

  const readText = (byte: number) => {
    if (isEscaped) isEscaped = false
    else if (byte === backslash) isEscaped = true
    else if (byte === quote) inText = false
    if (inText && depth === 1 && text.length <= wanted.length) text.push(byte)
  }
  /** Answers true at the bracket that opens the list. */
  const readByte = (byte: number): boolean => {
    if (byte === quote) {
      inText = true
      text = []
    } else if (byte === 0x5b) {
      if (kind === 'array' ? depth === 0 : depth === 1 && isWanted) return true
      depth += 1
    } else if (byte === 0x7b) depth += 1
    else if (byte === 0x5d || byte === 0x7d) depth -= 1
    else if (byte === colon && depth === 1) {
      isWanted = wanted.equals(Buffer.from(text))
      if (!isWanted) hasOtherProperties = true
    }
    return false
  }

  return {
    find(chunk, start) {
      for (let at = start; at < chunk.length; at += 1) {
        const byte = chunk[at] as number
        if (byte === lineFeed) line += 1
        if (inText) readText(byte)
        else if (readByte(byte)) {
          isFound = true
          return at + 1
        }
      }
      return chunk.length
    },
    get isFound() {
      return isFound
    },
    get line() {
      return line
    },
    get hasOtherProperties() {
      return hasOtherProperties
    },
    skipRest(chunk, start) {
      if (!hasOtherProperties) hasOtherProperties = chunk.includes(quote, start)
    },
  }
}
