import { AppError } from '../../../../../preload/contract/errors.ts'
import { createExportFiles, type ExportedFile, type ExportFiles } from './export-files.ts'
import type { RowsToExport } from './export-rows.ts'
import { explainWriteError } from './file-errors.ts'
import { safeFileName } from './file-names.ts'
import { exportManifestSchema, type ManifestFacts } from './manifest.ts'
import { createRefusalLog, type Refusals } from './refusals.ts'
import { createTargetFolder, type TargetFolder } from './target-folder.ts'
import { openWorkingFile, type WorkingFileReader } from './working-file-reader.ts'
import { writeJsonLines } from './write-json-lines.ts'
import { writeParquet } from './write-parquet.ts'

/** An export to be made. */
export interface ExportInput extends RowsToExport {
  readonly workingPath: string
  /** The folder in which the export's own folder appears. */
  readonly folder: string
  /** Name of that folder and of the files in it. */
  readonly baseName: string
  readonly facts: ManifestFacts
}

/** A finished export. */
export interface ExportResult {
  /** Path of the folder that was made. */
  readonly folder: string
  readonly files: readonly ExportedFile[]
  readonly rows: number
  readonly refused: Refusals
}

/** Writes the included rows in a layout; the target appears whole or not at all. */
export async function exportDataset(input: ExportInput): Promise<ExportResult> {
  const file = await openWorkingFile(input.workingPath)
  try {
    const target = await createTargetFolder(input.folder, safeFileName(input.baseName))
    const files = createExportFiles(target, input.layout, input.baseName)
    try {
      return await writeTarget(input, file, target, files)
    } catch (error) {
      await files.abandon()
      await target.discard()
      throw explainWriteError(error)
    }
  } finally {
    await file.close()
  }
}

async function writeTarget(input: ExportInput, file: WorkingFileReader, target: TargetFolder, files: ExportFiles): Promise<ExportResult> {
  const refusals = createRefusalLog()
  if (input.layout === 'parquet_messages') await writeParquet(input, file, files, refusals, `Tunesmith ${input.facts.appVersion}`)
  else await writeJsonLines(input, file, files, refusals)
  const exported = await files.finish()
  const refused = refusals.result()
  const rows = exported.reduce((sum, one) => sum + one.rows, 0)
  if (rows === 0) throw nothingWritten(refused)
  const manifest = exportManifestSchema.parse({
    format: 'tunesmith-export',
    formatVersion: 1,
    layout: input.layout,
    ...input.facts,
    rows,
    files: exported,
    refused: { rows: refused.count, reasons: refused.reasons, examples: refused.rows },
  })
  await target.writeText('manifest.json', `${JSON.stringify(manifest, null, 2)}\n`)
  input.signal.throwIfAborted()
  return { folder: await target.publish(), files: exported, rows, refused }
}

function nothingWritten(refused: Refusals): AppError {
  const [reason] = refused.reasons
  return reason === undefined
    ? new AppError('INVALID_INPUT', 'There is no row to export. Restore or correct rows first.')
    : new AppError('INVALID_INPUT', `None of the rows can be written in this layout. ${reason.reason} Choose another layout.`, {
        details: refused.reasons,
      })
}
