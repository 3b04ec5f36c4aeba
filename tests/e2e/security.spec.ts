import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@playwright/test'
import { createProfile, quitApp, removeProfile, startApp, type TestApp } from './support/app.ts'
import { testRuntime } from './support/runtime.ts'

let app: TestApp

test.beforeAll(async () => {
  app = await startApp(createProfile())
})

test.afterAll(async () => {
  await quitApp(app)
  removeProfile(app.profile)
})

test('the page reaches no Node, no Electron and nothing of main but the frozen bridge', async () => {
  const reach = await app.page.evaluate(() => {
    const bridge = (window as unknown as { tunesmith: Record<string, unknown> }).tunesmith
    return {
      foreign: ['require', 'process', 'module', 'Buffer', 'ipcRenderer', 'electron', 'global'].filter((name) => name in window),
      bridge: Object.keys(bridge).toSorted(),
      isFrozen: Object.isFrozen(bridge),
    }
  })
  expect(reach).toEqual({ foreign: [], bridge: ['invoke', 'invokeWithFile', 'on'], isFrozen: true })
})

test('the page cannot use the network, run inline script or eval', async () => {
  const outcome = await app.page.evaluate(async () => {
    const attempt = async (act: () => unknown) => {
      try {
        await act()
        return 'allowed'
      } catch {
        return 'refused'
      }
    }
    const scriptRan = await new Promise<boolean>((resolve) => {
      const script = document.createElement('script')
      script.textContent = 'window.inlineScriptRan = true'
      document.head.append(script)
      resolve('inlineScriptRan' in window)
    })
    return {
      loopback: await attempt(() => fetch('http://127.0.0.1:9/')),
      remote: await attempt(() => fetch('https://example.org/')),
      own: await attempt(() => fetch('app://bundle/index.html')),
      // Later, in the page's own time: what the driver evaluates directly is exempt from the policy.
      evaluated: await new Promise((resolve) => {
        setTimeout(() => {
          try {
            resolve(`allowed: ${String(Reflect.apply(Reflect.get(window, 'eval'), window, ['1']))}`)
          } catch {
            resolve('refused')
          }
        }, 0)
      }),
      scriptRan,
    }
  })
  expect(outcome).toEqual({ loopback: 'refused', remote: 'refused', own: 'refused', evaluated: 'refused', scriptRan: false })
})

test('main answers foreign routes and malformed requests with a typed refusal, never with silence', async () => {
  const answers = await app.page.evaluate(async () => {
    const bridge = (
      window as unknown as { tunesmith: { invoke(route: string, input: unknown): Promise<{ ok: boolean; error?: { code: string } }> } }
    ).tunesmith
    const code = async (route: string, input: unknown) => (await bridge.invoke(route, input)).error?.code
    return [
      await code('shell.exec', { command: 'id' }),
      await code('__proto__', {}),
      await code('datasets.get', { id: '../../etc/passwd' }),
      await code('datasets.previewDrop', {}),
      await code('datasets.list', { search: 7 }),
    ]
  })
  expect(answers).toEqual(['UNKNOWN_ROUTE', 'UNKNOWN_ROUTE', 'INVALID_INPUT', 'INVALID_INPUT', 'INVALID_INPUT'])
})

test('a page can make no file path of its own: a forged File is not taken for a dropped one', async () => {
  const code = await app.page.evaluate(async () => {
    const bridge = (
      window as unknown as {
        tunesmith: { invokeWithFile(route: string, file: unknown): Promise<{ ok: boolean; error?: { code: string } }> }
      }
    ).tunesmith
    const forged = new File(['{}'], '/etc/passwd')
    return (await bridge.invokeWithFile('datasets.previewDrop', forged)).error?.code
  })
  expect(code).toBe('INVALID_INPUT')
})

test('navigation away, new windows, webviews and permissions are refused', async () => {
  await app.page.evaluate(() => {
    window.open('https://example.org/')
    location.href = 'https://example.org/'
  })
  const windows = await app.application.evaluate(({ BrowserWindow }) =>
    BrowserWindow.getAllWindows().map((window) => window.webContents.getURL()),
  )
  expect(windows).toHaveLength(1)
  expect(windows[0]).toMatch(/^app:\/\/bundle\//)
  const permissions = await app.page.evaluate(async () => {
    const names = ['geolocation', 'notifications', 'microphone', 'camera', 'midi'] as const
    return Promise.all(names.map(async (name) => (await navigator.permissions.query({ name })).state))
  })
  expect(permissions).toEqual(['denied', 'denied', 'denied', 'denied', 'denied'])
  expect(await app.page.evaluate(() => document.createElement('webview').constructor.name)).not.toBe('WebView')
})

test('every window is sandboxed and isolated in the running app, not only in the options', async () => {
  const facts = await app.application.evaluate(({ BrowserWindow, session }) => {
    const [window] = BrowserWindow.getAllWindows()
    if (window === undefined) throw new Error('There is no window')
    const preferences = (window.webContents as unknown as { getLastWebPreferences(): Record<string, unknown> }).getLastWebPreferences()
    return {
      sandbox: preferences['sandbox'],
      contextIsolation: preferences['contextIsolation'],
      nodeIntegration: preferences['nodeIntegration'],
      webviewTag: preferences['webviewTag'],
      webSecurity: preferences['webSecurity'],
      spellChecker: session.defaultSession.isSpellCheckerEnabled(),
    }
  })
  expect(facts).toEqual({
    sandbox: true,
    contextIsolation: true,
    nodeIntegration: false,
    webviewTag: false,
    webSecurity: true,
    spellChecker: false,
  })
})

test('a second start on the same profile ends at once and leaves the first window in front', async () => {
  const { electron, root } = testRuntime()
  const second = spawn(electron, [root, `--user-data-dir=${app.profile}`, '--no-sandbox', '--disable-gpu'], { stdio: 'ignore' })
  const exitCode = await new Promise((resolve) => second.once('exit', resolve))
  expect(exitCode).toBe(0)
  expect(await app.application.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().length)).toBe(1)
})

test('the log of a session holds no planted secret', async () => {
  await app.page.evaluate(async () => {
    const bridge = (window as unknown as { tunesmith: { invoke(route: string, input: unknown): Promise<unknown> } }).tunesmith
    await bridge.invoke('endpoints.addRunpod', { name: 'x', runpodEndpointId: '!', apiKey: 'rpa_PLANTEDSECRET1234567890' })
    await bridge.invoke('no.such.route', { apiKey: 'rpa_PLANTEDSECRET1234567890' })
  })
  const logs = join(app.profile, 'logs')
  for (const file of readdirSync(logs)) expect(readFileSync(join(logs, file), 'utf8')).not.toContain('PLANTEDSECRET')
})
