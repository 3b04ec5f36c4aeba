/** Turns the pinned archive into a plain Electron folder. Runs under the project's Node: its packages need that. */
import { createRequire } from 'node:module'
import { cp, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { verifySha256 } from './integrity.mjs'

const [root, zipFile, folder, executableName, executableSha256] = process.argv.slice(2)
const require = createRequire(path.join(root, 'package.json'))
const importFrom = async (from, name) => import(pathToFileURL(from.resolve(name)).href)

// Takes the app folder from the command line as the stock Electron's own default app does.
const DEFAULT_APP = `'use strict'
const { app } = require('electron')
const fs = require('node:fs')
const path = require('node:path')
const given = process.argv.slice(1).find((argument) => !argument.startsWith('-'))
if (given === undefined) {
  process.stderr.write('Give the folder of the app to run.\\n')
  app.exit(1)
} else {
  const folder = path.resolve(given)
  const manifest = JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8'))
  app.setName(manifest.productName || manifest.name)
  app.setVersion(manifest.version)
  app.setAppPath(folder)
  const main = path.join(folder, manifest.main || 'index.js')
  import(require('node:url').pathToFileURL(main).href).catch((error) => {
    process.stderr.write(String(error && error.stack ? error.stack : error) + '\\n')
    app.exit(1)
  })
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
  await writeFile(path.join(source, 'package.json'), '{"name":"electron","main":"main.js"}\n')
  await writeFile(path.join(source, 'main.js'), DEFAULT_APP)
  await mkdir(path.join(folder, 'resources'), { recursive: true })
  await createPackage(source, path.join(folder, 'resources', 'default_app.asar'))
}

await extract()
await switchFuses()
await addDefaultApp()
