import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ElectronApplication, Page } from '@playwright/test'
import { launchElectron } from './launch.ts'
import { testRuntime } from './runtime.ts'

/** A started app and its first window, on a profile of its own. */
export interface TestApp {
  readonly application: ElectronApplication
  readonly page: Page
  readonly profile: string
  /** Errors the page printed; a test fails when one is left. */
  readonly pageErrors: string[]
}

const closeTimeoutMs = 30_000

/** Makes an empty profile folder. */
export function createProfile(): string {
  return mkdtempSync(join(tmpdir(), 'tunesmith-e2e-'))
}

/** Removes a profile. */
export function removeProfile(profile: string): void {
  rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
}

/** Starts the built app on a profile and waits until its first page is drawn. */
export async function startApp(profile: string, options: { width?: number; height?: number } = {}): Promise<TestApp> {
  const { electron, root } = testRuntime()
  const { ELECTRON_RUN_AS_NODE: _unused, ...environment } = process.env
  const application = await launchElectron({
    executablePath: electron,
    args: [root, `--user-data-dir=${profile}`, '--force-device-scale-factor=1', '--disable-gpu'],
    env: Object.fromEntries(Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined)),
  })
  const pageErrors: string[] = []
  const page = await application.firstWindow()
  page.on('console', (message) => {
    if (message.type() === 'error') pageErrors.push(message.text())
  })
  page.on('pageerror', (error) => pageErrors.push(error.message))
  await application.evaluate(
    ({ BrowserWindow }, size) => {
      const window = BrowserWindow.getAllWindows()[0]
      window?.setBounds({ x: 0, y: 0, width: size.width, height: size.height })
    },
    { width: options.width ?? 1280, height: options.height ?? 800 },
  )
  await page.locator('html[data-app-state="ready"]').waitFor({ timeout: 30_000 })
  return { application, page, profile, pageErrors }
}

/** Quits as a user would and waits for the process to end; a hanging app is killed and reported. */
export async function quitApp(app: TestApp): Promise<void> {
  const child = app.application.process()
  const ended = new Promise<void>((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve()
    else child.once('exit', () => resolve())
  })
  await answerQuestion(app, 0).catch(() => undefined)
  await app.application.evaluate(({ app: electronApp }) => electronApp.quit()).catch(() => undefined)
  const timeout = setTimeout(() => child.kill('SIGKILL'), closeTimeoutMs)
  await ended
  clearTimeout(timeout)
}

/** Ends the app the hard way, as a power cut would. */
export async function killApp(app: TestApp): Promise<void> {
  const child = app.application.process()
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill('SIGKILL')
  await ended
}

/** Makes questions of the system's dialog be answered with a button, and keeps what they said for `readQuestions`. */
export async function answerQuestion(app: TestApp, button: number): Promise<void> {
  await app.application.evaluate(({ dialog }, response) => {
    const asked: string[] = []
    Object.assign(globalThis, { askedQuestions: asked })
    const answer = (...parts: unknown[]) => {
      asked.push(JSON.stringify(parts.at(-1)))
      return Promise.resolve({ response, checkboxChecked: false })
    }
    Object.assign(dialog, { showMessageBox: answer })
  }, button)
}

/** The questions asked since `answerQuestion`, as JSON. */
export function readQuestions(app: TestApp): Promise<string[]> {
  return app.application.evaluate(() => (globalThis as unknown as { askedQuestions?: string[] }).askedQuestions ?? [])
}

/** Makes the open dialog answer with a path. */
export async function answerOpenDialog(app: TestApp, path: string): Promise<void> {
  await app.application.evaluate(({ dialog }, chosen) => {
    dialog.showOpenDialog = () => Promise.resolve({ canceled: false, filePaths: [chosen] })
  }, path)
}

/** Makes the save dialog answer with a path. */
export async function answerSaveDialog(app: TestApp, path: string): Promise<void> {
  await app.application.evaluate(({ dialog }, chosen) => {
    dialog.showSaveDialog = () => Promise.resolve({ canceled: false, filePath: chosen })
  }, path)
}

/** Builds the tiny random base model once per test run and returns its folder. */
export function tinyModelFolder(): string {
  const { python, root } = testRuntime()
  const folder = join(root, 'out', 'test', 'tiny-model')
  if (!existsSync(join(folder, 'config.json'))) {
    execFileSync(python, [join(root, 'trainer', 'tests', 'tiny_model.py'), folder], { stdio: 'pipe' })
  }
  return folder
}
