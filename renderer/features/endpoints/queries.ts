import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { AddRunpodInput, ConnectStorageInput } from '../../../preload/contract/endpoints.ts'
import type { RouteInput } from '../../../preload/contract/contract.ts'
import { bridge } from '../../lib/bridge.ts'

/** Every place a run can be trained at. */
export function useEndpoints() {
  return useQuery({ queryKey: ['endpoints', 'list'], queryFn: () => bridge.invoke('endpoints.list', {}) })
}

/** What is known about training on this computer. */
export function useLocalState() {
  return useQuery({ queryKey: ['endpoints', 'local'], queryFn: () => bridge.invoke('endpoints.localState', {}) })
}

/** Whether keys can be kept in the system's keychain. */
export function useKeychainStatus() {
  return useQuery({ queryKey: ['keychain'], queryFn: () => bridge.invoke('endpoints.keychainStatus', {}) })
}

/** Everything that changes an endpoint. */
export function useEndpointActions() {
  const client = useQueryClient()
  const refresh = () => client.invalidateQueries({ queryKey: ['endpoints'] })
  return {
    setUpLocal: useMutation({ mutationFn: () => bridge.invoke('endpoints.setUpLocal', {}), onSettled: refresh }),
    add: useMutation({ mutationFn: (input: AddRunpodInput) => bridge.invoke('endpoints.addRunpod', input), onSuccess: refresh }),
    rename: useMutation({
      mutationFn: (input: RouteInput<'endpoints.rename'>) => bridge.invoke('endpoints.rename', input),
      onSuccess: refresh,
    }),
    replaceKey: useMutation({
      mutationFn: (input: RouteInput<'endpoints.replaceKey'>) => bridge.invoke('endpoints.replaceKey', input),
      onSuccess: refresh,
    }),
    connectStorage: useMutation({
      mutationFn: (input: ConnectStorageInput) => bridge.invoke('endpoints.connectStorage', input),
      onSuccess: refresh,
    }),
    disconnectStorage: useMutation({
      mutationFn: (id: string) => bridge.invoke('endpoints.disconnectStorage', { id }),
      onSuccess: refresh,
    }),
    test: useMutation({ mutationFn: (id: string) => bridge.invoke('endpoints.testConnection', { id }), onSettled: refresh }),
    greet: useMutation({ mutationFn: (id: string) => bridge.invoke('endpoints.greet', { id }), onSettled: refresh }),
    openLink: useMutation({ mutationFn: (link: RouteInput<'settings.openLink'>['link']) => bridge.invoke('settings.openLink', { link }) }),
    remove: useMutation({ mutationFn: (id: string) => bridge.invoke('endpoints.delete', { id }), onSuccess: refresh }),
  }
}
