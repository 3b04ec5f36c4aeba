import { open } from 'node:fs/promises'
import { fileChangedCode } from './pass/worker-protocol.ts'
import { countRanges, endSearch, searchRanges, shareSearch, startSearchThread, type SearchedRange, type SharedSearch } from './search-thread.ts'

/** A second thread takes longer to start than it takes to search less than this. */
const smallestForTwoThreads = 32 * 1024 * 1024

/** A search that has begun beside the caller. */
export interface FileSearch {
  /** Does its part of the work; answers the lines (from 1) whose texts hold the text, in order. */
  lines(): Promise<number[]>
  /** Ends the search, finished or not, and closes the file. */
  close(): Promise<void>
}

/** Lines of a plain file whose texts hold a text, in order. */
export async function searchFile(path: string, text: string): Promise<number[]> {
  const search = await openFileSearch(path, text)
  try {
    return await search.lines()
  } finally {
    await search.close()
  }
}

/** Begins the search of a file that may turn out to be no plain one; a second thread starts with large files at once. */
export async function openFileSearch(path: string, text: string): Promise<FileSearch> {
  const file = await open(path)
  const { size, mtimeMs } = await file.stat()
  const shared = shareSearch({ fileDescriptor: file.fd, fileBytes: size, text })
  const thread = size < smallestForTwoThreads ? null : startThread(shared)
  return {
    async lines() {
      const own = searchRanges(shared)
      // A thread that took nothing may not even have started.
      const others = thread === null || own.length === countRanges(shared) ? [] : await thread.searched
      const after = await file.stat()
      if (after.size === size && after.mtimeMs === mtimeMs) return joinRanges([...own, ...others])
      throw Object.assign(new Error('The file was changed while it was read.'), { code: fileChangedCode })
    },
    async close() {
      endSearch(shared)
      await thread?.end()
      await file.close()
    },
  }
}

function startThread(shared: SharedSearch): { readonly searched: Promise<SearchedRange[]>; end(): Promise<void> } {
  const worker = startSearchThread(shared)
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
