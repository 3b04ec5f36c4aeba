import { compileRowScan } from '../rows/byte-scan.ts'
import { createRowReader } from '../rows/row-reader.ts'
import { createSearchRange } from './search-range.ts'

/** What the threads of one search share; each takes the next range until there is none. */
export interface SharedSearch {
  readonly fileDescriptor: number
  readonly fileBytes: number
  readonly rangeBytes: number
  readonly text: string
  /** The number of the next range that nobody has taken. */
  readonly next: Int32Array<SharedArrayBuffer>
}

/** A range by its number, the lines in it and which of them (from 0) hold the text. */
export interface SearchedRange {
  readonly number: number
  readonly lines: number
  readonly found: readonly number[]
}

/** Takes ranges of a file until there is none and searches them. */
export function searchRanges({ fileDescriptor, fileBytes, rangeBytes, text, next }: SharedSearch): SearchedRange[] {
  const scanCode = compileRowScan()
  const search = createSearchRange(fileDescriptor, fileBytes, { rows: createRowReader({ mapping: null, scanCode }), text, scanCode })
  const searched: SearchedRange[] = []
  const take = () => Atomics.add(next, 0, 1)
  for (let number = take(); number * rangeBytes < fileBytes; number = take()) {
    const from = number * rangeBytes
    const part = search({ number, from, to: Math.min(from + rangeBytes, fileBytes) }, () => false)
    if (part === null) continue
    const found: number[] = []
    for (let place = 2; place < part.length; place += 2) found.push(part[place] as number)
    searched.push({ number, lines: part[0] as number, found })
  }
  return searched
}
