import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { RouteInput } from '../../../preload/contract/contract.ts'
import type { Adapter } from '../../../preload/contract/adapters.ts'
import { bridge } from '../../lib/bridge.ts'

/** What the adapter list is narrowed to. */
export type AdapterFilter = Required<RouteInput<'adapters.list'>>

/** All adapters that match, kept on screen while the next answer is on its way. */
export function useAdapters(filter: AdapterFilter) {
  return useQuery({
    queryKey: ['adapters', 'list', filter],
    queryFn: () => bridge.invoke('adapters.list', filter),
    placeholderData: keepPreviousData,
  })
}

/** One adapter. */
export function useAdapter(id: string) {
  return useQuery({ queryKey: ['adapters', id], queryFn: () => bridge.invoke('adapters.get', { id }) })
}

/** The run an adapter came from; an error means that the run was deleted since. */
export function useOriginRun(runId: string | undefined) {
  return useQuery({
    queryKey: ['runs', runId],
    queryFn: () => (runId === undefined ? null : bridge.invoke('runs.get', { id: runId })),
    enabled: runId !== undefined,
    retry: false,
  })
}

/** The loss curve of the run an adapter came from. */
export function useOriginMetrics(runId: string | undefined) {
  return useQuery({
    queryKey: ['runs', runId, 'metrics'],
    queryFn: () => (runId === undefined ? null : bridge.invoke('runs.listMetrics', { id: runId })),
    enabled: runId !== undefined,
    retry: false,
  })
}

/** What the base model and the adapter wrote to the same prompts. */
export function useOriginSamples(runId: string | undefined) {
  return useQuery({
    queryKey: ['runs', runId, 'samples'],
    queryFn: () => (runId === undefined ? [] : bridge.invoke('runs.listSamples', { id: runId })),
    enabled: runId !== undefined,
    retry: false,
  })
}

/** Renames an adapter. */
export function useRenameAdapter(id: string) {
  return useAdapterMutation((name: string) => bridge.invoke('adapters.rename', { id, name }))
}

/** Checks every file on disk again. */
export function useVerifyAdapter(id: string) {
  return useAdapterMutation((_input: void) => bridge.invoke('adapters.verify', { id }))
}

/** Copies all parts from the volume again. */
export function useFetchAdapterAgain(id: string) {
  return useAdapterMutation((_input: void) => bridge.invoke('adapters.fetchAgain', { id }))
}

/** Saves a copy where the user chooses; null when the dialog was closed. */
export function useSaveAdapter(id: string) {
  return useMutation({ mutationFn: (format: 'zip' | 'folder') => bridge.invoke('adapters.saveAs', { id, format }) })
}

/** Shows the adapter's folder in the system's file manager. */
export function useRevealAdapter(id: string) {
  return useMutation({ mutationFn: () => bridge.invoke('adapters.reveal', { id }) })
}

/** Puts the adapter's folder on the clipboard. */
export function useCopyAdapterPath(id: string) {
  return useMutation({ mutationFn: () => bridge.invoke('adapters.copyPath', { id }) })
}

/** Starts a drag of the adapter's folder into another program. */
export function useStartAdapterDrag(id: string) {
  return useMutation({ mutationFn: () => bridge.invoke('adapters.startDrag', { id }) })
}

/** Removes an adapter; its files go to the system's trash. */
export function useDeleteAdapter() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (id: string) => bridge.invoke('adapters.delete', { id }),
    onSuccess: () => client.invalidateQueries({ queryKey: ['adapters', 'list'] }),
  })
}

function useAdapterMutation<Input>(mutationFn: (input: Input) => Promise<Adapter>) {
  const client = useQueryClient()
  return useMutation({
    mutationFn,
    onSuccess: (adapter) => {
      client.setQueryData(['adapters', adapter.id], adapter)
      return client.invalidateQueries({ queryKey: ['adapters', 'list'] })
    },
  })
}
