import type { DataFile } from './data-file.ts'
import type { ExportFiles } from './export-files.ts'
import { visitRows, type RowsToExport, type RowVisitor } from './export-rows.ts'
import { toLayout } from './layouts/to-layout.ts'
import type { RefusalLog } from './refusals.ts'
import type { WorkingFileReader } from './working-file-reader.ts'

const newline = 10
const newlineBytes = Buffer.from('\n')

/** Writes rows as JSON Lines; neighbouring rows that need no change are copied as one piece. */
export async function writeJsonLines(rows: RowsToExport, file: WorkingFileReader, files: ExportFiles, refusals: RefusalLog): Promise<void> {
  await visitRows(rows, file, createJsonLinesVisitor(rows, files, refusals), refusals)
}

function createJsonLinesVisitor(rows: RowsToExport, files: ExportFiles, refusals: RefusalLog): RowVisitor {
  /** Rows that follow each other in the file and in the export, not yet copied. */
  let run: { data: DataFile; bytes: Buffer; start: number; end: number; rows: number } | null = null
  const copyRun = (): Promise<void> | undefined => {
    if (run === null) return undefined
    const { data, bytes, start, end, rows: count } = run
    run = null
    if (bytes[end] === newline) return data.addBytes(bytes, start, end + 1, count)
    return copyWithNewline(data, bytes, start, end, count)
  }
  const startRun = (data: DataFile, bytes: Buffer, start: number, end: number, isEnded: boolean): Promise<void> | undefined => {
    const before = copyRun()
    if (before !== undefined) return before.then(() => startRun(data, bytes, start, end, isEnded))
    run = { data, bytes, start, end, rows: 1 }
    return isEnded ? undefined : copyRun()
  }
  return {
    copy(split, window, length) {
      const { bytes, start } = window
      const end = start + length
      const isEnded = end < window.end && bytes[end] === newline
      const data = files.find(split, 'conversations')?.data
      if (data === undefined) {
        return files.open(split, 'conversations').then((opened) => startRun(opened.data, bytes, start, end, isEnded))
      }
      if (run !== null && isEnded && start === run.end + 1 && run.data === data) {
        run.end = end
        run.rows += 1
        return undefined
      }
      return startRun(data, bytes, start, end, isEnded)
    },
    release: copyRun,
    async convert(row, split, content, value, context) {
      const written = toLayout(content, value, rows.layout, context)
      if ('refused' in written) {
        refusals.add(row, written.refused)
        return
      }
      const open = files.find(split, written.part) ?? (await files.open(split, written.part))
      if (content.tools !== null) open.hasTools = true
      await copyRun()
      await open.data.addRow(written.json)
    },
  }
}

/** A row before a Windows line break, at the end of the file or of a block gets a line break of its own. */
async function copyWithNewline(data: DataFile, bytes: Buffer, start: number, end: number, rows: number): Promise<void> {
  await data.addBytes(bytes, start, end, rows)
  await data.addBytes(newlineBytes, 0, 1, 0)
}
