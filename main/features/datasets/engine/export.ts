import type { ColumnMapping, ExportLayout } from '../../../../preload/contract/datasets.ts'
import type { OpenDataset, PassWork } from './open-dataset.ts'
import { exportDataset } from './output/export-dataset.ts'

/** What the app knows of an export and the engine does not. */
export interface ExportFacts {
  readonly appVersion: string
  readonly createdAtMs: number
  readonly name: string
  readonly fileNames: readonly string[]
  readonly sha256: string | null
}

/** A finished export. */
export interface ExportSummary {
  readonly folder: string
  readonly files: { name: string; rows: number; bytes: number }[]
  readonly refusedRows: number
  readonly refusedReasons: { reason: string; rows: number }[]
}

/** Writes the usable rows in a layout, split as the dataset is. */
export async function exportRows(
  dataset: OpenDataset,
  mapping: ColumnMapping | null,
  target: { readonly layout: ExportLayout; readonly folder: string; readonly facts: ExportFacts },
  { signal, onProgress }: PassWork,
): Promise<ExportSummary> {
  const { view, index, history } = dataset
  const { columns, split } = view.table
  const { facts } = target
  const state = dataset.state()
  const { folder, files, refused } = await exportDataset({
    workingPath: index.path,
    columns,
    stateOf(row) {
      const { text, isDropped } = view.overlay.stateOf(row)
      return isDropped ? 'dropped' : text === null ? 'source' : { text }
    },
    isIncluded: view.isUsable,
    splitOf: split,
    readContent: view.readBytes,
    mapping,
    layout: target.layout,
    folder: target.folder,
    baseName: facts.name,
    facts: {
      appVersion: facts.appVersion,
      createdAtMs: facts.createdAtMs,
      dataset: {
        name: facts.name,
        fileNames: [...facts.fileNames],
        sha256: facts.sha256,
        rows: columns.rows,
        version: history.version,
        editedRows: state.stats.editedRows,
        droppedRows: state.stats.droppedRows,
      },
      split: state.split?.settings ?? null,
    },
    signal,
    onProgress: (done) => onProgress({ doneBytes: done, totalBytes: columns.rows, resumedBytes: 0 }),
  })
  return {
    folder,
    files: files.map(({ name, rows, bytes }) => ({ name, rows, bytes })),
    refusedRows: refused.count,
    refusedReasons: refused.reasons.map(({ reason, rows }) => ({ reason, rows })),
  }
}
