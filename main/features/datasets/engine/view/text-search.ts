import type { DatasetIndex } from '../index/dataset-index.ts'
import { createTextMatcher } from '../pass/text-matcher.ts'
import type { WorkerPool } from '../pass/worker-pool.ts'
import type { DatasetView } from './dataset-view.ts'

/** What a search has found so far. */
export interface SearchState {
  /** Rows in file order. */
  readonly rows: Uint32Array
  /** Share of the file that was searched. */
  readonly searched: number
}

/** Searches in the texts of a dataset; the last few are remembered. */
export interface TextSearch {
  /** The rows that hold the text; waits for a short time and then answers what is known. */
  find(text: string): Promise<SearchState>
  /** Waits until the whole file was searched. */
  findAll(text: string): Promise<Uint32Array>
  forget(): void
}

interface Search {
  readonly controller: AbortController
  done: Promise<void>
  /** Answers of the search pass, one per range. */
  readonly offsets: Float64Array[]
  doneBytes: number
  error: unknown
}

const patienceMs = 120
const remembered = 4
const searchPriority = 5

/** Creates the search over one open dataset. */
export function createTextSearch(index: DatasetIndex, view: DatasetView, pool: WorkerPool): TextSearch {
  const searches = new Map<string, Search>()

  const start = (text: string): Search => {
    const controller = new AbortController()
    const search: Search = { controller, offsets: [], doneBytes: 0, error: undefined, done: Promise.resolve() }
    const run = async () => {
      try {
        await pool.run({
          job: {
            path: index.path,
            fileBytes: index.fileBytes,
            changedAtMs: index.changedAtMs,
            mapping: index.mapping,
            pass: { kind: 'search', text },
          },
          ranges: index.ranges,
          priority: searchPriority,
          signal: controller.signal,
          onRange(range, { columns }) {
            search.offsets.push(new Float64Array(columns))
            search.doneBytes += range.to - range.from
          },
        })
      } catch (error) {
        search.error = error
        searches.delete(text)
      }
    }
    for (const [other, { controller: running }] of searches) {
      running.abort()
      if (searches.size >= remembered) searches.delete(other)
    }
    searches.set(text, search)
    search.done = run()
    return search
  }
  const stateOf = (search: Search, text: string): SearchState => {
    if (search.error !== undefined) throw search.error
    const { columns } = view.table
    const matcher = createTextMatcher(text)
    const rows = new Set<number>()
    for (const part of search.offsets) {
      for (let at = 1; at < part.length; at += 2) {
        const row = rowAt(columns.offset, part[at] as number)
        if (row >= 0 && view.overlay.stateOf(row).text === null) rows.add(row)
      }
    }
    for (const [row, { text: edited }] of view.overlay.states) {
      if (edited === null) continue
      const { content } = view.read(row)
      if (content === null ? edited.toLowerCase().includes(text.toLowerCase()) : matcher.holds(content)) rows.add(row)
    }
    return { rows: Uint32Array.from(rows).sort(), searched: index.fileBytes === 0 ? 1 : search.doneBytes / index.fileBytes }
  }

  return {
    async find(text) {
      const search = searches.get(text) ?? start(text)
      await Promise.race([search.done, new Promise((resolve) => setTimeout(resolve, patienceMs))])
      return stateOf(search, text)
    },
    async findAll(text) {
      const search = searches.get(text) ?? start(text)
      await search.done
      return stateOf(search, text).rows
    },
    forget() {
      for (const { controller } of searches.values()) controller.abort()
      searches.clear()
    },
  }
}

/** Number of the row that starts at an offset; -1 when none does. */
function rowAt(offsets: Float64Array, offset: number): number {
  let low = 0
  let high = offsets.length - 1
  while (low <= high) {
    const middle = (low + high) >>> 1
    const value = offsets[middle] as number
    if (value === offset) return middle
    if (value < offset) low = middle + 1
    else high = middle - 1
  }
  return -1
}
