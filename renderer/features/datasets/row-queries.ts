import { keepPreviousData, useQueries, useQuery, useQueryClient, type QueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import type { RouteOutput } from '../../../preload/contract/contract.ts'
import type { Dataset, RowFilter, RowSort, RowSummary } from '../../../preload/contract/datasets.ts'
import { bridge } from '../../lib/bridge.ts'
import { partKey } from './part-queries.ts'
import type { Selection } from './selection.ts'

const pageSize = 100
const settleMs = 40
/** Pages that are off screen are let go, so that scrolling through a million rows does not keep them all. */
const keepMs = 30_000
const searchPollMs = 400
const fillPollMs = 2000
/** As many rows as one edit may name. */
const maxNamedRows = 100_000

/** Which rows are listed, in which order, in which state of the dataset. */
export interface RowListing {
  readonly datasetId: string
  readonly key: readonly unknown[]
  readonly filter: RowFilter
  readonly sort: RowSort
  /** True while work goes on that fills in figures of the rows. */
  readonly isFilling: boolean
}

type RowPage = RouteOutput<'datasets.listRows'>

/** The listing of a dataset under a filter and an order. */
export function listingOf(dataset: Dataset, filter: RowFilter, sort: RowSort): RowListing {
  return {
    datasetId: dataset.id,
    key: [...partKey(dataset), 'rows', filter, sort],
    filter,
    sort,
    isFilling: dataset.tasks.some(({ kind }) => kind !== 'export' && kind !== 'near_duplicates'),
  }
}

function pageQuery(listing: RowListing, page: number) {
  const { datasetId: id, filter, sort } = listing
  return {
    queryKey: [...listing.key, page],
    queryFn: () => bridge.invoke('datasets.listRows', { id, filter, sort, offset: page * pageSize, limit: pageSize }),
    gcTime: keepMs,
    refetchInterval: ({ state }: { state: { data: RowPage | undefined } }) => {
      if (state.data !== undefined && state.data.searched < 1) return searchPollMs
      return listing.isFilling ? fillPollMs : (false as const)
    },
  }
}

/** The rows in sight; a new listing takes the place of the old one only when its first page is there. */
export function useRowPages(wanted: RowListing, places: { readonly first: number; readonly last: number }) {
  const [listing, setListing] = useState(wanted)
  const head = useQuery(pageQuery(wanted, 0))
  const isNew = JSON.stringify(wanted.key) !== JSON.stringify(listing.key)
  if (head.data !== undefined && isNew) setListing(wanted)
  const pages = useWantedPages(listing, places)
  const results = useQueries({ queries: pages.map((page) => pageQuery(listing, page)) })
  const shownHead = useQuery({ ...pageQuery(listing, 0), enabled: !isNew })
  const answers = new Map(results.map(({ data }, position) => [pages[position], data]))
  answers.set(0, shownHead.data)
  return {
    total: shownHead.data?.total,
    searched: shownHead.data?.searched ?? 1,
    /** True while the rows shown are those of the listing before. */
    isOld: isNew && head.error === null,
    error: head.error ?? results.find((result) => result.error !== null)?.error ?? null,
    rowAt: (place: number): RowSummary | undefined => answers.get(Math.floor(place / pageSize))?.rows[place % pageSize],
  }
}

/** Pages of the places in sight, once scrolling rests; what was scrolled past meanwhile is never asked for. */
function useWantedPages(listing: RowListing, { first, last }: { readonly first: number; readonly last: number }): readonly number[] {
  const client = useQueryClient()
  const from = Math.floor(first / pageSize)
  const to = Math.floor(last / pageSize)
  const [asked, setAsked] = useState({ from, to })
  const isAsked = asked.from === from && asked.to === to
  useEffect(() => {
    if (isAsked) return undefined
    const ask = () => setAsked({ from, to })
    const isKnown = [from, to].every((page) => client.getQueryData([...listing.key, page]) !== undefined)
    const timer = setTimeout(ask, isKnown ? 0 : settleMs)
    return () => clearTimeout(timer)
  }, [client, from, to, isAsked, listing])
  const pages: number[] = []
  for (let page = asked.from; page <= asked.to; page += 1) pages.push(page)
  return pages
}

/** True when the same pages hold both stretches of the list, so that nothing has to be asked or drawn anew. */
export function arePagesSame(
  one: { readonly first: number; readonly last: number },
  other: { readonly first: number; readonly last: number },
): boolean {
  const pageOf = (place: number) => Math.floor(place / pageSize)
  return pageOf(one.first) === pageOf(other.first) && pageOf(one.last) === pageOf(other.last)
}

/** Numbers of the rows at chosen places, read page by page where they are not known yet. */
export async function readRowNumbers(client: QueryClient, listing: RowListing, selection: Selection): Promise<number[]> {
  const rows: number[] = []
  for (const [from, to] of selection) {
    for (let page = Math.floor(from / pageSize); page <= Math.floor(to / pageSize); page += 1) {
      const answer = await client.fetchQuery({ ...pageQuery(listing, page), staleTime: Number.POSITIVE_INFINITY })
      const start = page * pageSize
      rows.push(...answer.rows.slice(Math.max(0, from - start), to - start + 1).map(({ row }) => row))
      if (rows.length > maxNamedRows) return rows
    }
  }
  return rows
}

/** True when so many rows can be named one by one. */
export function canName(count: number): boolean {
  return count <= maxNamedRows
}

/** Everything about one row; the one before stays in sight until the answer is there. */
export function useRowDetail(dataset: Dataset, row: number | undefined) {
  return useQuery({
    queryKey: [...partKey(dataset), 'row', row],
    queryFn: () => bridge.invoke('datasets.getRow', { id: dataset.id, row: row ?? 0 }),
    enabled: row !== undefined,
    gcTime: keepMs,
    placeholderData: keepPreviousData,
  })
}

/** A row as a model sees it. */
export function useTokenPreview(dataset: Dataset, row: number, modelId: string | null, maxLength: number) {
  return useQuery({
    queryKey: [...partKey(dataset), 'token-preview', row, modelId, maxLength],
    queryFn: () => bridge.invoke('datasets.previewTokens', { id: dataset.id, row, modelId: modelId ?? '', maxLength }),
    enabled: modelId !== null,
    gcTime: keepMs,
    placeholderData: keepPreviousData,
  })
}

/** How many rows a filter leaves. */
export function useRowCount(dataset: Dataset, filter: RowFilter, isWanted: boolean) {
  const sort: RowSort = { by: 'line', descending: false }
  return useQuery({
    queryKey: [...partKey(dataset), 'row-count', filter],
    queryFn: () => bridge.invoke('datasets.listRows', { id: dataset.id, filter, sort, offset: 0, limit: 1 }),
    enabled: isWanted,
    select: ({ total }) => total,
  })
}

/** A value once it has rested, so that holding a key does not ask for everything on the way. */
export function useSettled<T>(value: T, waitMs: number): T {
  const [settled, setSettled] = useState(value)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), waitMs)
    return () => clearTimeout(timer)
  }, [value, waitMs])
  return settled
}
