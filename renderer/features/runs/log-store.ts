import { createStore, type StoreApi } from 'zustand/vanilla'
import type { RunLogLine } from '../../../preload/contract/runs.ts'
import { bridge } from '../../lib/bridge.ts'

/** The log of one open run; only the newest lines are held, the whole log stays on disk. */
export interface LogState {
  readonly status: 'loading' | 'ready' | 'failed'
  readonly lines: readonly RunLogLine[]
}

/** What the log view is narrowed to. */
export interface LogFilter {
  readonly level: RunLogLine['level']
  readonly search: string
}

const loadingLog: LogState = { status: 'loading', lines: [] }

const heldLines = 20_000
const pageLines = 2000
const severity: Readonly<Record<RunLogLine['level'], number>> = { debug: 0, info: 1, warning: 2, error: 3 }

/** Adds lines in order; one that is already there is not added twice. */
export function addLines(lines: readonly RunLogLine[], added: readonly RunLogLine[]): readonly RunLogLine[] {
  const last = lines.at(-1)?.id ?? 0
  const isInOrder = added.every((line, index) => line.id > (added[index - 1]?.id ?? last))
  if (isInOrder) return added.length === 0 ? lines : [...lines, ...added].slice(-heldLines)
  const byId = new Map([...lines, ...added].map((line) => [line.id, line]))
  return [...byId.values()].toSorted((a, b) => a.id - b.id).slice(-heldLines)
}

/** Lines at or above a level that hold the text. */
export function filterLines(lines: readonly RunLogLine[], { level, search }: LogFilter): readonly RunLogLine[] {
  const wanted = search.trim().toLowerCase()
  return lines.filter((line) => severity[line.level] >= severity[level] && (wanted === '' || line.message.toLowerCase().includes(wanted)))
}

/** The log of a run. `connect` listens first, then loads page by page, and answers how to end it. */
export function createRunLog(runId: string): { store: StoreApi<LogState>; connect(): () => void } {
  const store = createStore<LogState>(() => loadingLog)
  const load = async (isOpen: () => boolean) => {
    try {
      let afterId = 0
      for (;;) {
        const page = await bridge.invoke('runs.listLog', { id: runId, afterId, limit: pageLines })
        if (!isOpen()) return
        store.setState((state) => ({ lines: addLines(state.lines, page) }))
        const last = page.at(-1)
        if (last === undefined || page.length < pageLines) break
        afterId = last.id
      }
      store.setState({ status: 'ready' })
    } catch {
      if (isOpen()) store.setState({ status: 'failed' })
    }
  }
  return {
    store,
    connect() {
      let isOpen = true
      store.setState(loadingLog)
      const stop = bridge.on('runs.logged', (logged) => {
        if (logged.id === runId) store.setState((state) => ({ lines: addLines(state.lines, logged.lines) }))
      })
      void load(() => isOpen)
      return () => {
        isOpen = false
        stop()
      }
    },
  }
}
