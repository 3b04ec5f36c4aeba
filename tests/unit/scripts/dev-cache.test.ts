import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { cachedFolder, cacheFolder, withLock } from '../../../scripts/dev-cache.mjs'

async function buildHalf(folder: string): Promise<void> {
  await writeFile(join(folder, 'half'), '')
  throw new Error('no network')
}

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

  it('catches a cache that ignores where it was told to be', () => {
    expect(cacheFolder({ TUNESMITH_DEV_CACHE: '/somewhere', XDG_CACHE_HOME: '/else' })).toBe('/somewhere')
    expect(cacheFolder({ XDG_CACHE_HOME: '/else' })).toBe(join('/else', 'tunesmith-dev'))
  })
})
