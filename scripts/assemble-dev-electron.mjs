/** Turns the pinned archive into a plain Electron folder. Runs under the project's Node: its packages need that. */
import { createRequire } from 'node:module'
import { cp, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { verifySha256 } from './integrity.mjs'

const [root, zipFile, folder, executableName, executableSha256] = process.argv.slice(2)
const require = createRequire(path.join(root, 'package.json'))
const importFrom = async (from, name) => import(pathToFileURL(from.resolve(name)).href)

// Takes the app folder from the command line as the stock Electron's own default app does. It awaits the app's entry,
// since Electron holds back its ready event for that: privileged schemes must be registered before it.
const DEFAULT_APP = `import { app } from 'electron'
import fs from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const given = process.argv.slice(1).find((argument) => !argument.startsWith('-'))
try {
  if (given === undefined) throw new Error('Give the folder of the app to run.')
  const folder = path.resolve(given)
  const manifest = JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8'))
  app.setName(manifest.productName ?? manifest.name ?? 'App')
  if (manifest.version !== undefined) app.setVersion(manifest.version)
  app.setAppPath(folder)
  await import(pathToFileURL(path.join(folder, manifest.main ?? 'index.js')).href)
} catch (error) {
  process.stderr.write((error?.stack ?? String(error)) + '\\n')
  app.exit(1)
}
`

async function extract() {
  const electronRequire = createRequire(require.resolve('electron/package.json'))
  const { extract: extractZip } = electronRequire('@electron-internal/extract-zip')
  const unpacked = `${zipFile}.unpacked`
  await extractZip(zipFile, { dir: unpacked })
  const top = path.join(unpacked, path.dirname(executableName))
  await verifySha256(path.join(unpacked, executableName), executableSha256, 'The executable of the development Electron')
  await rm(path.join(top, 'resources'), { recursive: true, force: true })
  // Another product's start-up snapshot.
  await rm(path.join(top, 'browser_v8_context_snapshot.bin'), { force: true })
  await rename(path.join(unpacked, executableName), path.join(top, 'electron'))
  await cp(top, folder, { recursive: true, verbatimSymlinks: true })
}

async function switchFuses() {
  const { flipFuses, FuseV1Options, FuseVersion } = await importFrom(require, '@electron/fuses')
  await flipFuses(path.join(folder, 'electron'), {
    version: FuseVersion.V1,
    [FuseV1Options.LoadBrowserProcessSpecificV8Snapshot]: false,
    [FuseV1Options.EnableNodeCliInspectArguments]: true,
  })
}

async function addDefaultApp() {
  const { createPackage } = await importFrom(require, '@electron/asar')
  const source = await mkdtemp(path.join(path.dirname(zipFile), 'default-app-'))
  await writeFile(path.join(source, 'package.json'), '{"name":"electron","type":"module","main":"main.js"}\n')
  await writeFile(path.join(source, 'main.js'), DEFAULT_APP)
  await mkdir(path.join(folder, 'resources'), { recursive: true })
  await createPackage(source, path.join(folder, 'resources', 'default_app.asar'))
}

await extract()
await switchFuses()
await addDefaultApp()
