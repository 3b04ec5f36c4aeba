import { app, clipboard, nativeTheme, shell } from 'electron'
import { AppError } from '../../preload/contract/errors.ts'
import type { ShellPorts } from '../compose.ts'
import type { Log } from '../lib/log.ts'
import { systemDialogs } from './dialogs.ts'
import { startDragOut } from './drag-out.ts'
import { startEngineProcess } from './engine-process.ts'
import { sendToWindow } from './ipc-transport.ts'
import { showOsNotification } from './os-notifications.ts'
import type { AppPaths } from './paths.ts'

/** The shell's side of the ports, and what the main window adds to it later. */
export interface Shell {
  readonly ports: ShellPorts
  /** Brings the window to the front; set once the window is there. */
  setFocusWindow(focus: () => void): void
}

/** Everything the core may ask of the desktop, bound to Electron. */
export function createShellPorts(dependencies: { paths: AppPaths; log: Log; lastLogLines: () => string }): Shell {
  const { paths, log, lastLogLines } = dependencies
  let focusWindow: () => void = () => undefined
  const ports: ShellPorts = {
    ...systemDialogs,
    startDatasetEngine: (config) => startEngineProcess(paths.datasetEngine, config),
    sendToWindow,
    startDrag: (windowId, path) => startDragOut(windowId, path, paths.icon),
    reveal: (path) => shell.showItemInFolder(path),
    openFolder: async (path) => {
      const problem = await shell.openPath(path)
      if (problem !== '') throw new Error(problem)
    },
    openExternal: openHttps,
    trash: (path) => shell.trashItem(path),
    copyText: (text) => {
      // Electron 45 answers with a promise, the development runtime at once.
      void clipboard.writeText(text)
    },
    showOsNotification: (notice) =>
      showOsNotification({
        ...notice,
        onClick: () => {
          focusWindow()
          notice.onClick()
        },
        onFailed: (reason) => log.warning('The system notice was not shown', { reason }),
      }),
    applyTheme: (theme) => {
      nativeTheme.themeSource = theme
    },
    lastLogLines,
    versions: () => ({
      version: app.getVersion(),
      electron: process.versions.electron,
      chrome: process.versions.chrome,
      node: process.versions.node,
      platform: `${process.platform} ${process.arch}`,
      isPackaged: app.isPackaged,
    }),
  }
  return { ports, setFocusWindow: (focus) => (focusWindow = focus) }
}

async function openHttps(url: string): Promise<void> {
  if (new URL(url).protocol !== 'https:') throw new AppError('INVALID_INPUT', 'Only https links can be opened.')
  await shell.openExternal(url)
}
