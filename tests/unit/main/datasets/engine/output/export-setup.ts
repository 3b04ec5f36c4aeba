import { createHash } from 'node:crypto'
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rowShapeSchema } from '../../../../../../preload/contract/datasets.ts'
import type { ExportInput } from '../../../../../../main/features/datasets/engine/output/export-dataset.ts'
import { createRowReader } from '../../../../../../main/features/datasets/engine/rows/row-reader.ts'

/** A folder for one test; `remove` takes it away. */
export async function temporaryFolder(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'export-'))
  return { path, remove: () => rm(path, { recursive: true, force: true }) }
}

/** Writes a working file and describes an export of all its rows. */
export async function exportOf(folder: string, file: string | Buffer, changes: Partial<ExportInput> = {}): Promise<ExportInput> {
  const bytes = Buffer.from(file)
  const workingPath = join(folder, 'working.jsonl')
  await writeFile(workingPath, bytes)
  const reader = createRowReader({ mapping: null })
  const offsets: number[] = []
  const lengths: number[] = []
  const shapes: number[] = []
  for (let start = 0; start < bytes.length;) {
    const newline = bytes.indexOf(10, start)
    const end = newline < 0 ? bytes.length : newline
    const rowEnd = end > start && bytes[end - 1] === 13 ? end - 1 : end
    const row = bytes.subarray(start, rowEnd)
    if (row.toString().trim() !== '') {
      const { shape } = reader.read(row)
      offsets.push(start)
      lengths.push(row.length)
      shapes.push(shape === null ? 0 : rowShapeSchema.options.indexOf(shape) + 1)
    }
    start = end + 1
  }
  return {
    workingPath,
    columns: {
      rows: offsets.length,
      offset: Float64Array.from(offsets),
      length: Uint32Array.from(lengths),
      shape: Uint8Array.from(shapes),
    },
    stateOf: () => 'source',
    isIncluded: () => true,
    splitOf: null,
    readContent: (row) => {
      const { value, content } = reader.read(row)
      return { value, content }
    },
    mapping: null,
    layout: 'openai',
    signal: new AbortController().signal,
    onProgress: () => undefined,
    folder,
    baseName: 'set',
    facts: {
      appVersion: '1.2.3',
      createdAtMs: 1_700_000_000_000,
      dataset: { name: 'Set', fileNames: ['set.jsonl'], sha256: null, rows: offsets.length, version: 0, editedRows: 0, droppedRows: 0 },
      split: null,
    },
    ...changes,
  }
}

/** One row of OpenAI chat, with odd white space so that a rewritten row shows. */
export function chatRow(number: number, size = 1): string {
  return `{"messages": [{"role": "user", "content": "Q${number}"},{"role": "assistant", "content": "${'ä👍'.repeat(size)}"}], "id": ${number}.0}`
}

/** Text of one file. */
export function readText(folder: string, name: string): Promise<string> {
  return readFile(join(folder, name), 'utf8')
}

/** Names in a folder but for the working file. */
export async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name !== 'working.jsonl').toSorted()
}

/** Hash of one file. */
export async function sha256Of(folder: string, name: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(join(folder, name)))
    .digest('hex')
}
