import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { cachedFolder, cacheFolder, pruneUnused, withLock } from '../../../scripts/dev-cache.mjs'

async function buildHalf(folder: string): Promise<void> {
  await writeFile(join(folder, 'half'), '')
  throw new Error('no network')
}

const buildPython = (folder: string): Promise<void> => writeFile(join(folder, 'python'), '')
const hasPython = (folder: string): boolean => existsSync(join(folder, 'python'))

describe('the development cache', () => {
  let cache = ''
  beforeEach(async () => {
    cache = await mkdtemp(join(tmpdir(), 'tunesmith-cache-'))
  })
  afterEach(() => rm(cache, { recursive: true, force: true }))

  it('catches two set-ups at once that both build into one folder', async () => {
    let builds = 0
    const build = async (folder: string) => {
      builds += 1
      await writeFile(join(folder, 'tool'), 'built')
    }
    const [first, second] = await Promise.all([cachedFolder(cache, 'tool', build), cachedFolder(cache, 'tool', build)])
    expect(builds).toBe(1)
    expect([first.built, second.built].filter(Boolean)).toHaveLength(1)
    expect(await readFile(join(first.folder, 'tool'), 'utf8')).toBe('built')
  })

  it('catches a build that failed half-way and is used all the same', async () => {
    await expect(cachedFolder(cache, 'tool', buildHalf)).rejects.toThrow('no network')
    const { folder, built } = await cachedFolder(cache, 'tool', () => Promise.resolve())
    expect(built).toBe(true)
    expect(existsSync(join(folder, 'half'))).toBe(false)
    expect(await readdir(join(cache, 'locks'))).toEqual([])
  })

  it('catches the lock of a process that died and blocks everyone for good', async () => {
    const lockFile = join(cache, 'locks', 'tool.lock')
    await mkdir(join(cache, 'locks'), { recursive: true })
    await writeFile(lockFile, JSON.stringify({ pid: 2 ** 22 + 1, started: '1' }))
    const longAgo = new Date(Date.now() - 60_000)
    await utimes(lockFile, longAgo, longAgo)
    expect(await withLock(lockFile, () => Promise.resolve('done'))).toBe('done')
    expect(existsSync(lockFile)).toBe(false)
  })

  it('catches a complete folder that broke afterwards and is used all the same', async () => {
    const { folder } = await cachedFolder(cache, 'tool', buildPython)
    await rm(join(folder, 'python'))
    expect(await cachedFolder(cache, 'tool', buildPython, () => undefined, hasPython)).toEqual({ folder, built: true })
    expect(await cachedFolder(cache, 'tool', buildPython, () => undefined, hasPython)).toEqual({ folder, built: false })
  })

  it('catches pruning that removes what is in use or half built', async () => {
    const longAgo = new Date(Date.now() - 30 * 24 * 3_600_000)
    for (const name of ['trainer-old', 'trainer-new', 'node-old']) await cachedFolder(cache, name, () => Promise.resolve())
    for (const name of ['trainer-old', 'node-old']) await utimes(join(cache, name, '.tunesmith-complete'), longAgo, longAgo)
    await mkdir(join(cache, 'trainer-building'))
    await pruneUnused(cache, 'trainer-')
    expect((await readdir(cache)).filter((name) => name !== 'locks')).toEqual(['node-old', 'trainer-building', 'trainer-new'])
  })

  it('catches a cache that ignores where it was told to be', () => {
    expect(cacheFolder({ TUNESMITH_DEV_CACHE: '/somewhere', XDG_CACHE_HOME: '/else' })).toBe('/somewhere')
    expect(cacheFolder({ XDG_CACHE_HOME: '/else' })).toBe(join('/else', 'tunesmith-dev'))
  })
})
