import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { explainWriteError } from './file-errors.ts'

const bufferBytes = 1024 * 1024

/** A file being written; the disk writes one buffer while the next one is filled and hashed. */
export interface DataFile {
  readonly rows: number
  /** Adds a row of an export; answers a promise only when the caller has to wait. */
  addRow(text: string): Promise<void> | undefined
  /** Adds bytes that hold `rows` whole rows. */
  addBytes(source: Buffer, start: number, end: number, rows: number): Promise<void> | undefined
  /** Writes what is left, makes it durable and answers what was written. */
  finish(): Promise<{ readonly rows: number; readonly bytes: number; readonly sha256: string }>
  /** Closes without keeping. */
  abandon(): Promise<void>
}

/** Creates a file that must not exist yet. */
export async function createDataFile(path: string): Promise<DataFile> {
  const handle = await open(path, 'wx').catch((error: unknown) => Promise.reject(explainWriteError(error)))
  const hash = createHash('sha256')
  let buffer = Buffer.allocUnsafeSlow(bufferBytes)
  let spare = Buffer.allocUnsafeSlow(bufferBytes)
  let filled = 0
  let bytes = 0
  let rows = 0
  let writing: Promise<void> = Promise.resolve()

  /** Starts writing what is in the buffer as soon as the write before is done. */
  const flush = async (): Promise<void> => {
    const full = buffer
    const length = filled
    await writing
    buffer = spare
    spare = full
    filled = 0
    bytes += length
    writing = writeAll(full.subarray(0, length))
    // The failure is thrown where the write is waited for.
    writing.catch(() => undefined)
    hash.update(full.subarray(0, length))
  }
  const writeAll = async (piece: Buffer): Promise<void> => {
    try {
      let done = 0
      while (done < piece.length) done += (await handle.write(piece, done)).bytesWritten
    } catch (error) {
      throw explainWriteError(error)
    }
  }
  const addLarge = async (source: Buffer, start: number, end: number): Promise<void> => {
    let at = start
    while (at < end) {
      const length = Math.min(end - at, bufferBytes - filled)
      source.copy(buffer, filled, at, at + length)
      filled += length
      at += length
      if (filled === bufferBytes) await flush()
    }
  }
  return {
    get rows() {
      return rows
    },
    addRow(text) {
      rows += 1
      // A UTF-16 unit is at most three bytes long.
      if (text.length * 3 + 1 <= bufferBytes - filled) {
        filled += buffer.write(text, filled)
        buffer[filled] = 10
        filled += 1
        return undefined
      }
      const line = Buffer.from(`${text}\n`)
      return addLarge(line, 0, line.length)
    },
    addBytes(source, start, end, added) {
      rows += added
      if (end - start < bufferBytes - filled) {
        source.copy(buffer, filled, start, end)
        filled += end - start
        return undefined
      }
      return addLarge(source, start, end)
    },
    async finish() {
      if (filled > 0) await flush()
      await writing
      try {
        await handle.sync()
        await handle.close()
      } catch (error) {
        throw explainWriteError(error)
      }
      return { rows, bytes, sha256: hash.digest('hex') }
    },
    async abandon() {
      await writing.catch(() => undefined)
      // Closing an already closed file is not a failure here: the file is thrown away.
      await handle.close().catch(() => undefined)
    },
  }
}
