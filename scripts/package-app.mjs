import { existsSync } from 'node:fs'
import { copyFile, cp, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { runCommand } from './run-command.mjs'
import { DEVELOPMENT_NOTICE } from './steps/electron-runtime.mjs'
import { stepError } from './step-error.mjs'

const SWITCH_FUSES = fileURLToPath(new URL('allow-inspection.mjs', import.meta.url))

/** The folder, below out/package, of one build; a development build says so in its name. */
export function buildFolderName({ isDevelopmentOnly, platform = process.platform, arch = process.arch }) {
  return `tunesmith-${isDevelopmentOnly ? 'development-' : ''}${platform}-${arch}`
}

/** Puts the binding for an older Node-API where better-sqlite3 looks first, or makes sure that none is left from before. */
async function stageNativeBinding({ root, binding }) {
  const folder = path.join(root, 'out', 'native')
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  if (binding !== undefined) await copyFile(binding, path.join(folder, 'better_sqlite3.node'))
}

async function runBuilder(machine, output) {
  const { root, env, electron } = machine
  const args = [
    '--dir',
    '--config',
    'electron-builder.yml',
    `-c.directories.output=${output}`,
    // Taken from the runtime that is already here: nothing is downloaded while packaging.
    `-c.electronDist=${electron.folder}`,
    `-c.electronVersion=${electron.version}`,
  ]
  const logFile = path.join(root, 'out', 'package.log')
  const builderEnv = { ...env, CSC_IDENTITY_AUTO_DISCOVERY: 'false' }
  const { code, tail } = await runCommand('electron-builder', args, { cwd: root, env: builderEnv, logFile })
  if (code !== 0) throw stepError(`Packaging failed; the reason is in out/package.log:\n${tail.slice(-8).join('\n')}`)
  const unpacked = (await readdir(output)).find((name) => name.endsWith('-unpacked') || name.startsWith('mac'))
  if (unpacked === undefined) throw stepError('electron-builder made no unpacked app; see out/package.log.')
  return path.join(output, unpacked)
}

/**
 * Makes the unpacked app with every fuse set as in a release.
 * `isDrivable` adds a copy in which Node's inspection switch is left on, because tests drive the app through it.
 */
export async function packageApp(machine, { isDrivable }) {
  const { root, lines, electron, env } = machine
  const output = path.join(root, 'out', 'package')
  const folder = path.join(output, buildFolderName(electron))
  await lines.step('Package', async () => {
    await rm(output, { recursive: true, force: true })
    await mkdir(output, { recursive: true })
    await stageNativeBinding(machine)
    const built = await runBuilder(machine, path.join(output, 'work'))
    await rename(built, folder)
    await rm(path.join(output, 'work'), { recursive: true, force: true })
    // Copied along with the runtime: they belong to running from a checkout.
    for (const name of ['resources/default_app.asar', '.tunesmith-complete']) await rm(path.join(folder, name), { force: true })
    if (electron.isDevelopmentOnly) await writeFile(path.join(folder, 'DEVELOPMENT-BUILD.txt'), `${DEVELOPMENT_NOTICE}\n`)
    return { summary: `${path.relative(root, folder)}, release fuses` }
  })
  if (electron.isDevelopmentOnly) lines.say(`                 Development build, not a release. ${DEVELOPMENT_NOTICE}`)
  if (!isDrivable) return { folder, drivable: undefined }
  const drivable = `${folder}-test-flavour`
  await lines.step('Test flavour', async () => {
    await cp(folder, drivable, { recursive: true, verbatimSymlinks: true })
    const executable = path.join(drivable, executableName())
    if (!existsSync(executable)) throw stepError(`The packaged app has no ${executableName()}; see electron-builder.yml.`)
    const { code, tail } = await runCommand('node', [SWITCH_FUSES, root, executable], { cwd: root, env })
    if (code !== 0) throw stepError(`The test flavour's fuse could not be switched: ${tail.at(-1) ?? 'no reason given'}.`)
    return { summary: `${path.relative(root, drivable)}, the same but for Node's inspection switch, which is on` }
  })
  return { folder, drivable }
}

/** Where the executable lies inside an unpacked app. */
export function executableName(platform = process.platform) {
  if (platform === 'darwin') return 'Tunesmith.app/Contents/MacOS/Tunesmith'
  return platform === 'win32' ? 'Tunesmith.exe' : 'tunesmith'
}
