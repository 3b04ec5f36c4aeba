import { app, BrowserWindow } from 'electron'
import type { Core } from '../compose.ts'
import type { Log } from '../lib/log.ts'
import { connectIpc } from './ipc-transport.ts'
import { installMenu } from './menu.ts'
import type { AppPaths } from './paths.ts'
import type { Shell } from './shell-ports.ts'
import { openMainWindow } from './window.ts'

/** Opens the window, connects it to the core, and opens it again when macOS asks. */
export function startMainWindow(dependencies: { paths: AppPaths; log: Log; core: Core; shell: Shell }): void {
  const { paths, log, core, shell } = dependencies
  const knownWindows = new Set<number>()
  connectIpc({ dispatch: core.dispatch, hub: core.hub, knownWindows })

  const open = () => {
    const window = openMainWindow({ preloadPath: paths.preload, statePath: paths.windowState, iconPath: paths.icon, log })
    const { id } = window.webContents
    knownWindows.add(id)
    window.on('closed', () => {
      knownWindows.delete(id)
      core.hub.forgetWindow(id)
    })
    // A reloaded page subscribes anew; its old subscriptions end here.
    window.webContents.on('did-start-navigation', (details) => {
      if (details.isMainFrame && !details.isSameDocument) core.hub.forgetWindow(id)
    })
    shell.setFocusWindow(() => {
      if (window.isDestroyed()) return
      window.show()
      window.focus()
    })
  }
  installMenu((command) => core.hub.publish('settings.commandRequested', { command }))
  open()
  app.on('activate', () => {
    if (BrowserWindow.getAllWindows().length === 0) open()
  })
}
