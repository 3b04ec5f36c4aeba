import { randomBytes } from 'node:crypto'
import { app, BrowserWindow, dialog, powerMonitor, type MessageBoxOptions } from 'electron'
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

/** What has to be done before the process ends, and what is lost or goes on when it does. */
interface Leaving {
  dispose(): Promise<void>
  listLeaving(): readonly string[]
}

/** Asks once when runs have not ended, then runs the shutdown once, bounded in time, before the process ends. */
export function disposeBeforeQuit(core: Leaving, log: Log): void {
  let state: 'running' | 'asking' | 'disposing' | 'done' = 'running'
  let isUrgent = false
  const close = () => {
    state = 'disposing'
    for (const window of BrowserWindow.getAllWindows()) window.hide()
    const timeout = setTimeout(() => log.warning('Shutdown took too long; quitting anyway'), quitGraceMs)
    void Promise.race([core.dispose(), new Promise((resolve) => setTimeout(resolve, quitGraceMs))])
      .catch((error: unknown) => log.error('Shutdown failed', error))
      .finally(() => {
        clearTimeout(timeout)
        state = 'done'
        app.quit()
      })
  }
  const askAndClose = async (texts: readonly string[]) => {
    state = 'asking'
    const isWanted = await confirmLeaving(texts).catch((error: unknown) => {
      log.error('The question before quitting could not be asked', error)
      return true
    })
    if (isWanted) close()
    else state = 'running'
  }
  app.on('before-quit', (event) => {
    if (state === 'done') return
    event.preventDefault()
    if (state === 'disposing' || (state === 'asking' && !isUrgent)) return
    const texts = isUrgent ? [] : core.listLeaving()
    if (texts.length === 0) close()
    else void askAndClose(texts)
  })
  // The question needs its window, so closing that asks first, too.
  app.on('browser-window-created', (_event, window) => {
    window.on('close', (event) => {
      if (state === 'done' || state === 'disposing') return
      event.preventDefault()
      app.quit()
    })
  })
  app.on('window-all-closed', () => app.quit())
  const quitAtOnce = () => {
    isUrgent = true
    app.quit()
  }
  // A terminal's Ctrl-C or the system's shutdown ends the app the same way, and does not wait for an answer.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, quitAtOnce)
  powerMonitor.on('shutdown', quitAtOnce)
}

async function confirmLeaving(texts: readonly string[]): Promise<boolean> {
  const count = texts.length === 1 ? 'A run has' : `${texts.length} runs have`
  const question: MessageBoxOptions = {
    type: 'question',
    message: `${count} not ended. Quit Tunesmith?`,
    detail: texts.join('\n\n'),
    buttons: ['Quit', 'Keep open'],
    defaultId: 1,
    cancelId: 1,
    noLink: true,
  }
  const [window] = BrowserWindow.getAllWindows()
  const { response } = await (window === undefined ? dialog.showMessageBox(question) : dialog.showMessageBox(window, question))
  return response === 0
}

/** Logs what nobody caught, with an id; the app goes on, because its state is on disk. */
export function logUncaught(log: Log): void {
  const report = (kind: string) => (error: unknown) => log.error(`${kind} (${randomBytes(4).toString('hex')})`, error)
  process.on('uncaughtException', report('Uncaught exception'))
  process.on('unhandledRejection', report('Unhandled rejection'))
}
