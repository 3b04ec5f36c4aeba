import { constants } from 'node:fs'
import { lstat, mkdir, open, readdir, readFile, realpath, rename, rm, statfs, writeFile } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'
import { AppError } from '../../../preload/contract/errors.ts'
import { copyVerified, hashOfFile, resumeCopy } from './copy-file.ts'
import { createEventSegments } from './event-segments.ts'
import { assertVolumeKey, folderOfPrefix } from './volume-key.ts'
import type { VolumeStore } from './volume-store.ts'

/** Suffix of files that are not complete yet; they are never listed. */
export const temporarySuffix = '.tmp'

/** A volume whose free space is always known. */
interface DirectoryVolume extends VolumeStore {
  freeBytes(): Promise<number>
}

/** A training volume that is a folder of this computer. */
export function createDirectoryVolume(rootPath: string): DirectoryVolume {
  const place = createPlaces(rootPath)
  const segments = createEventSegments({
    listNames: async (runId) => (await namesIn(await place.find(`runs/${runId}/events`))) ?? [],
    read: async (runId, name) => readFile(await place.find(`runs/${runId}/events/${name}`)),
  })

  return {
    async putFile(key, sourcePath, sha256, options = {}) {
      const target = await place.prepare(key)
      const source = await sizeOf(sourcePath)
      if (source === undefined) throw new AppError('VOLUME_UNREADABLE', 'The file to copy to the training volume is gone.')
      if ((await sizeOf(target)) === source && (await hashOfFile(target, options.signal)) === sha256) {
        options.onProgress?.(source, source)
        return
      }
      await copyVerified({ sourcePath, targetPath: target, sha256, totalBytes: source, ...options })
    },
    async putText(key, text) {
      const target = await place.prepare(key)
      const temporary = `${target}${temporarySuffix}`
      await writeFile(temporary, text, { flush: true })
      await rename(temporary, target)
    },
    async getFile(key, targetPath, options = {}) {
      const source = await place.find(key)
      const totalBytes = await sizeOf(source)
      if (totalBytes === undefined) throw absent(key)
      await mkdir(dirname(targetPath), { recursive: true })
      await resumeCopy({ sourcePath: source, targetPath, totalBytes, ...options })
      return { bytes: totalBytes }
    },
    findText: async (key, maxBytes) => readText(await place.find(key), key, maxBytes),
    async list(prefix) {
      const folder = prefix.includes('/') ? prefix.slice(0, prefix.lastIndexOf('/')) : ''
      if (folder !== '') assertVolumeKey(folder)
      const found: { key: string; bytes: number }[] = []
      await walk(folder === '' ? await place.root() : await place.find(folder), folder, found)
      return found.filter((entry) => entry.key.startsWith(prefix)).sort((a, b) => (a.key < b.key ? -1 : 1))
    },
    readEventLines(runId, afterSeq, maxEvents) {
      assertVolumeKey(runId)
      return segments.read(runId, afterSeq, maxEvents)
    },
    async removePrefix(prefix) {
      await rm(await place.find(folderOfPrefix(prefix)), { recursive: true, force: true, maxRetries: 3 })
    },
    async freeBytes() {
      const facts = await statfs(await place.root())
      return facts.bavail * facts.bsize
    },
  }
}

/** Turns keys into paths and makes sure that no link on the way leads out of the volume. */
function createPlaces(rootPath: string) {
  const root = async (): Promise<string> => {
    await mkdir(rootPath, { recursive: true, mode: 0o700 })
    return realpath(rootPath)
  }
  const find = async (key: string): Promise<string> => {
    assertVolumeKey(key)
    const rootReal = await root()
    const path = join(rootReal, ...key.split('/'))
    await assertInside(rootReal, path, key)
    return path
  }
  return {
    root,
    find,
    async prepare(key: string): Promise<string> {
      const path = await find(key)
      await mkdir(dirname(path), { recursive: true, mode: 0o700 })
      return path
    },
  }
}

async function assertInside(rootReal: string, path: string, key: string): Promise<void> {
  for (let existing = path; existing.length > rootReal.length; existing = dirname(existing)) {
    const facts = await whenPresent(lstat(existing))
    if (facts === undefined) continue
    const target = await whenPresent(realpath(existing))
    if (target !== undefined && target.startsWith(rootReal + sep)) return
    throw new AppError('VOLUME_UNREADABLE', 'A link on the training volume leads out of it. Remove the link and try again.', {
      details: { key },
    })
  }
}

async function readText(path: string, key: string, maxBytes: number): Promise<string | undefined> {
  const file = await whenPresent(open(path, constants.O_RDONLY))
  if (file === undefined) return undefined
  try {
    const { size } = await file.stat()
    if (size > maxBytes) {
      throw new AppError('VOLUME_UNREADABLE', `${key} is larger than expected (${size} bytes, at most ${maxBytes}).`, {
        details: { key, size },
      })
    }
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}

async function walk(path: string, key: string, found: { key: string; bytes: number }[]): Promise<void> {
  const entries = await whenPresent(readdir(path, { withFileTypes: true }))
  for (const entry of entries ?? []) {
    const entryKey = key === '' ? entry.name : `${key}/${entry.name}`
    const entryPath = join(path, entry.name)
    if (entry.isDirectory()) await walk(entryPath, entryKey, found)
    else if (entry.isFile() && !entry.name.endsWith(temporarySuffix)) {
      const bytes = await sizeOf(entryPath)
      if (bytes !== undefined) found.push({ key: entryKey, bytes })
    }
  }
}

async function namesIn(path: string): Promise<readonly string[] | undefined> {
  return whenPresent(readdir(path))
}

async function sizeOf(path: string): Promise<number | undefined> {
  const facts = await whenPresent(lstat(path))
  return facts?.isFile() === true ? facts.size : undefined
}

/** The value, or undefined when the file or a folder on the way is not there. */
async function whenPresent<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw error
  }
}

function absent(key: string): AppError {
  return new AppError('VOLUME_UNREADABLE', `${key} is not on the training volume.`, { details: { key } })
}
