import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { createLineSplitter, type Line } from './line-splitter.ts'

const chunkBytes = 1024 * 1024

interface ReadLinesOptions {
  readonly path: string
  readonly maxLineBytes: number
  readonly onLine: (line: Line) => void
  /** Called after each chunk; the next one waits for it. */
  readonly onChunk: (doneBytes: number) => Promise<void>
}

/** Reads a file once, line by line, in constant memory; answers with its size and SHA-256. */
export async function readLines({ path, maxLineBytes, onLine, onChunk }: ReadLinesOptions): Promise<{ bytes: number; sha256: string }> {
  const splitter = createLineSplitter({ maxLineBytes, onLine })
  const hash = createHash('sha256')
  const buffer = Buffer.allocUnsafe(chunkBytes)
  const file = await open(path, 'r')
  try {
    let bytes = 0
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, chunkBytes, bytes)
      if (bytesRead === 0) break
      const chunk = buffer.subarray(0, bytesRead)
      hash.update(chunk)
      splitter.push(chunk)
      bytes += bytesRead
      await onChunk(bytes)
    }
    splitter.end()
    return { bytes, sha256: hash.digest('hex') }
  } finally {
    await file.close()
  }
}
