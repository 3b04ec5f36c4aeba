import { useEffect } from 'react'
import { keepPreviousData, useQueries, useQuery, useQueryClient } from '@tanstack/react-query'
import type { LogFilter } from '../../../../preload/contract/run-log.ts'
import type { RunLogLine } from '../../../../preload/contract/runs.ts'
import { bridge } from '../../../lib/bridge.ts'

const pageLines = 200
/** Pages out of sight are let go, so that a long log is never held as a whole. */
const keepMs = 30_000
/** A search goes through the whole log, so it follows new lines more slowly than the list does. */
const searchAgainMs = 1_500

/** A stretch of the log by its places, the first and last included. */
export interface Stretch {
  readonly first: number
  readonly last: number
}

/** How many lines there are, and those of a stretch. */
export function useLogLines(runId: string, filter: LogFilter, stretch: Stretch) {
  const total = useQuery({
    queryKey: ['run-log', runId, 'total', filter],
    queryFn: async () => (await bridge.invoke('runs.listLog', { id: runId, filter, limit: 1 })).total,
    placeholderData: keepPreviousData,
  })
  const pages = pagesOf(stretch, total.data ?? 0)
  const results = useQueries({
    queries: pages.map((page) => ({
      queryKey: ['run-log', runId, 'page', filter, page],
      queryFn: () => bridge.invoke('runs.listLog', { id: runId, filter, offset: page * pageLines, limit: pageLines }),
      gcTime: keepMs,
    })),
  })
  const byPage = new Map(pages.map((page, index) => [page, results[index]?.data?.lines]))
  return {
    total: total.data,
    error: total.error ?? results.find(({ error }) => error !== null)?.error ?? null,
    retry: () => void Promise.all([total.refetch(), ...results.map((result) => result.refetch())]),
    lineAt: (place: number): RunLogLine | undefined => byPage.get(Math.floor(place / pageLines))?.[place % pageLines],
  }
}

/** Asks for the places at which a text occurs in the whole log. */
export function searchQuery(runId: string, filter: LogFilter, text: string) {
  return {
    queryKey: ['run-log', runId, 'search', filter, text],
    queryFn: async () => (await bridge.invoke('runs.searchLog', { id: runId, filter, text })).places,
    gcTime: keepMs,
  }
}

/** Asks again for what is shown when the run has written new lines. */
export function useLiveLog(runId: string): void {
  const client = useQueryClient()
  useEffect(() => {
    let searching: ReturnType<typeof setTimeout> | undefined
    const refresh = (part: string) => void client.invalidateQueries({ queryKey: ['run-log', runId, part] })
    const stop = bridge.on('runs.logged', ({ id }) => {
      if (id !== runId) return
      refresh('total')
      refresh('page')
      searching ??= setTimeout(() => {
        searching = undefined
        refresh('search')
      }, searchAgainMs)
    })
    return () => {
      stop()
      clearTimeout(searching)
    }
  }, [client, runId])
}

function pagesOf({ first, last }: Stretch, total: number): readonly number[] {
  if (total === 0 || last < first) return []
  const from = Math.floor(first / pageLines)
  const to = Math.floor(Math.min(last, total - 1) / pageLines)
  return Array.from({ length: Math.max(0, to - from + 1) }, (_unused, index) => from + index)
}
