import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileErrorCode } from './corrupt.ts'

const chunkBytes = 1 << 20

/** Size and hash a file must have. */
export interface FileSeal {
  readonly bytes: number
  readonly sha256: string
}

/** SHA-256 of a file in lower-case hexadecimal. */
export async function hashFile(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: chunkBytes, signal })) hash.update(chunk)
  return hash.digest('hex')
}

/** Size of a regular file; undefined when there is none (a link or a folder does not count). */
export async function findFileSize(path: string): Promise<number | undefined> {
  try {
    const facts = await lstat(path)
    return facts.isFile() ? facts.size : undefined
  } catch (error) {
    const code = fileErrorCode(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw error
  }
}

/** True when a file is exactly what its seal says. */
export async function isIntact(path: string, seal: FileSeal, signal?: AbortSignal): Promise<boolean> {
  return (await findFileSize(path)) === seal.bytes && (await hashFile(path, signal)) === seal.sha256
}

/** The first thing wrong with the files of a folder, in words; undefined when all are as recorded. */
export async function findDamage(
  folder: string,
  files: readonly (FileSeal & { readonly name: string })[],
  signal?: AbortSignal,
): Promise<string | undefined> {
  for (const { name, bytes, sha256 } of files) {
    const size = await findFileSize(join(folder, name))
    if (size === undefined) return `${name} is missing.`
    if (size !== bytes) return `${name} has ${size} bytes instead of ${bytes}.`
    if ((await hashFile(join(folder, name), signal)) !== sha256) return `${name} is not what was recorded: its SHA-256 differs.`
  }
  return undefined
}

/** True when something of that name exists, whatever it is. */
export async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch (error) {
    if (fileErrorCode(error) === 'ENOENT') return false
    throw error
  }
}
