import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { FuseState, FuseV1Options, getCurrentFuseWire } from '@electron/fuses'
import { expect, test } from '@playwright/test'
import { launchElectron } from '../e2e/support/launch.ts'

const releaseFuses = {
  RunAsNode: FuseState.DISABLE,
  EnableCookieEncryption: FuseState.ENABLE,
  EnableNodeOptionsEnvironmentVariable: FuseState.DISABLE,
  EnableNodeCliInspectArguments: FuseState.DISABLE,
  EnableEmbeddedAsarIntegrityValidation: FuseState.ENABLE,
  OnlyLoadAppFromAsar: FuseState.ENABLE,
  LoadBrowserProcessSpecificV8Snapshot: FuseState.DISABLE,
  GrantFileProtocolExtraPrivileges: FuseState.DISABLE,
} as const
const flags = ['--no-sandbox', '--disable-gpu', '--force-device-scale-factor=1']

let profile = ''
let release: ChildProcess | undefined

test.beforeEach(() => {
  profile = mkdtempSync(join(tmpdir(), 'tunesmith-packaged-'))
})

test.afterEach(() => {
  // Also after a test that ran out of time: the whole group, since Electron leaves children.
  if (release?.pid !== undefined && release.exitCode === null && release.signalCode === null) process.kill(-release.pid, 'SIGKILL')
  release = undefined
  rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
})

/** Nothing that only development sets: the package must find its own database binding. */
function packagedEnvironment(): Record<string, string> {
  const { TUNESMITH_SQLITE_BINDING: _binding, ELECTRON_RUN_AS_NODE: _asNode, ...environment } = process.env
  return Object.fromEntries(Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined))
}

function required(name: string): string {
  const value = process.env[name]
  if (value === undefined || value === '') throw new Error(`${name} is not set. Run this test with: npm run package`)
  return value
}

async function readFuses(executable: string): Promise<Record<string, FuseState | undefined>> {
  const wire = await getCurrentFuseWire(executable)
  return Object.fromEntries(Object.keys(releaseFuses).map((name) => [name, wire[FuseV1Options[name as keyof typeof releaseFuses]]]))
}

test('catches a fuse that packaging left as Electron ships it', async () => {
  expect(await readFuses(required('TUNESMITH_PACKAGED'))).toEqual(releaseFuses)
})

test('catches a test flavour that differs from the release in more than the inspection switch', async () => {
  const drivable = await readFuses(required('TUNESMITH_PACKAGED_DRIVABLE'))
  expect(drivable).toEqual({ ...releaseFuses, EnableNodeCliInspectArguments: FuseState.ENABLE })
})

test('catches a package without its trainer, its resources or its archive', () => {
  const resources = join(dirname(required('TUNESMITH_PACKAGED')), 'resources')
  for (const name of [
    'app.asar',
    'trainer/handler.py',
    'trainer/requirements.txt',
    'worker/worker.json',
    'resources/icons/icon.png',
    'resources/models/catalogue.json',
  ]) {
    expect(existsSync(join(resources, name)), `${name} is in the package`).toBe(true)
  }
  expect(existsSync(join(resources, 'trainer', 'tests')), 'the trainer ships without its tests').toBe(false)
})

test('catches a packaged app that starts to a blank, broken or unpackaged window, or whose datasets are never checked', async () => {
  const application = await launchElectron({
    executablePath: required('TUNESMITH_PACKAGED_DRIVABLE'),
    args: [`--user-data-dir=${profile}`, ...flags],
    env: packagedEnvironment(),
  })
  const errors: string[] = []
  try {
    const page = await application.firstWindow()
    page.on('console', (message) => {
      if (message.type() === 'error') errors.push(message.text())
    })
    page.on('pageerror', (error) => errors.push(error.message))
    await page.locator('html[data-app-state="ready"]').waitFor({ timeout: 30_000 })
    expect(await application.evaluate(({ app }) => app.isPackaged)).toBe(true)
    expect(page.url()).toMatch(/^app:\/\/bundle\//)
    const database = readFileSync(join(profile, 'tunesmith.sqlite'))
    expect(database.subarray(0, 15).toString('latin1')).toBe('SQLite format 3')
    // The dataset engine starts from the archive, with its threads, its native module and its vocabularies.
    await page.getByRole('button', { name: 'Use the sample dataset' }).click()
    await expect(page.getByRole('main').getByText('Ready', { exact: true })).toBeVisible()
    await expect(page.getByText(/tokens \(Qwen3/).first()).toBeVisible()
    expect(errors).toEqual([])
  } finally {
    await application.close()
  }
})

test('catches a release build that does not start with its fuses burnt', async () => {
  const log = join(profile, 'logs', 'tunesmith.log')
  const child = spawn(required('TUNESMITH_PACKAGED'), [`--user-data-dir=${profile}`, ...flags], {
    env: packagedEnvironment(),
    stdio: 'ignore',
    detached: true,
  })
  release = child
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  // Nothing can drive this build from inside, so its window is looked for from outside.
  const search = promisify(execFile)('xdotool', ['search', '--sync', '--onlyvisible', '--name', '^Tunesmith'], { timeout: 40_000 })
  await Promise.race([
    search,
    ended.then(() => {
      throw new Error(`The app ended at once. ${existsSync(log) ? readFileSync(log, 'utf8') : 'It left no log.'}`)
    }),
  ])
  expect(existsSync(join(profile, 'tunesmith.sqlite')), 'the database is there').toBe(true)
  child.kill('SIGTERM')
  await ended
  expect(readFileSync(log, 'utf8')).not.toMatch(/did not start/)
})
