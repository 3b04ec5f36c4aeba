import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import type { ByteRange } from './pass/range-reader.ts'
import { createSearchRange, type SearchRange } from './pass/search-range.ts'
import { compileRowScan } from './rows/byte-scan.ts'
import { createRowReader } from './rows/row-reader.ts'

/** What the threads of one search share; each takes the next range until there is none. */
export interface SharedSearch {
  readonly purpose: typeof purpose
  readonly fileDescriptor: number
  readonly fileBytes: number
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

const purpose = 'search a file'
/** Small enough to stay in a core's own cache from being read to being searched. */
const rangeBytes = 1024 * 1024

/** How many ranges a search has. */
export function countRanges({ fileBytes }: { readonly fileBytes: number }): number {
  return Math.ceil(fileBytes / rangeBytes)
}

/** Describes a search to the threads that work on it. */
export function shareSearch(search: { fileDescriptor: number; fileBytes: number; text: string }): SharedSearch {
  return { ...search, purpose, next: new Int32Array(new SharedArrayBuffer(4)) }
}

/** Takes ranges until there is none and searches them. */
export function searchRanges(shared: SharedSearch): SearchedRange[] {
  const search = createSearch(shared)
  const ranges = countRanges(shared)
  const searched: SearchedRange[] = []
  for (let number = Atomics.add(shared.next, 0, 1); number < ranges; number = Atomics.add(shared.next, 0, 1)) {
    searched.push(searchOne(search, { number, from: number * rangeBytes, to: Math.min((number + 1) * rangeBytes, shared.fileBytes) }))
  }
  return searched
}

/** Leaves no range to be taken. */
export function endSearch(shared: SharedSearch): void {
  Atomics.store(shared.next, 0, countRanges(shared))
}

/** Starts this file once more as a thread that takes its share of the ranges. It posts all of them as one message. */
export function startSearchThread(shared: SharedSearch): Worker {
  return new Worker(new URL(import.meta.url), { workerData: shared, env: {}, execArgv: [] })
}

function createSearch({ fileDescriptor, fileBytes, text }: SharedSearch): SearchRange {
  const scanCode = compileRowScan()
  return createSearchRange(fileDescriptor, fileBytes, { rows: createRowReader({ mapping: null, scanCode }), text, scanCode })
}

function searchOne(search: SearchRange, range: ByteRange): SearchedRange {
  const part = search(range, () => false)
  const found: number[] = []
  if (part === null) return { number: range.number, lines: 0, found }
  for (let place = 2; place < part.length; place += 2) found.push(part[place] as number)
  return { number: range.number, lines: part[0] as number, found }
}

function isSharedSearch(data: unknown): data is SharedSearch {
  return typeof data === 'object' && data !== null && 'purpose' in data && data.purpose === purpose
}

// The bundle puts this beside other code, so that a file of its own would load that code as well.
if (!isMainThread && isSharedSearch(workerData)) parentPort?.postMessage(searchRanges(workerData))
