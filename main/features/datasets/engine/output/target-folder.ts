import { randomBytes } from 'node:crypto'
import { lstat, mkdir, open, rename, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { syncFolder } from '../../../../lib/atomic-file.ts'
import { codeOf, explainWriteError } from './file-errors.ts'

/** A folder that appears under its name as a whole, or not at all. */
export interface TargetFolder {
  pathOf(fileName: string): string
  writeText(fileName: string, text: string): Promise<void>
  /** Gives the folder its name; a number is added where the name is taken. Answers the path. */
  publish(): Promise<string>
  discard(): Promise<void>
}

/** Creates the folder under a passing name beside its final place. */
export async function createTargetFolder(parent: string, name: string): Promise<TargetFolder> {
  const passing = join(parent, `.${name}.${randomBytes(4).toString('hex')}.partial`)
  await mkdir(passing).catch((error: unknown) => Promise.reject(explainWriteError(error)))
  return {
    pathOf: (fileName) => join(passing, basename(fileName)),
    async writeText(fileName, text) {
      const file = await open(join(passing, basename(fileName)), 'wx')
      try {
        await file.writeFile(text)
        await file.sync()
      } finally {
        await file.close()
      }
    },
    async publish() {
      await syncFolder(passing)
      for (let number = 1; ; number += 1) {
        const path = join(parent, number === 1 ? name : `${name} ${number}`)
        if (await isTaken(path)) continue
        try {
          await rename(passing, path)
        } catch (error) {
          // Someone else took the name in between.
          if (['EEXIST', 'ENOTEMPTY', 'EPERM'].includes(codeOf(error) ?? '') && (await isTaken(path))) continue
          throw error
        }
        await syncFolder(parent)
        return path
      }
    },
    discard: () => rm(passing, { recursive: true, force: true }),
  }
}

async function isTaken(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false
    throw error
  }
}
