import { open } from 'node:fs/promises'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import type { SearchedRange, SharedSearch } from './pass/search-ranges.ts'

/** A search that has begun beside the caller. */
export interface FileSearch {
  /** Does its part of the work; answers the lines (from 1) whose texts hold the text, in order. */
  lines(): Promise<number[]>
  /** Ends the search, finished or not, and closes the file. */
  close(): Promise<void>
}

/** Small enough to stay in a core's own cache from being read to being searched. */
const rangeBytes = 1024 * 1024
/** A second thread takes longer to start than it takes to search less than this. */
const smallestForTwoThreads = 64 * 1024 * 1024
const threadPurpose = 'search-file'

/** Lines of a plain file whose texts hold a text, in order. */
export async function searchFile(path: string, text: string): Promise<number[]> {
  const search = await openFileSearch(path, text)
  try {
    return await search.lines()
  } finally {
    await search.close()
  }
}

/** Begins the search of a file that may turn out to be no plain one; for a large file a second thread starts at once. */
export async function openFileSearch(path: string, text: string): Promise<FileSearch> {
  const file = await open(path)
  const { size, mtimeMs } = await file.stat()
  const next = new Int32Array(new SharedArrayBuffer(4))
  const shared: SharedSearch = { fileDescriptor: file.fd, fileBytes: size, rangeBytes, text, next }
  const ranges = Math.ceil(size / rangeBytes)
  const thread = size < smallestForTwoThreads ? null : startThread(shared)
  return {
    async lines() {
      const own = (await loadSearch())(shared)
      // A thread that took nothing may not even have started.
      const others = thread === null || own.length === ranges ? [] : await thread.searched
      const after = await file.stat()
      if (after.size === size && after.mtimeMs === mtimeMs) return joinRanges([...own, ...others])
      const { fileChangedCode } = await import('./pass/worker-protocol.ts')
      throw Object.assign(new Error('The file was changed while it was read.'), { code: fileChangedCode })
    },
    async close() {
      Atomics.store(next, 0, ranges)
      await thread?.end()
      await file.close()
    },
  }
}

/** Loaded while a thread starts, and by that thread. */
async function loadSearch(): Promise<(shared: SharedSearch) => SearchedRange[]> {
  return (await import('./pass/search-ranges.ts')).searchRanges
}

/** Runs this file once more as a thread, which takes its share of the ranges and posts them as one message. */
function startThread(shared: SharedSearch): { readonly searched: Promise<SearchedRange[]>; end(): Promise<void> } {
  const worker = new Worker(new URL(import.meta.url), { workerData: { purpose: threadPurpose, shared }, env: {}, execArgv: [] })
  const searched = new Promise<SearchedRange[]>((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
    worker.once('exit', () => reject(new Error('The thread of a search ended early.')))
  })
  // Whether it failed matters only to those who wait for it.
  searched.catch(() => undefined)
  return { searched, end: async () => void (await worker.terminate()) }
}

function joinRanges(ranges: SearchedRange[]): number[] {
  const lines: number[] = []
  let before = 0
  for (const range of ranges.sort((a, b) => a.number - b.number)) {
    for (const line of range.found) lines.push(before + line + 1)
    before += range.lines
  }
  return lines
}

function isThreadData(data: unknown): data is { readonly shared: SharedSearch } {
  return typeof data === 'object' && data !== null && 'purpose' in data && data.purpose === threadPurpose
}

if (!isMainThread && isThreadData(workerData)) parentPort?.postMessage((await loadSearch())(workerData.shared))
