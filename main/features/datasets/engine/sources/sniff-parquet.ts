import { AppError } from '../../../../../preload/contract/errors.ts'
import { parquetColumns, readParquetFooter, type ParquetFooter } from './parquet-reader.ts'
import type { SniffInput } from './sniff.ts'
import type { SourceSniff, UnreadableReason } from './source-types.ts'
import { splitMessage, unreadable } from './unreadable.ts'

/** Looks at the footer of a Parquet file. */
export async function sniffParquet(input: SniffInput): Promise<SourceSniff> {
  const { sizeBytes } = input
  try {
    const footer = await readParquetFooter(input)
    const problem = problemOfParquet(footer)
    if (problem !== null) return unreadable(sizeBytes, problem)
    const groups = footer.row_groups.length
    const rows = Number(footer.num_rows)
    const evidence = [
      `The file is a Parquet table of ${rows} ${rows === 1 ? 'row' : 'rows'} in ${groups} row ${groups === 1 ? 'group' : 'groups'}.`,
    ]
    const columns = parquetColumns(footer)
    return {
      format: 'parquet',
      compression: null,
      encoding: null,
      evidence,
      sizeBytes,
      columns,
      table: null,
      list: null,
      isPlain: false,
      problem: null,
    }
  } catch (error) {
    if (!(error instanceof AppError) || error.retryable) throw error
    return unreadable(sizeBytes, splitMessage(error.message))
  }
}

function problemOfParquet(footer: ParquetFooter): UnreadableReason | null {
  const chunks = footer.row_groups.flatMap((group) => group.columns)
  if (chunks.some((chunk) => chunk.crypto_metadata !== undefined || chunk.encrypted_column_metadata !== undefined)) {
    return { message: 'The Parquet file has encrypted columns.', suggestion: 'Save it without encryption and import that.' }
  }
  if (chunks.some((chunk) => chunk.meta_data?.codec === 'LZO')) {
    return { message: 'The Parquet file is compressed with LZO.', suggestion: 'Save it with Snappy or Zstandard and import that.' }
  }
  if (footer.num_rows <= 0n) return { message: 'The Parquet file holds no rows.', suggestion: 'Choose a file that holds rows.' }
  return null
}
