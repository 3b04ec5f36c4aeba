import { randomBytes } from 'node:crypto'
import { app, BrowserWindow } from 'electron'
import type { Log } from '../lib/log.ts'

/** Longest wait for a training worker to write its checkpoint before the app is gone. */
const quitGraceMs = 20_000

/** Takes the instance lock; false means another one runs and has been brought to the front. */
export function claimSingleInstance(): boolean {
  if (!app.requestSingleInstanceLock()) return false
  app.on('second-instance', () => {
    const window = BrowserWindow.getAllWindows()[0]
    if (window === undefined) return
    if (window.isMinimized()) window.restore()
    window.show()
    window.focus()
  })
  return true
}

/** Runs the shutdown once, bounded in time, before the process ends. */
export function disposeBeforeQuit(dispose: () => Promise<void>, log: Log): void {
  let state: 'running' | 'disposing' | 'done' = 'running'
  app.on('before-quit', (event) => {
    if (state === 'done') return
    event.preventDefault()
    if (state === 'disposing') return
    state = 'disposing'
    for (const window of BrowserWindow.getAllWindows()) window.hide()
    const timeout = setTimeout(() => log.warning('Shutdown took too long; quitting anyway'), quitGraceMs)
    void Promise.race([dispose(), new Promise((resolve) => setTimeout(resolve, quitGraceMs))])
      .catch((error: unknown) => log.error('Shutdown failed', error))
      .finally(() => {
        clearTimeout(timeout)
        state = 'done'
        app.quit()
      })
  })
  app.on('window-all-closed', () => app.quit())
  // A terminal's Ctrl-C or the system's shutdown ends the app the same way.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => app.quit())
}

/** Logs what nobody caught, with an id; the app goes on, because its state is on disk. */
export function logUncaught(log: Log): void {
  const report = (kind: string) => (error: unknown) => log.error(`${kind} (${randomBytes(4).toString('hex')})`, error)
  process.on('uncaughtException', report('Uncaught exception'))
  process.on('unhandledRejection', report('Unhandled rejection'))
}
