/** The only origin a window of this app ever shows. */
export const APP_ORIGIN = 'app://bundle'

/** Headers of every answer of the app:// protocol; all network stays in main, so `connect-src` is none. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "font-src 'self'",
  "connect-src 'none'",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const mimeTypes: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  json: 'application/json; charset=utf-8',
  svg: 'image/svg+xml',
  png: 'image/png',
  woff2: 'font/woff2',
  woff: 'font/woff',
}

/** True for a page of this app and for nothing else; shared by the sender gate and the navigation guard. */
export function isAppUrl(url: string): boolean {
  try {
    const parsed = new URL(url)
    // Node gives custom schemes an opaque origin, so scheme and host are compared.
    return parsed.protocol === 'app:' && parsed.host === 'bundle' && parsed.username === '' && parsed.password === ''
  } catch {
    return false
  }
}

/**
 * Maps a request to one of the built files, or to undefined.
 * `files` is the fixed list of relative paths made at start-up, so no path outside it can be named.
 */
export function resolveAppFile(url: string, files: ReadonlySet<string>): { file: string; mimeType: string } | undefined {
  if (!isAppUrl(url)) return undefined
  const { pathname } = new URL(url)
  if (/%2e|%2f|%5c|\\|\.\./i.test(pathname)) return undefined
  const file = pathname === '/' ? 'index.html' : pathname.slice(1)
  const mimeType = mimeTypes[file.slice(file.lastIndexOf('.') + 1)]
  if (!files.has(file) || mimeType === undefined) return undefined
  return { file, mimeType }
}
