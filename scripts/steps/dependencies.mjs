import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { withLock } from '../dev-cache.mjs'
import { hashText } from '../integrity.mjs'
import { npmCommand } from '../npm-package.mjs'
import { runCommand } from '../run-command.mjs'
import { stepError } from '../step-error.mjs'

/** What node_modules must have been installed from: any change of the lockfile or of the declared packages changes it. */
export function dependencyStamp(lockfile, packageJson) {
  const { dependencies = {}, devDependencies = {} } = JSON.parse(packageJson)
  return hashText(lockfile, JSON.stringify({ dependencies, devDependencies }))
}

/** How many packages a lockfile installs at most, to show progress against. */
export function countLockedPackages(lockfile) {
  return Object.keys(JSON.parse(lockfile).packages ?? {}).filter((name) => name !== '').length
}

/**
 * Tells whether a lockfile leaves out optional packages of other platforms, as one made against a registry without them does.
 * `npm ci` refuses such a lockfile, although nothing that this machine needs is missing.
 */
export function lacksOptionalPackages(lockfile) {
  const packages = JSON.parse(lockfile).packages ?? {}
  const locked = new Set(Object.keys(packages).map((place) => place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length)))
  return Object.values(packages).some((entry) => Object.keys(entry.optionalDependencies ?? {}).some((name) => !locked.has(name)))
}

async function install(root, nodeEnv, lockfile, report) {
  const total = countLockedPackages(lockfile)
  // `install --no-save` keeps to the locked versions as well, and writes neither file.
  const how = lacksOptionalPackages(lockfile) ? ['install', '--no-save'] : ['ci']
  let fetched = 0
  let disagrees = false
  const { command, args } = npmCommand()
  const { code } = await runCommand(command, [...args, ...how, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=http'], {
    cwd: root,
    env: nodeEnv,
    onLine: (text) => {
      if (/\bcode EUSAGE\b/.test(text)) disagrees = true
      if (!/\bhttp fetch\b.*\.tgz/.test(text)) return
      fetched += 1
      report(`${Math.min(99, Math.floor((fetched / total) * 100))} % of ${total} packages`)
    },
  })
  if (code === 0) return
  throw stepError(
    disagrees
      ? 'npm ci failed because package.json and package-lock.json disagree; run npm install and commit the lockfile.'
      : "npm could not install the packages; check the network and npm's registry setting (npm ping), then run the same command again.",
  )
}

/** Installs node_modules when the lockfile changed since it was last done. */
export async function installDependencies({ root, lines, nodeEnv }) {
  return lines.step('Packages', async (report) => {
    const lockfile = await readFile(path.join(root, 'package-lock.json'), 'utf8')
    const stamp = dependencyStamp(lockfile, await readFile(path.join(root, 'package.json'), 'utf8'))
    const stampFile = path.join(root, 'node_modules', '.tunesmith-stamp')
    const isCurrent = async () => existsSync(stampFile) && (await readFile(stampFile, 'utf8')) === stamp
    if (await isCurrent()) return { summary: 'ready' }
    return withLock(
      path.join(root, 'out', 'packages.lock'),
      async () => {
        if (await isCurrent()) return { summary: 'ready' }
        await install(root, nodeEnv, lockfile, report)
        await mkdir(path.dirname(stampFile), { recursive: true })
        await writeFile(stampFile, stamp)
        return { summary: `${countLockedPackages(lockfile)} installed` }
      },
      () => report('waiting for another set-up'),
    )
  })
}
