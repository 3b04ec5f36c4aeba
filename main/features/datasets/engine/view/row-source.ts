import { closeSync, openSync, readSync } from 'node:fs'
import { AppError } from '../../../../../preload/contract/errors.ts'
import type { RowColumns } from '../columns.ts'

/** Reads single rows of the working file by their number. */
export interface RowSource {
  /** A copy of the row's bytes, without the line break. */
  readBytes(row: number): Buffer
  close(): void
}

/** Opens the file behind the columns. */
export function createRowSource(path: string, columns: RowColumns): RowSource {
  const fileDescriptor = openSync(path, 'r')
  return {
    readBytes(row) {
      const length = columns.length[row]
      const offset = columns.offset[row]
      if (length === undefined || offset === undefined)
        throw new AppError('INVALID_INPUT', `There is no row ${row + 1}. Choose another one.`)
      const bytes = Buffer.allocUnsafe(length)
      if (readSync(fileDescriptor, bytes, 0, length, offset) !== length) {
        throw new AppError('DATASET_FILE_UNREADABLE', 'The stored copy of the file was changed on the disk. Import the file again.')
      }
      return bytes
    },
    close: () => closeSync(fileDescriptor),
  }
}
