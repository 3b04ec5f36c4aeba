import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { isBlankLine } from './line-splitter.ts'
import { canonicalLine, maxRowBytes, parseRowBytes } from './parse-row.ts'
import { readLines } from './read-lines.ts'
import type { FreezeReport } from './worker-protocol.ts'

/** Writes the usable rows of a file as one `{"messages": […]}` per line; the same rows always give the same bytes. */
export async function runFreeze(path: string, targetPath: string, onProgress: (doneBytes: number) => void): Promise<FreezeReport> {
  const hash = createHash('sha256')
  const target = await open(targetPath, 'w', 0o600)
  try {
    let waiting: Buffer[] = []
    let bytes = 0
    let rows = 0
    const writeWaiting = async () => {
      if (waiting.length === 0) return
      const block = Buffer.concat(waiting)
      waiting = []
      hash.update(block)
      bytes += block.length
      await target.writeFile(block)
    }
    const source = await readLines({
      path,
      maxLineBytes: maxRowBytes,
      onLine(line) {
        if (line.bytes === null || isBlankLine(line.bytes)) return
        const row = parseRowBytes(line.bytes)
        if (row.kind !== 'conversation') return
        rows += 1
        waiting.push(Buffer.from(`${canonicalLine(row.messages)}\n`))
      },
      async onChunk(doneBytes) {
        await writeWaiting()
        onProgress(doneBytes)
      },
    })
    await writeWaiting()
    await target.sync()
    return { sourceSha256: source.sha256, sha256: hash.digest('hex'), bytes, rows }
  } finally {
    await target.close()
  }
}
