import { describe, expect, it } from 'vitest'
import { CONTENT_SECURITY_POLICY, isAppUrl, resolveAppFile } from '../../../../main/shell/app-url.ts'

const files = new Set(['index.html', 'assets/index-1.js', 'assets/index-1.css', 'assets/inter.woff2', 'notes.txt'])

describe('isAppUrl', () => {
  it('accepts only the exact scheme and host, so that look-alikes cannot call main', () => {
    expect(isAppUrl('app://bundle/')).toBe(true)
    expect(isAppUrl('app://bundle/#/runs')).toBe(true)
    for (const url of [
      'app://bundle.evil/',
      'app://evil/bundle',
      'https://bundle/',
      'file:///bundle',
      'app://user@bundle/',
      'about:blank',
      '',
      'data:text/html,x',
    ]) {
      expect(isAppUrl(url), url).toBe(false)
    }
  })
})

describe('resolveAppFile', () => {
  it('serves the listed files with their type', () => {
    expect(resolveAppFile('app://bundle/', files)).toEqual({ file: 'index.html', mimeType: 'text/html; charset=utf-8' })
    expect(resolveAppFile('app://bundle/assets/index-1.js', files)?.mimeType).toBe('text/javascript; charset=utf-8')
  })

  it('refuses every way out of the list: dots, encodings, backslashes, other hosts, unlisted and unknown types', () => {
    for (const url of [
      'app://bundle/../secret',
      'app://bundle/%2e%2e/secret',
      'app://bundle/assets%2findex-1.js',
      'app://bundle/assets\\index-1.js',
      'app://bundle//etc/passwd',
      'app://other/index.html',
      'app://bundle/missing.js',
      'app://bundle/notes.txt',
    ]) {
      expect(resolveAppFile(url, files), url).toBeUndefined()
    }
  })
})

describe('content security policy', () => {
  it('lets the page load nothing from the network and no inline script', () => {
    expect(CONTENT_SECURITY_POLICY).toContain("default-src 'none'")
    expect(CONTENT_SECURITY_POLICY).toContain("connect-src 'none'")
    expect(CONTENT_SECURITY_POLICY).not.toContain('unsafe')
    expect(CONTENT_SECURITY_POLICY).not.toContain('http')
  })
})
