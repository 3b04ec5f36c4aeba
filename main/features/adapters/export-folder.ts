import { randomBytes } from 'node:crypto'
import { copyFile, mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { syncFolder } from '../../lib/atomic-file.ts'
import { corrupt } from './corrupt.ts'
import { exists, findDamage, type FileSeal } from './file-check.ts'
import { totalBytes } from './manifest.ts'

interface FolderCopy {
  readonly folder: string
  /** The folder chosen by the user; the copy gets a folder of its own in it. */
  readonly parent: string
  readonly name: string
  readonly files: readonly (FileSeal & { readonly name: string })[]
}

/** Copies checked files into a new folder, reads the copy back, and only then gives it its name. */
export async function copyToFolder({ folder, parent, name, files }: FolderCopy): Promise<{ path: string; bytes: number }> {
  const temporary = join(parent, `.${name}.${randomBytes(6).toString('hex')}.tmp`)
  let path = join(parent, name)
  try {
    await mkdir(temporary)
    for (const file of files) await copyFile(join(folder, file.name), join(temporary, file.name))
    const damage = await findDamage(temporary, files)
    if (damage !== undefined) throw corrupt(damage)
    for (let number = 2; await exists(path); number += 1) path = join(parent, `${name}-${number}`)
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { recursive: true, force: true, maxRetries: 3 })
    throw error
  }
  await syncFolder(parent)
  return { path, bytes: totalBytes(files) }
}
