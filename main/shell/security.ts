import { app, session, type WebContents } from 'electron'
import type { Log } from '../lib/log.ts'
import { isAppUrl } from './app-url.ts'

/** Permissions a page may use; each needs a reason. */
const allowedPermissions: ReadonlySet<string> = new Set([
  // Copy buttons write plain text that the user asked for.
  'clipboard-sanitized-write',
])

/** Must run before `ready`: every renderer is sandboxed, whatever a window asks for. */
export function hardenProcess(): void {
  // Started as root (a test machine), Chromium runs only with --no-sandbox, which enableSandbox would undo.
  if (!app.commandLine.hasSwitch('no-sandbox')) app.enableSandbox()
}

/** Denies permissions, devices, navigation, new windows and webviews for all contents (checklist items 5, 11–14). */
export function hardenContents(log: Log): void {
  const { defaultSession } = session
  defaultSession.setPermissionRequestHandler((contents, permission, decide) => {
    decide(allowedPermissions.has(permission) && isAppUrl(contents.getURL()))
  })
  defaultSession.setPermissionCheckHandler((_contents, permission, origin) => allowedPermissions.has(permission) && isAppUrl(origin))
  defaultSession.setDevicePermissionHandler(() => false)
  defaultSession.setDisplayMediaRequestHandler((_request, decide) => decide({}))
  // Nothing may be fetched by a page; spell-check dictionaries would be.
  defaultSession.setSpellCheckerEnabled(false)
  app.on('web-contents-created', (_event, contents) => guardContents(contents, log))
}

function guardContents(contents: WebContents, log: Log): void {
  const refuse = (event: { preventDefault(): void; readonly url?: string }, url: string) => {
    if (isAppUrl(url)) return
    event.preventDefault()
    log.warning('Navigation refused', { url })
  }
  contents.on('will-navigate', (event) => refuse(event, event.url))
  contents.on('will-frame-navigate', (event) => refuse(event, event.url))
  contents.on('will-redirect', (event) => refuse(event, event.url))
  contents.on('will-attach-webview', (event) => event.preventDefault())
  contents.setWindowOpenHandler(({ url }) => {
    log.warning('New window refused', { url })
    return { action: 'deny' }
  })
}
