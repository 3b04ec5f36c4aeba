import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { lstat, open, rename, rm, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { AppError } from '../../../preload/contract/errors.ts'
import { syncFolder } from '../../lib/atomic-file.ts'
import type { TransferOptions } from './volume-store.ts'

interface Copy extends TransferOptions {
  readonly sourcePath: string
  readonly targetPath: string
  readonly totalBytes: number
}

const chunkBytes = 1 << 20

/** SHA-256 of a file in lower-case hexadecimal. */
export async function hashOfFile(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: chunkBytes, signal })) hash.update(chunk)
  return hash.digest('hex')
}

/** Copies under a temporary name and renames only what has the expected hash; nothing is left of a failed copy. */
export async function copyVerified(copy: Copy & { sha256: string }): Promise<void> {
  const { sourcePath, targetPath, totalBytes, sha256 } = copy
  const temporary = `${targetPath}.${randomBytes(6).toString('hex')}.tmp`
  try {
    const hash = createHash('sha256')
    const target = await open(temporary, 'wx', 0o600)
    try {
      await pour(copy, target, 0, (chunk) => hash.update(chunk))
      await target.sync()
    } finally {
      await target.close()
    }
    if (hash.digest('hex') !== sha256) {
      throw new AppError('VOLUME_UNREADABLE', 'The file changed while it was copied to the training volume. Start again.', {
        details: { sourcePath, totalBytes },
      })
    }
    await rename(temporary, targetPath)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  await syncFolder(dirname(targetPath))
}

/** Goes on with a partial copy; a target that is too long is begun anew. */
export async function resumeCopy(copy: Copy): Promise<void> {
  const { targetPath, totalBytes } = copy
  const target = await open(targetPath, 'a', 0o600)
  try {
    const { size } = await lstat(targetPath)
    const startBytes = size <= totalBytes ? size : 0
    if (startBytes !== size) await target.truncate(0)
    await pour(copy, target, startBytes, () => undefined)
    await target.sync()
  } finally {
    await target.close()
  }
}

async function pour(copy: Copy, target: FileHandle, startBytes: number, onChunk: (chunk: Buffer) => void): Promise<void> {
  const { sourcePath, totalBytes, signal } = copy
  let doneBytes = startBytes
  copy.onProgress?.(doneBytes, totalBytes)
  if (doneBytes === totalBytes) return
  const source: AsyncIterable<Buffer> = createReadStream(sourcePath, { start: startBytes, highWaterMark: chunkBytes, signal })
  for await (const chunk of source) {
    await target.writeFile(chunk)
    onChunk(chunk)
    doneBytes += chunk.length
    copy.onProgress?.(doneBytes, totalBytes)
  }
  if (doneBytes !== totalBytes)
    throw new AppError('VOLUME_UNREADABLE', 'The file changed while it was copied. Try again.', { retryable: true })
}
