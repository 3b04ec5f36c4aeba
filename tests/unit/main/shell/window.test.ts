import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isTrustedSender } from '../../../../main/shell/sender-gate.ts'
import { windowWebPreferences } from '../../../../main/shell/window-options.ts'
import { readWindowState, writeWindowState } from '../../../../main/shell/window-state.ts'

describe('window options', () => {
  it('keeps every protection of the checklist on, whatever is added later', () => {
    expect(windowWebPreferences('preload.cjs')).toMatchObject({
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      nodeIntegrationInWorker: false,
      nodeIntegrationInSubFrames: false,
      webSecurity: true,
      allowRunningInsecureContent: false,
      experimentalFeatures: false,
      webviewTag: false,
      navigateOnDragDrop: false,
    })
    expect(windowWebPreferences('preload.cjs').enableBlinkFeatures).toBeUndefined()
  })
})

describe('sender gate', () => {
  const known = new Set([7])
  it('takes a message from the top frame of our own window only', () => {
    expect(isTrustedSender({ frameUrl: 'app://bundle/#/runs', isTopFrame: true, windowId: 7 }, known)).toBe(true)
    expect(isTrustedSender({ frameUrl: 'app://bundle/', isTopFrame: false, windowId: 7 }, known)).toBe(false)
    expect(isTrustedSender({ frameUrl: 'app://bundle/', isTopFrame: true, windowId: 8 }, known)).toBe(false)
    expect(isTrustedSender({ frameUrl: 'https://example.org/', isTopFrame: true, windowId: 7 }, known)).toBe(false)
    expect(isTrustedSender({ frameUrl: undefined, isTopFrame: true, windowId: 7 }, known)).toBe(false)
  })
})

describe('window state', () => {
  const display = { x: 0, y: 0, width: 1440, height: 900 }
  let folder = ''
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tunesmith-window-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('comes back as it was left', () => {
    const path = join(folder, 'state.json')
    const state = { position: { x: 20, y: 30 }, width: 1000, height: 700, isMaximized: false }
    writeWindowState(path, state)
    expect(readWindowState(path, [display])).toEqual(state)
  })

  it('drops a position on a display that is gone, so that the window is never out of reach', () => {
    const path = join(folder, 'state.json')
    writeWindowState(path, { position: { x: 3000, y: 30 }, width: 1000, height: 700, isMaximized: false })
    expect(readWindowState(path, [display])).toEqual({ position: null, width: 1000, height: 700, isMaximized: false })
  })

  it('falls back to the first size for a missing, torn or senseless file', () => {
    const path = join(folder, 'state.json')
    const first = { position: null, width: 1280, height: 800, isMaximized: false }
    expect(readWindowState(path, [display])).toEqual(first)
    for (const text of ['{"width":', 'null', '{"position":null,"width":1,"height":1,"isMaximized":false}']) {
      writeFileSync(path, text)
      expect(readWindowState(path, [display])).toEqual(first)
    }
  })
})
