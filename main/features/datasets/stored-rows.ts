import { open } from 'node:fs/promises'
import type { Conversation } from '../../../preload/contract/datasets.ts'
import { AppError } from '../../../preload/contract/errors.ts'
import { parseRowBytes } from './parse-row.ts'
import type { RowPlace } from './repository.ts'

/** A page of rows is cut short at this size, so that a few giant rows cannot hold up the window. */
const maxPageBytes = 4 * 1024 * 1024

/** Reads usable rows of a stored file straight from their places; at least one, if there is one. */
export async function readStoredRows(path: string, places: readonly RowPlace[]): Promise<Conversation[]> {
  const conversations: Conversation[] = []
  const file = await open(path, 'r')
  try {
    let bytes = 0
    for (const { line, offsetBytes, lengthBytes } of places) {
      bytes += lengthBytes
      if (bytes > maxPageBytes && conversations.length > 0) break
      const buffer = Buffer.alloc(lengthBytes)
      const { bytesRead } = await file.read(buffer, 0, lengthBytes, offsetBytes)
      const row = bytesRead === lengthBytes ? parseRowBytes(buffer) : null
      if (row?.kind !== 'conversation') {
        throw new AppError('DATASET_FILE_UNREADABLE', 'The stored copy of the file was changed on the disk. Import the file again.')
      }
      conversations.push({ line, messages: [...row.messages] })
    }
  } finally {
    await file.close()
  }
  return conversations
}
