import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { RouteInput } from '../../../preload/contract/contract.ts'
import type { Dataset } from '../../../preload/contract/datasets.ts'
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

/** Puts an answer of main into the cache, so that every part of the page follows at once. */
export function useKeepDataset() {
  const client = useQueryClient()
  return (dataset: Dataset) => {
    client.setQueryData(['datasets', dataset.id], dataset)
    return client.invalidateQueries({ queryKey: ['datasets', 'list'] })
  }
}

/** Everything that changes a dataset as a whole; a failure is said in a message at the window's edge. */
export function useDatasetActions() {
  const client = useQueryClient()
  const toasts = useToasts()
  const onSuccess = useKeepDataset()
  const onError = (error: unknown) => toasts.show(describeError(error))
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
    setMapping: useMutation({
      mutationFn: (input: RouteInput<'datasets.setMapping'>) => bridge.invoke('datasets.setMapping', input),
      onSuccess,
      onError,
    }),
    cancelTask: useMutation({
      mutationFn: (input: RouteInput<'datasets.cancelTask'>) => bridge.invoke('datasets.cancelTask', input),
      onSuccess,
      onError,
    }),
    countTokens: useMutation({
      mutationFn: (input: RouteInput<'datasets.countTokens'>) => bridge.invoke('datasets.countTokens', input),
      onSuccess,
      onError,
    }),
    findNearDuplicates: useMutation({
      mutationFn: (input: RouteInput<'datasets.findNearDuplicates'>) => bridge.invoke('datasets.findNearDuplicates', input),
      onSuccess,
      onError,
    }),
    setSplit: useMutation({
      mutationFn: (input: RouteInput<'datasets.setSplit'>) => bridge.invoke('datasets.setSplit', input),
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
