import { existsSync } from 'node:fs'
import { link, mkdir, open, readFile, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import path from 'node:path'
import { onShutdown } from './run-command.mjs'

const POLL_MS = 300
const STALE_AFTER_MS = 15_000
const UNUSED_AFTER_MS = 14 * 24 * 3_600_000
const COMPLETE = '.tunesmith-complete'

/** The folder, outside the repository, that keeps what is slow to fetch or build. */
export function cacheFolder(env = process.env) {
  if (env.TUNESMITH_DEV_CACHE) return path.resolve(env.TUNESMITH_DEV_CACHE)
  const base = env.XDG_CACHE_HOME || path.join(homedir(), '.cache')
  return path.join(base, 'tunesmith-dev')
}

/** When a process started, so that a recycled process id is not taken for the old one; undefined where it cannot be told. */
async function startOfProcess(pid) {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19]
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ESRCH') return undefined
    throw error
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

async function isHeld(lockFile, text) {
  const { pid, started } = JSON.parse(text)
  if (isAlive(pid) && (started === undefined || (await startOfProcess(pid)) === started)) return true
  // The holder may live in another container, where its id means nothing here: then its heartbeat decides.
  const { mtimeMs } = await stat(lockFile)
  return Date.now() - mtimeMs < STALE_AFTER_MS
}

async function breakLock(lockFile, seen) {
  const aside = `${lockFile}.stale-${process.pid}`
  await rename(lockFile, aside)
  // Another process may have replaced the stale lock in between: then its lock goes back.
  if ((await readFile(aside, 'utf8')) !== seen) await link(aside, lockFile)
  await rm(aside, { force: true })
}

function isMissingOrTaken(error) {
  return error.code === 'ENOENT' || error.code === 'EEXIST' || error instanceof SyntaxError
}

async function takeLock(lockFile, onWait) {
  const text = JSON.stringify({ pid: process.pid, started: await startOfProcess(process.pid) })
  for (;;) {
    try {
      const handle = await open(lockFile, 'wx')
      await handle.writeFile(text)
      await handle.close()
      return
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
    }
    try {
      const seen = await readFile(lockFile, 'utf8')
      if (!(await isHeld(lockFile, seen))) await breakLock(lockFile, seen)
    } catch (error) {
      if (!isMissingOrTaken(error)) throw error
    }
    onWait()
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

/** Lets one process at a time do `work`; the lock of a process that died is taken over. */
export async function withLock(lockFile, work, onWait = () => {}) {
  await mkdir(path.dirname(lockFile), { recursive: true })
  await takeLock(lockFile, onWait)
  const heartbeat = setInterval(() => {
    const now = new Date()
    utimes(lockFile, now, now).catch(() => clearInterval(heartbeat))
  }, STALE_AFTER_MS / 5)
  let held = true
  const release = async () => {
    if (!held) return
    held = false
    clearInterval(heartbeat)
    await rm(lockFile, { force: true })
  }
  onShutdown(release)
  try {
    return await work()
  } finally {
    await release()
  }
}

async function markUsed(marker) {
  const now = new Date()
  await utimes(marker, now, now)
}

/**
 * The cached folder `name`, built by `build(folder)` when it is not there complete; never seen half built by anyone else.
 * `isUsable` may find that a complete one has broken since.
 * @param {(folder: string) => boolean} isUsable
 */
export async function cachedFolder(cache, name, build, onWait = () => {}, isUsable = () => true) {
  const folder = path.join(cache, name)
  const marker = path.join(folder, COMPLETE)
  const isReady = () => existsSync(marker) && isUsable(folder)
  if (isReady()) {
    await markUsed(marker)
    return { folder, built: false }
  }
  return withLock(
    path.join(cache, 'locks', `${name}.lock`),
    async () => {
      if (isReady()) return { folder, built: false }
      // Built in place, not renamed into it: a Python environment holds its own path. The marker comes last.
      await rm(folder, { recursive: true, force: true })
      await mkdir(folder, { recursive: true })
      await build(folder)
      await writeFile(marker, '')
      return { folder, built: true }
    },
    onWait,
  )
}

/** Removes complete folders of one kind that nobody used for two weeks. */
export async function pruneUnused(cache, prefix) {
  for (const name of await readdir(cache)) {
    if (!name.startsWith(prefix)) continue
    const marker = await stat(path.join(cache, name, COMPLETE)).catch(() => undefined)
    if (marker === undefined || Date.now() - marker.mtimeMs < UNUSED_AFTER_MS) continue
    await rm(path.join(cache, name), { recursive: true, force: true })
  }
}
