import type { DatasetStats, DatasetStatus } from '../../../preload/contract/datasets.ts'

/** `ready`: at least one usable row, and either no bad row or the user agreed to leave the bad ones out. Otherwise `error`. */
export function judgeDataset(
  stats: DatasetStats,
  acceptsValidRowsOnly: boolean,
): { status: Extract<DatasetStatus, 'ready' | 'error'>; errorMessage: string | null } {
  if (stats.rows === 0) return { status: 'error', errorMessage: 'The file holds no conversations. Choose another file.' }
  if (stats.validRows === 0) {
    return { status: 'error', errorMessage: 'No row of the file can be used. Correct the errors below and import the file again.' }
  }
  if (stats.errorRows === 0 || acceptsValidRowsOnly) return { status: 'ready', errorMessage: null }
  return {
    status: 'error',
    errorMessage: `${countRows(stats.errorRows, 'row')} of ${stats.rows.toLocaleString('en-US')} cannot be used. Use the ${countRows(
      stats.validRows,
      'usable row',
    )} only, or correct the file and import it again.`,
  }
}

function countRows(rows: number, noun: string): string {
  return `${rows.toLocaleString('en-US')} ${noun}${rows === 1 ? '' : 's'}`
}
