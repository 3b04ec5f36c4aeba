import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { verifyIntegrity } from './integrity.mjs'
import { formatBytes } from './progress-lines.mjs'
import { onShutdown, runCommand } from './run-command.mjs'
import { stepError } from './step-error.mjs'

/** The command line that starts npm: the one that runs this script when there is one, so that both agree. */
export function npmCommand(env = process.env) {
  const script = env.npm_execpath
  if (script !== undefined && /npm-cli\.c?js$/.test(script)) return { command: process.execPath, args: [script] }
  return { command: 'npm', args: [] }
}

async function folderBytes(folder) {
  let total = 0
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: false }).catch(() => [])) {
    const full = path.join(folder, entry.name)
    if (entry.isDirectory()) total += await folderBytes(full)
    else total += (await stat(full).catch(() => ({ size: 0 }))).size
  }
  return total
}

/** Runs `work` while reporting how many bytes have arrived below `folder`. */
export async function whileMeasuring(folder, total, report, work) {
  const timer = setInterval(() => {
    void folderBytes(folder).then((bytes) => report(formatBytes(bytes, total)))
  }, 500)
  try {
    return await work()
  } finally {
    clearInterval(timer)
  }
}

/** Fetches one exactly pinned npm package by the user's own npm settings, checks its sha512 and unpacks it into `folder`. */
export async function fetchNpmPackage({ spec, integrity, bytes }, folder, report = () => {}) {
  const work = await mkdtemp(path.join(tmpdir(), 'tunesmith-npm-'))
  const cleanUp = () => rm(work, { recursive: true, force: true })
  onShutdown(cleanUp)
  try {
    const { command, args } = npmCommand()
    // A private npm cache: its growth is the progress, and 200 MB do not stay behind in the user's own.
    const pack = [...args, 'pack', spec, '--silent', '--pack-destination', work, '--cache', path.join(work, 'cache')]
    const { code } = await whileMeasuring(work, bytes, report, () => runCommand(command, pack, { cwd: work }))
    const archive = (await readdir(work)).find((name) => name.endsWith('.tgz'))
    if (code !== 0 || archive === undefined) {
      throw stepError(
        `npm could not fetch ${spec}; check the network and npm's registry setting (npm ping), then run the same command again.`,
      )
    }
    report('checking')
    await verifyIntegrity(path.join(work, archive), integrity, `The npm package ${spec}`)
    report('unpacking')
    await mkdir(folder, { recursive: true })
    const untar = await runCommand('tar', ['-xzf', path.join(work, archive), '-C', folder, '--strip-components=1'])
    if (untar.code !== 0) throw stepError(`tar could not unpack ${spec}; check that tar is installed and that the disk is not full.`)
  } finally {
    await cleanUp()
  }
}
