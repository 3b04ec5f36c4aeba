import { keepPreviousData, useMutation, useQueries, useQuery, useQueryClient } from '@tanstack/react-query'
import type { RouteInput } from '../../../preload/contract/contract.ts'
import type { Conversation, Dataset } from '../../../preload/contract/datasets.ts'
import { bridge } from '../../lib/bridge.ts'
import { describeError } from '../../lib/describe-error.ts'
import { useToasts } from '../../ui/Toasts.tsx'

/** What the dataset list is narrowed to. */
export type DatasetFilter = Required<RouteInput<'datasets.list'>>

/** All datasets that match. */
export function useDatasets(filter: DatasetFilter) {
  return useQuery({
    queryKey: ['datasets', 'list', filter],
    queryFn: () => bridge.invoke('datasets.list', filter),
    placeholderData: keepPreviousData,
  })
}

/** One dataset. */
export function useDataset(id: string) {
  return useQuery({ queryKey: ['datasets', id], queryFn: () => bridge.invoke('datasets.get', { id }) })
}

/** Sample datasets that came with the app. */
export function useSamples() {
  return useQuery({ queryKey: ['samples'], queryFn: () => bridge.invoke('datasets.listSamples', {}) })
}

/** A page of faults, and the exact count of each kind. */
export function useDatasetErrors(id: string, offset: number, limit: number) {
  return useQuery({
    queryKey: ['datasets', id, 'errors', offset, limit],
    queryFn: () => bridge.invoke('datasets.listErrors', { id, offset, limit }),
    placeholderData: keepPreviousData,
  })
}

const rowPageSize = 100

/** The usable rows around some places of the list; only the pages that hold them are read. */
export function useDatasetRows(id: string, places: readonly number[]) {
  const pages = [...new Set(places.map((place) => Math.floor(place / rowPageSize)))]
  const results = useQueries({
    queries: pages.map((page) => ({
      queryKey: ['datasets', id, 'rows', page],
      queryFn: () => bridge.invoke('datasets.listRows', { id, offset: page * rowPageSize, limit: rowPageSize }),
    })),
  })
  const answers = results.flatMap(({ data }, position) => (data === undefined ? [] : [{ page: pages[position], ...data }]))
  return {
    total: answers[0]?.total,
    error: results.find((result) => result.error !== null)?.error ?? null,
    rowAt(index: number): Conversation | undefined {
      return answers.find((answer) => answer.page === Math.floor(index / rowPageSize))?.rows[index % rowPageSize]
    },
  }
}

/** Everything that changes a dataset; a failure is said in a message at the window's edge. */
export function useDatasetActions() {
  const client = useQueryClient()
  const toasts = useToasts()
  const onError = (error: unknown) => toasts.show(describeError(error))
  const onSuccess = (dataset: Dataset) => {
    client.setQueryData(['datasets', dataset.id], dataset)
    return client.invalidateQueries({ queryKey: ['datasets'] })
  }
  const undoDelete = useMutation({ mutationFn: (id: string) => bridge.invoke('datasets.undoDelete', { id }), onSuccess, onError })
  return {
    importSample: useMutation({
      mutationFn: (sampleId: string) => bridge.invoke('datasets.importSample', { sampleId }),
      onSuccess,
      onError,
    }),
    acceptValidRows: useMutation({
      mutationFn: (input: { id: string; accept: boolean }) => bridge.invoke('datasets.acceptValidRows', input),
      onSuccess,
      onError,
    }),
    validateAgain: useMutation({ mutationFn: (id: string) => bridge.invoke('datasets.validateAgain', { id }), onSuccess, onError }),
    rename: useMutation({
      mutationFn: (input: RouteInput<'datasets.rename'>) => bridge.invoke('datasets.rename', input),
      onSuccess,
      onError,
    }),
    remove: useMutation({
      mutationFn: (dataset: Dataset) => bridge.invoke('datasets.delete', { id: dataset.id }),
      onSuccess: (_done, dataset) => {
        toasts.show(`“${dataset.name}” is deleted.`, { label: 'Undo', onSelect: () => undoDelete.mutate(dataset.id) })
        return client.invalidateQueries({ queryKey: ['datasets', 'list'] })
      },
      onError,
    }),
  }
}
