import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import type { OpenDataset, PassWork } from './open-dataset.ts'
import { toTrainingLine } from './training-line.ts'

/** The training file that was written, and what it was made from. */
export interface FreezeReport {
  readonly sha256: string
  readonly bytes: number
  readonly rows: number
}

const blockBytes = 1024 * 1024
const train = 1

/** True for a row that a run would train on now. */
export function isTrainable({ view }: OpenDataset, row: number): boolean {
  const { split } = view.table
  return view.isUsable(row) && (split === null || split[row] === train)
}

/** Writes the rows to train on as one `{"messages": […]}` per line; the same rows always give the same bytes. */
export async function writeTrainingFile(dataset: OpenDataset, targetPath: string, { signal, onProgress }: PassWork): Promise<FreezeReport> {
  const { view } = dataset
  const { columns } = view.table
  const hash = createHash('sha256')
  const file = await open(targetPath, 'w', 0o600)
  try {
    let lines: string[] = []
    let waiting = 0
    let bytes = 0
    let rows = 0
    const write = async () => {
      const block = Buffer.from(lines.join(''))
      lines = []
      waiting = 0
      hash.update(block)
      bytes += block.length
      await file.writeFile(block)
    }
    for (let row = 0; row < columns.rows; row += 1) {
      if (!isTrainable(dataset, row)) continue
      const { content } = view.read(row)
      const line = content === null ? null : toTrainingLine(content)
      if (line === null) continue
      lines.push(line)
      waiting += line.length
      rows += 1
      if (waiting < blockBytes) continue
      await write()
      signal.throwIfAborted()
      onProgress({ doneBytes: row, totalBytes: columns.rows, resumedBytes: 0 })
    }
    await write()
    await file.sync()
    return { sha256: hash.digest('hex'), bytes, rows }
  } finally {
    await file.close()
  }
}
