import { useNavigate } from '@tanstack/react-router'
import { useEffect, useRef } from 'react'
import { importStore } from '../features/datasets/import-store.ts'
import { bridge } from '../lib/bridge.ts'

/** Carries out what the menu, its shortcuts and clicked system notices ask of the window. */
export function useMenuCommands(openPalette: () => void): void {
  const navigate = useNavigate()
  const open = useRef(openPalette)
  open.current = openPalette
  useEffect(() => {
    const go = (to: string) => void navigate({ to })
    const stopCommands = bridge.on('settings.commandRequested', ({ command }) => {
      switch (command) {
        case 'new_run':
          return go('/runs/new')
        case 'open_settings':
          return go('/settings')
        case 'command_palette':
          return open.current()
        case 'import_dataset':
          return void importStore.getState().pick()
        case 'go_datasets':
          return go('/datasets')
        case 'go_runs':
          return go('/runs')
        case 'go_adapters':
          return go('/adapters')
        case 'go_endpoints':
          return go('/endpoints')
        case 'go_costs':
          return go('/costs')
      }
    })
    const stopNotices = bridge.on('notifications.opened', ({ page, id }) => go(`/${page}/${id}`))
    return () => {
      stopCommands()
      stopNotices()
    }
  }, [navigate])
}
