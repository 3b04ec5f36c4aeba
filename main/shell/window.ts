import { BrowserWindow, nativeTheme, screen } from 'electron'
import type { Log } from '../lib/log.ts'
import { APP_ORIGIN } from './app-url.ts'
import { windowWebPreferences } from './window-options.ts'
import { readWindowState, writeWindowState } from './window-state.ts'

interface WindowOptions {
  readonly preloadPath: string
  readonly statePath: string
  readonly iconPath: string
  readonly log: Log
}

/** Opens the main window where it was last time and shows it once it has drawn itself. */
export function openMainWindow({ preloadPath, statePath, iconPath, log }: WindowOptions): BrowserWindow {
  const { isMaximized, position, ...size } = readWindowState(
    statePath,
    screen.getAllDisplays().map((display) => display.workArea),
  )
  const window = new BrowserWindow({
    ...position,
    ...size,
    minWidth: 720,
    minHeight: 480,
    show: false,
    title: 'Tunesmith',
    icon: iconPath,
    backgroundColor: nativeTheme.shouldUseDarkColors ? '#16191c' : '#fafbfb',
    webPreferences: windowWebPreferences(preloadPath),
  })
  if (isMaximized) window.maximize()
  window.once('ready-to-show', () => window.show())
  window.on('close', () => {
    const { x, y, width, height } = window.getNormalBounds()
    const state = { position: { x, y }, width, height, isMaximized: window.isMaximized() }
    try {
      writeWindowState(statePath, state)
    } catch (error) {
      log.warning('Window state was not saved', error)
    }
  })
  reportPageFailures(window, log)
  void window.loadURL(`${APP_ORIGIN}/`)
  return window
}

function reportPageFailures(window: BrowserWindow, log: Log): void {
  const { webContents } = window
  webContents.on('render-process-gone', (_event, details) => {
    log.error('The window process ended', details)
    // The app's state is in main, so the page can simply be drawn again.
    if (details.reason !== 'clean-exit' && details.reason !== 'killed') webContents.reload()
  })
  webContents.on('did-fail-load', (_event, code, description, url) => log.error('Page did not load', { code, description, url }))
  webContents.on('unresponsive', () => log.warning('The window does not respond'))
  webContents.on('preload-error', (_event, path, error) => log.error('Preload failed', { path, error }))
}
