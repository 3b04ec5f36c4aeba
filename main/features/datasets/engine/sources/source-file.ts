import { createHash } from 'node:crypto'
import type { Stats } from 'node:fs'
import { open, stat, type FileHandle } from 'node:fs/promises'
import { basename } from 'node:path'
import { AppError } from '../../../../../preload/contract/errors.ts'

/** A source that is open for reading and watched for changes. */
export interface SourceFile {
  readonly sizeBytes: number
  /** The bytes from the beginning; a chunk is valid until the next is asked for. */
  chunks(): AsyncIterable<Buffer>
  /** Bytes at any place; fewer at the end of the file. */
  readAt(position: number, bytes: number): Promise<Buffer>
  /** SHA-256 of the whole file; free when `chunks` was read to its end. */
  sha256(): Promise<string>
  /** Throws when the file is no longer the one that was opened. */
  assertUnchanged(): Promise<void>
  close(): Promise<void>
}

interface OpenOptions {
  readonly path: string
  readonly signal?: AbortSignal
  readonly onBytes?: (bytes: number) => void
}

const chunkBytes = 1024 * 1024

/** Opens a source; whatever the file system objects to becomes a sentence for the user. */
export async function openSourceFile({ path, signal, onBytes }: OpenOptions): Promise<SourceFile> {
  const name = basename(path)
  const file = await explainReading(name, () => open(path, 'r'))
  try {
    const before = await explainReading(name, () => file.stat())
    if (!before.isFile())
      throw new AppError('DATASET_FILE_UNREADABLE', `“${name}” is not a file. Choose a single file, or several files of one folder.`)
    return watchFile({ path, name, file, before, signal, onBytes })
  } catch (error) {
    await file.close()
    throw error
  }
}

interface WatchOptions {
  readonly path: string
  readonly name: string
  readonly file: FileHandle
  readonly before: Stats
  readonly signal: AbortSignal | undefined
  readonly onBytes: ((bytes: number) => void) | undefined
}

function watchFile({ path, name, file, before, signal, onBytes }: WatchOptions): SourceFile {
  let digest: string | null = null
  const isSame = (after: Stats) => after.size === before.size && after.mtimeMs === before.mtimeMs && after.ino === before.ino
  const changed = () =>
    new AppError('DATASET_FILE_UNREADABLE', `“${name}” changed while it was read. Import it again once nothing writes to it.`, {
      retryable: true,
    })

  async function* readChunks(isCounted: boolean): AsyncIterable<Buffer> {
    const hash = createHash('sha256')
    const buffer = Buffer.allocUnsafe(Math.min(chunkBytes, Math.max(1, before.size)))
    let position = 0
    while (position < before.size) {
      signal?.throwIfAborted()
      const { bytesRead } = await explainReading(name, () =>
        file.read(buffer, 0, Math.min(buffer.length, before.size - position), position),
      )
      if (bytesRead === 0) throw changed()
      const chunk = buffer.subarray(0, bytesRead)
      hash.update(chunk)
      position += bytesRead
      if (isCounted) onBytes?.(bytesRead)
      yield chunk
    }
    digest = hash.digest('hex')
  }

  return {
    sizeBytes: before.size,
    chunks: () => readChunks(true),
    async readAt(position, bytes) {
      signal?.throwIfAborted()
      const buffer = Buffer.alloc(Math.max(0, Math.min(bytes, before.size - position)))
      let done = 0
      while (done < buffer.length) {
        const { bytesRead } = await explainReading(name, () => file.read(buffer, done, buffer.length - done, position + done))
        if (bytesRead === 0) throw changed()
        done += bytesRead
      }
      return buffer
    },
    async sha256() {
      if (digest === null) for await (const chunk of readChunks(false)) if (chunk.length === 0) break
      return digest ?? ''
    },
    async assertUnchanged() {
      const [opened, named] = await explainReading(name, () => Promise.all([file.stat(), stat(path)]))
      if (!isSame(opened) || !isSame(named)) throw changed()
    },
    close: () => file.close(),
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'was not found. It may have been moved or renamed; choose it again',
  EACCES: 'may not be read with this account. Change its permissions or copy it to another folder',
  EPERM: 'may not be read with this account. Change its permissions or copy it to another folder',
  EISDIR: 'is a folder. Choose a single file, or several files of one folder',
  EBUSY: 'is in use by another program. Close it there and try again',
  EIO: 'could not be read from the disk. Copy it to another disk and try again',
}

async function explainReading<T>(name: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    const code = codeOf(error)
    if (code === null) throw error
    const reason = reasons[code] ?? `could not be read (${code}). Copy it to another folder and try again`
    throw new AppError('DATASET_FILE_UNREADABLE', `“${name}” ${reason}.`, { cause: error, retryable: true })
  }
}

/** The operating system's code of a failure, such as `ENOSPC`; null for anything else. */
export function codeOf(error: unknown): string | null {
  return error instanceof Error &&
    'code' in error &&
    typeof error.code === 'string' &&
    /^E[A-Z]/.test(error.code) &&
    !error.code.startsWith('ERR_')
    ? error.code
    : null
}
