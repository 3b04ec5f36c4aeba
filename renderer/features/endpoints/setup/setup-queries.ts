import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { RouteInput } from '../../../../preload/contract/contract.ts'
import { bridge } from '../../../lib/bridge.ts'

/** What the app makes, or has made, in the user's RunPod account. */
export function useSetups() {
  return useQuery({ queryKey: ['endpoints', 'setups'], queryFn: () => bridge.invoke('endpointSetups.list', {}) })
}

/** The catalogue of base models. */
export function useBaseModels() {
  return useQuery({ queryKey: ['models', 'list'], queryFn: () => bridge.invoke('models.list', {}) })
}

/** Everything that makes, carries on or removes endpoints at RunPod. */
export function useSetupActions() {
  const client = useQueryClient()
  const refresh = () => client.invalidateQueries({ queryKey: ['endpoints'] })
  return {
    propose: useMutation({
      mutationFn: (input: RouteInput<'endpointSetups.propose'>) => bridge.invoke('endpointSetups.propose', input),
    }),
    create: useMutation({
      mutationFn: (input: RouteInput<'endpointSetups.create'>) => bridge.invoke('endpointSetups.create', input),
      onSuccess: refresh,
    }),
    goOn: useMutation({
      mutationFn: (input: RouteInput<'endpointSetups.continue'>) => bridge.invoke('endpointSetups.continue', input),
      onSuccess: refresh,
    }),
    remove: useMutation({
      mutationFn: (input: RouteInput<'endpointSetups.remove'>) => bridge.invoke('endpointSetups.remove', input),
      onSuccess: refresh,
    }),
    updateWorker: useMutation({
      mutationFn: (id: string) => bridge.invoke('endpointSetups.updateWorker', { id }),
      onSettled: refresh,
    }),
  }
}
