import { useNavigate } from '@tanstack/react-router'
import { useEffect, useRef } from 'react'
import type { EventPayload } from '../../preload/contract/contract.ts'
import { importStore } from '../features/datasets/import-store.ts'
import { bridge } from '../lib/bridge.ts'
import { modifiedKey } from '../lib/shortcuts.ts'

type Command = EventPayload<'settings.commandRequested'>['command']

// The menu has the same shortcuts; the window answers first, so that they work where there is no menu.
const commandsByKey: Readonly<Record<string, Command>> = { k: 'command_palette', n: 'new_run', o: 'import_dataset', ',': 'open_settings' }

/** Carries out what the menu, its shortcuts and clicked system notices ask of the window. */
export function useMenuCommands(openPalette: () => void): void {
  const navigate = useNavigate()
  const open = useRef(openPalette)
  useEffect(() => {
    open.current = openPalette
  }, [openPalette])
  useEffect(() => {
    const go = (to: string) => void navigate({ to })
    const carryOut = (command: Command) => {
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
    }
    const onKeyDown = (event: KeyboardEvent) => {
      const command = commandsByKey[modifiedKey(event) ?? '']
      if (command === undefined) return
      event.preventDefault()
      carryOut(command)
    }
    const stopCommands = bridge.on('settings.commandRequested', ({ command }) => carryOut(command))
    const stopNotices = bridge.on('notifications.opened', ({ page, id }) => go(`/${page}/${id}`))
    document.addEventListener('keydown', onKeyDown)
    return () => {
      stopCommands()
      stopNotices()
      document.removeEventListener('keydown', onKeyDown)
    }
  }, [navigate])
}
