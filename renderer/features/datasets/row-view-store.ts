import { useStore } from 'zustand'
import { createStore } from 'zustand/vanilla'
import { rowFilterSchema, type RowFilter, type RowSort } from '../../../preload/contract/datasets.ts'
import { noRows, type Selection } from './selection.ts'

/** How a row is looked at. */
export type RowViewMode = 'conversation' | 'model' | 'raw'

/** What the row browser of one dataset shows; kept while other pages are open. */
export interface RowView {
  readonly filter: RowFilter
  readonly sort: RowSort
  /** Place in the list that the keyboard is at. */
  readonly current: number
  readonly selection: Selection
  readonly mode: RowViewMode
  readonly modelId: string | null
  readonly maxLength: number
  /** Unsaved texts of the raw editor by row. */
  readonly drafts: Readonly<Record<number, string>>
}

/** A filter that leaves nothing out. */
export const emptyFilter: RowFilter = rowFilterSchema.parse({})

const firstView: RowView = {
  filter: emptyFilter,
  sort: { by: 'line', descending: false },
  current: 0,
  selection: noRows,
  mode: 'conversation',
  modelId: null,
  maxLength: 2048,
  drafts: {},
}

interface RowViewState {
  readonly views: Readonly<Record<string, RowView>>
  readonly change: (datasetId: string, change: Partial<RowView>) => void
}

/** The row browsers' state by dataset. */
export const rowViewStore = createStore<RowViewState>((set, get) => ({
  views: {},
  change: (datasetId, change) => {
    const { views } = get()
    set({ views: { ...views, [datasetId]: { ...(views[datasetId] ?? firstView), ...change } } })
  },
}))

/** The view of a dataset's rows, and how to change it. */
export function useRowView(datasetId: string): readonly [RowView, (change: Partial<RowView>) => void] {
  const view = useStore(rowViewStore, ({ views }) => views[datasetId] ?? firstView)
  return [view, (change) => rowViewStore.getState().change(datasetId, change)]
}

/** Shows other rows: places of the old list mean nothing in the new one. */
export function narrowRows(datasetId: string, change: Partial<Pick<RowView, 'filter' | 'sort'>>): void {
  rowViewStore.getState().change(datasetId, { ...change, current: 0, selection: noRows })
}

/** Adds conditions to those that are there. */
export function addToFilter(datasetId: string, change: Partial<RowFilter>): void {
  const filter = rowViewStore.getState().views[datasetId]?.filter ?? emptyFilter
  narrowRows(datasetId, { filter: { ...filter, ...change } })
}

/** True when the filter leaves something out. */
export function isNarrowed(filter: RowFilter): boolean {
  return JSON.stringify({ ...emptyFilter, ...filter }) !== JSON.stringify(emptyFilter)
}
