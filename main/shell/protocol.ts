import { readFile } from 'node:fs/promises'
import { readdirSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { protocol } from 'electron'
import { CONTENT_SECURITY_POLICY, resolveAppFile } from './app-url.ts'

/** Must run before `ready`: gives app:// the standing of a secure origin. */
export function registerAppScheme(): void {
  protocol.registerSchemesAsPrivileged([{ scheme: 'app', privileges: { standard: true, secure: true, supportFetchAPI: true } }])
}

/** Serves the built renderer from a fixed list of files, with the security headers. */
export function serveApp(rendererFolder: string): void {
  const files = new Set(listFiles(rendererFolder))
  protocol.handle('app', async (request) => {
    const found = request.method === 'GET' ? resolveAppFile(request.url, files) : undefined
    if (found === undefined) return new Response('Not found', { status: 404, headers: { 'content-type': 'text/plain' } })
    return new Response(new Uint8Array(await readFile(join(rendererFolder, found.file))), {
      headers: {
        'content-type': found.mimeType,
        'content-security-policy': CONTENT_SECURITY_POLICY,
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin',
      },
    })
  })
}

function listFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
}
