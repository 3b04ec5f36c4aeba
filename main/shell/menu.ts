import { app, Menu, type MenuItemConstructorOptions } from 'electron'
import type { EventPayload } from '../../preload/contract/contract.ts'

type Command = EventPayload<'settings.commandRequested'>['command']

/** Builds the application menu; every command also has its place in the window. */
export function installMenu(request: (command: Command) => void): void {
  const command = (id: Command, label: string, accelerator: string): MenuItemConstructorOptions => ({
    id,
    label,
    accelerator,
    click: () => request(id),
  })
  const isMac = process.platform === 'darwin'
  const settings = command('open_settings', 'Settings…', 'CmdOrCtrl+,')
  const appMenu: MenuItemConstructorOptions = {
    label: app.name,
    submenu: [
      { role: 'about' },
      { type: 'separator' },
      settings,
      { type: 'separator' },
      { role: 'hide' },
      { role: 'hideOthers' },
      { role: 'unhide' },
      { type: 'separator' },
      { role: 'quit' },
    ],
  }
  Menu.setApplicationMenu(
    Menu.buildFromTemplate([
      ...(isMac ? [appMenu] : []),
      {
        label: '&File',
        submenu: [
          command('new_run', 'New run', 'CmdOrCtrl+N'),
          command('import_dataset', 'Import dataset…', 'CmdOrCtrl+O'),
          { type: 'separator' },
          ...(isMac ? [{ role: 'close' } as const] : [settings, { type: 'separator' } as const, { role: 'quit' } as const]),
        ],
      },
      { role: 'editMenu' },
      {
        label: '&Go',
        submenu: [
          command('command_palette', 'Search…', 'CmdOrCtrl+K'),
          { type: 'separator' },
          command('go_datasets', 'Datasets', 'CmdOrCtrl+1'),
          command('go_runs', 'Runs', 'CmdOrCtrl+2'),
          command('go_adapters', 'Adapters', 'CmdOrCtrl+3'),
          command('go_endpoints', 'Endpoints', 'CmdOrCtrl+4'),
          command('go_costs', 'Costs', 'CmdOrCtrl+5'),
        ],
      },
      {
        label: '&View',
        submenu: [
          { role: 'resetZoom' },
          { role: 'zoomIn' },
          { role: 'zoomOut' },
          { type: 'separator' },
          { role: 'togglefullscreen' },
          ...(app.isPackaged ? [] : [{ role: 'toggleDevTools' } as const]),
        ],
      },
      { role: 'windowMenu' },
    ]),
  )
}
