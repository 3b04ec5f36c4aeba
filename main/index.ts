import { mkdirSync } from 'node:fs'
import { app } from 'electron'
import { compose } from './compose.ts'
import { createLog } from './lib/log.ts'
import { claimSingleInstance, disposeBeforeQuit, logUncaught } from './shell/lifecycle.ts'
import { createLogFile } from './shell/log-file.ts'
import { startMainWindow } from './shell/main-window.ts'
import { resolvePaths } from './shell/paths.ts'
import { registerAppScheme, serveApp } from './shell/protocol.ts'
import { hardenContents, hardenProcess } from './shell/security.ts'
import { createShellPorts } from './shell/shell-ports.ts'
import { showStartFailure } from './shell/start-failure.ts'
import { watchWaking } from './shell/waking.ts'

hardenProcess()
registerAppScheme()

if (claimSingleInstance()) void start()
else app.quit()

async function start(): Promise<void> {
  await app.whenReady()
  const paths = resolvePaths()
  mkdirSync(paths.data, { recursive: true })
  const logFile = createLogFile(paths.logFile, !app.isPackaged)
  const log = createLog(logFile.sink)
  logUncaught(log)
  log.info(`Tunesmith ${app.getVersion()} starts`, { electron: process.versions.electron, platform: process.platform })
  try {
    hardenContents(log)
    serveApp(paths.renderer)
    const shell = createShellPorts({ paths, log, lastLogLines: () => logFile.lastLines() })
    const core = compose({ paths, shell: shell.ports, log, isDevelopment: !app.isPackaged, environment: process.env })
    disposeBeforeQuit(core, log)
    startMainWindow({ paths, log, core, shell })
    await core.start()
    watchWaking(core)
  } catch (error) {
    log.error('The app did not start', error)
    showStartFailure(error, paths.logFile)
    app.exit(1)
  }
}
