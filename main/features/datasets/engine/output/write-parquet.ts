import type { ExportFiles } from './export-files.ts'
import { visitRows, type RowsToExport } from './export-rows.ts'
import type { LayoutContext } from './layouts/layout-row.ts'
import { readMessageFields } from './layouts/message-fields.ts'
import { toParquetRow, type ParquetRow } from './layouts/parquet-messages.ts'
import { createParquetFile, noteParts, type ParquetFile, type ParquetPart } from './parquet-file.ts'
import { createRefusalLog, type RefusalLog } from './refusals.ts'
import type { RowContent } from '../row-model.ts'
import type { WorkingFileReader } from './working-file-reader.ts'

/** Writes rows as Parquet. The columns have to be known before the first row, so the rows are read twice. */
export async function writeParquet(
  rows: RowsToExport,
  file: WorkingFileReader,
  files: ExportFiles,
  refusals: RefusalLog,
  createdBy: string,
): Promise<void> {
  const parts = new Set<ParquetPart>()
  const half = (from: number) => (done: number) => rows.onProgress(Math.floor(from + done / 2))
  const collector = {
    copy: null,
    release: () => undefined,
    convert: (_row: number, _split: number, content: RowContent, value: unknown, context: LayoutContext) => {
      const written = rowOf(content, value, context)
      if (!('refused' in written)) noteParts(written, parts)
      return undefined
    },
  }
  await visitRows({ ...rows, onProgress: half(0) }, file, collector, createRefusalLog())
  const outputs = new Map<number, ParquetFile>()
  const writer = {
    copy: null,
    release: () => undefined,
    convert: async (row: number, split: number, content: RowContent, value: unknown, context: LayoutContext) => {
      const written = rowOf(content, value, context)
      if ('refused' in written) {
        refusals.add(row, written.refused)
        return
      }
      let output = outputs.get(split)
      if (output === undefined) {
        output = createParquetFile((await files.open(split, 'conversations')).data, parts, createdBy)
        outputs.set(split, output)
      }
      await output.addRow(written)
    },
  }
  await visitRows({ ...rows, onProgress: half(rows.columns.rows / 2) }, file, writer, refusals)
  for (const output of outputs.values()) await output.finish()
}

function rowOf(content: RowContent, value: unknown, context: LayoutContext): ParquetRow | { readonly refused: string } {
  const fields = readMessageFields(content, value, context.mapping)
  return 'refused' in fields ? fields : toParquetRow(content, value, context, fields)
}
