import { createHash } from 'node:crypto'
import { mkdir, open, rename, rm, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../../../preload/contract/errors.ts'
import { syncFolder } from '../../lib/atomic-file.ts'

const chunkBytes = 1024 * 1024
/** Kept free for the database and the log. */
const spareBytes = 64 * 1024 * 1024
/** Row numbers, offsets and lines are counted in numbers that hold far more; this only stops a wrong choice. */
const maxFileBytes = 64 * 1024 ** 3

interface CopyOptions {
  readonly sourcePath: string
  readonly folder: string
  /** Unique name of the unfinished copy. */
  readonly partialName: string
  /** Ending of the copy, after its hash. */
  readonly ending: 'jsonl' | 'source'
  readonly signal: AbortSignal
  readonly onProgress: (doneBytes: number, totalBytes: number) => void
}

/** The copy in the app's folder, named after its content. */
export interface ImportedFile {
  readonly relativePath: string
  readonly sha256: string
  readonly bytes: number
}

/** Ending of copies that are not finished; what carries it at start-up is left over from a crash. */
export const partialSuffix = '.partial'

/** Copies a file into the datasets folder under its SHA-256: temporary name, fsync, rename. */
export async function importFile({ sourcePath, folder, partialName, ending, signal, onProgress }: CopyOptions): Promise<ImportedFile> {
  await mkdir(folder, { recursive: true })
  const partialPath = join(folder, `${partialName}${partialSuffix}`)
  try {
    const { sha256, bytes } = await copyHashed(sourcePath, partialPath, folder, signal, onProgress)
    const relativePath = `${sha256}.${ending}`
    await rename(partialPath, join(folder, relativePath))
    await syncFolder(folder)
    return { relativePath, sha256, bytes }
  } catch (error) {
    await rm(partialPath, { force: true })
    throw error
  }
}

async function copyHashed(
  sourcePath: string,
  targetPath: string,
  folder: string,
  signal: AbortSignal,
  onProgress: (doneBytes: number, totalBytes: number) => void,
): Promise<{ sha256: string; bytes: number }> {
  const source = await open(sourcePath, 'r')
  try {
    const { size } = await source.stat()
    await assertRoom(folder, size)
    const target = await open(targetPath, 'w', 0o600)
    try {
      const hash = createHash('sha256')
      const buffer = Buffer.allocUnsafe(chunkBytes)
      let bytes = 0
      for (;;) {
        signal.throwIfAborted()
        const { bytesRead } = await source.read(buffer, 0, chunkBytes, bytes)
        if (bytesRead === 0) break
        const chunk = buffer.subarray(0, bytesRead)
        hash.update(chunk)
        await target.writeFile(chunk)
        bytes += bytesRead
        onProgress(bytes, Math.max(size, bytes))
      }
      await target.sync()
      return { sha256: hash.digest('hex'), bytes }
    } finally {
      await target.close()
    }
  } finally {
    await source.close()
  }
}

async function assertRoom(folder: string, bytes: number): Promise<void> {
  const disk = await statfs(folder)
  const freeBytes = disk.bavail * disk.bsize
  if (bytes + spareBytes <= freeBytes) return
  throw new AppError(
    'DATASET_FILE_TOO_LARGE',
    `The file needs ${formatMegabytes(bytes)}, but only ${formatMegabytes(freeBytes)} are free on the disk. Free some space and import it again.`,
  )
}

/** Refuses what is not a plain file of a usable size; answers with its size and time of change. */
export async function inspectFile(path: string): Promise<{ sizeBytes: number; changedAtMs: number }> {
  const info = await stat(path)
  if (!info.isFile())
    throw new AppError('DATASET_FILE_UNREADABLE', 'This is not a file. Choose a single file with one conversation per line.')
  if (info.size > maxFileBytes) {
    throw new AppError(
      'DATASET_FILE_TOO_LARGE',
      `The file is ${formatMegabytes(info.size)}; at most ${formatMegabytes(maxFileBytes)} can be imported. Split it into smaller files.`,
    )
  }
  return { sizeBytes: info.size, changedAtMs: info.mtimeMs }
}

function formatMegabytes(bytes: number): string {
  const gigabytes = bytes / 1024 ** 3
  return gigabytes >= 1 ? `${gigabytes.toFixed(1)} GB` : `${Math.ceil(bytes / 1024 ** 2)} MB`
}
