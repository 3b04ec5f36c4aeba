import { existsSync } from 'node:fs'
import { readCommand, runCommand } from '../run-command.mjs'
import { stepError } from '../step-error.mjs'

/** Debian packages for each purpose; newer releases renamed some, so an entry lists every name it goes by. */
export const PACKAGES = {
  window: [
    ['libgtk-3-0t64', 'libgtk-3-0'],
    ['libnss3'],
    ['libasound2t64', 'libasound2'],
    ['libgbm1'],
    ['libxss1'],
    ['libatk-bridge2.0-0t64', 'libatk-bridge2.0-0'],
    ['libdrm2'],
    ['libxkbcommon0'],
    ['libnotify4'],
    ['libsecret-1-0'],
  ],
  screen: [['xvfb'], ['xauth'], ['openbox'], ['xdotool'], ['gnome-keyring'], ['dbus'], ['dbus-x11']],
  compiler: [['g++'], ['gcc']],
  python: [['python3'], ['python3-venv']],
}

/** The entries of `wanted` of which no name is installed. */
export function missingPackages(wanted, installed) {
  return wanted.filter((names) => !names.some((name) => installed.has(name)))
}

async function installedPackages(wanted) {
  const lines = []
  // dpkg-query exits with 1 when any name is unknown, and still prints the others.
  await runCommand('dpkg-query', ['-W', '-f', '${Package} ${db:Status-Status}\n', ...wanted.flat()], {
    onLine: (text) => lines.push(text.split(' ')),
  })
  return new Set(lines.filter(([, status]) => status === 'installed').map(([name]) => name))
}

/** The first name of each entry that this release of Debian offers. */
async function availableNames(missing) {
  const names = []
  for (const entry of missing) {
    const offered = []
    for (const name of entry) {
      const policy = await readCommand('apt-cache', ['policy', name])
      if (policy !== undefined && /Candidate: (?!\(none\))/.test(policy)) offered.push(name)
    }
    names.push(offered[0] ?? entry.at(-1))
  }
  return names
}

async function aptInstall(missing, report) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  report('apt-get update')
  // A failing extra source must not stop a set-up that the others can serve.
  await runCommand('apt-get', ['update', '-q'], { env })
  const names = await availableNames(missing)
  let unpacked = 0
  report(`apt-get install ${names.length} packages`)
  const { code, tail } = await runCommand('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...names], {
    env,
    onLine: (text) => {
      if (!/^(Unpacking|Setting up) /.test(text)) return
      unpacked += 1
      report(`apt-get install, ${unpacked} packages unpacked or set up`)
    },
  })
  if (code === 0) return names
  const reason = tail.find((text) => text.startsWith('E: ')) ?? tail.at(-1) ?? ''
  throw stepError(`apt-get could not install ${names.join(' ')} (${reason}); install them by hand and run the same command again.`)
}

/** Makes sure that the Debian packages for these purposes are there; elsewhere than on Debian it trusts the machine. */
export async function installSystemPackages({ lines }, purposes) {
  if (process.platform !== 'linux' || !existsSync('/usr/bin/dpkg-query')) return
  await lines.step('System packages', async (report) => {
    const wanted = purposes.flatMap((purpose) => PACKAGES[purpose])
    const missing = missingPackages(wanted, await installedPackages(wanted))
    if (missing.length === 0) return { summary: 'ready' }
    if (process.getuid() !== 0) {
      const names = (await availableNames(missing)).join(' ')
      throw stepError(`These Debian packages are missing: ${names}. Install them with: sudo apt-get install ${names}`)
    }
    const names = await aptInstall(missing, report)
    return { summary: `installed ${names.join(' ')}` }
  })
}
