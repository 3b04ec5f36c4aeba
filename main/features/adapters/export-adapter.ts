import { AppError } from '../../../preload/contract/errors.ts'
import { fileErrorCode, isCorrupt, withDiskAdvice } from './corrupt.ts'
import { copyToFolder } from './export-folder.ts'
import { writeZip } from './export-zip.ts'
import { safeFileName } from './folder-name.ts'
import type { AdapterRecord } from './repository.ts'

/** Where an export went and how large it is. */
export interface Exported {
  readonly path: string
  readonly bytes: number
}

/** Writes a verified adapter as a ZIP file at `path`. */
export async function exportZip(record: AdapterRecord, folder: string, path: string): Promise<Exported> {
  const content = { folder, rootName: safeFileName(record.name), files: record.files, modifiedAtMs: record.createdAtMs }
  return explained(async () => ({ path, bytes: await writeZip(path, content) }))
}

/** Copies a verified adapter into a new folder under `parent`. */
export async function exportFolder(record: AdapterRecord, folder: string, parent: string): Promise<Exported> {
  return explained(() => copyToFolder({ folder, parent, name: safeFileName(record.name), files: record.files }))
}

/** Name offered in the save dialog. */
export function zipName(record: { readonly name: string }): string {
  return `${safeFileName(record.name)}.zip`
}

/** What a damaged source or target means for the user. */
async function explained(work: () => Promise<Exported>): Promise<Exported> {
  try {
    return await work()
  } catch (error) {
    if (isCorrupt(error)) throw new AppError('ADAPTER_NOT_VERIFIED', `${error.message} Choose Verify again.`, { cause: error })
    const advised = withDiskAdvice(error)
    if (advised instanceof AppError)
      throw new AppError('DISK_FULL', 'There is not enough free space there. Choose another place.', { retryable: true, cause: error })
    const code = fileErrorCode(error)
    if (code === undefined) throw error
    throw new AppError('ADAPTER_EXPORT_FAILED', `The adapter could not be saved there (${code}). Choose another place.`, { cause: error })
  }
}
