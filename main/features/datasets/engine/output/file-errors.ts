import { AppError } from '../../../../../preload/contract/errors.ts'

/** Puts a failure of writing into plain words; anything unexpected stays what it is. */
export function explainWriteError(error: unknown): unknown {
  switch (codeOf(error) ?? '') {
    case 'ENOSPC':
    case 'EDQUOT':
      return new AppError(
        'DISK_FULL',
        'The disk has no room for the export. Free some space or choose another folder, then export again.',
        {
          retryable: true,
          cause: error,
        },
      )
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new AppError('INVALID_INPUT', 'This folder cannot be written to. Choose another folder.', { cause: error })
    case 'ENOENT':
    case 'ENOTDIR':
      return new AppError('INVALID_INPUT', 'The folder is not there any more. Choose another folder.', { cause: error })
    case 'ENAMETOOLONG':
      return new AppError('INVALID_INPUT', 'The path of the folder is too long. Choose a folder nearer to the top of the disk.', {
        cause: error,
      })
    default:
      return error
  }
}

/** Puts a failure of opening or reading the working file into plain words. */
export function explainReadError(error: unknown): AppError {
  if (error instanceof AppError) return error
  return new AppError('DATASET_FILE_UNREADABLE', 'The stored copy of the file cannot be read. Import the file again.', { cause: error })
}

/** The system's name of a failure, such as `ENOSPC`. */
export function codeOf(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error)) return null
  return typeof error.code === 'string' ? error.code : null
}
