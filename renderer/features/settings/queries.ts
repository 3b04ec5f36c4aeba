import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { RouteInput } from '../../../preload/contract/contract.ts'
import { bridge } from '../../lib/bridge.ts'
import { describeError } from '../../lib/describe-error.ts'
import { useToasts } from '../../ui/Toasts.tsx'

/** What the user has set. */
export function useSettings() {
  return useQuery({ queryKey: ['settings'], queryFn: () => bridge.invoke('settings.get', {}) })
}

/** Versions and places of the app itself. */
export function useAppInfo() {
  return useQuery({ queryKey: ['app-info'], queryFn: () => bridge.invoke('settings.appInfo', {}) })
}

/** Vocabularies that come with the app, with their licences. */
export function useVocabularies() {
  return useQuery({ queryKey: ['vocabularies'], queryFn: () => bridge.invoke('datasets.listVocabularies', {}) })
}

/** Everything the settings page does; a failure is said in a message at the window's edge. */
export function useSettingsActions() {
  const client = useQueryClient()
  const toasts = useToasts()
  const onError = (error: unknown) => toasts.show(describeError(error))
  return {
    update: useMutation({
      mutationFn: (change: RouteInput<'settings.update'>) => bridge.invoke('settings.update', change),
      onSuccess: (settings) => client.setQueryData(['settings'], settings),
      onError,
    }),
    revealDataFolder: useMutation({ mutationFn: () => bridge.invoke('settings.revealDataFolder', {}), onError }),
    copyDiagnostics: useMutation({
      mutationFn: () => bridge.invoke('settings.copyDiagnostics', {}),
      onSuccess: () => toasts.show('Diagnostics are on the clipboard, without keys.'),
      onError,
    }),
  }
}
