import { AppError } from '../../../../preload/contract/errors.ts'
import { fileChangedCode } from './pass/worker-protocol.ts'

/** Turns what a file operation threw into a sentence with the next action; anything unknown stays as it is. */
export function explainFileError(error: unknown): unknown {
  if (error instanceof AppError || !(error instanceof Error) || !('code' in error)) return error
  const explained = sentences[String(error.code)]
  return explained === undefined
    ? error
    : new AppError('DATASET_FILE_UNREADABLE', explained.text, { retryable: explained.isRetryable, cause: error })
}

const sentences: Readonly<Record<string, { text: string; isRetryable: boolean }>> = {
  [fileChangedCode]: {
    text: 'The file was changed while it was read. Let the other program finish, then check it again.',
    isRetryable: true,
  },
  ENOENT: { text: 'The file is no longer there. Import it again.', isRetryable: false },
  EACCES: { text: 'The file may not be read. Check its permissions, or copy it to your own folder.', isRetryable: false },
  EPERM: { text: 'The file may not be read. Check its permissions, or copy it to your own folder.', isRetryable: false },
  EISDIR: { text: 'This is a folder. Choose a single file.', isRetryable: false },
  EBUSY: { text: 'Another program is using the file. Close it there and try again.', isRetryable: true },
  ENOSPC: { text: 'The disk is full. Free some space and try again.', isRetryable: true },
  EDQUOT: { text: 'The disk is full. Free some space and try again.', isRetryable: true },
  EIO: { text: 'The disk reported a read error. Copy the file to another disk and try again.', isRetryable: false },
  SQLITE_FULL: { text: 'The disk is full. Free some space and try again.', isRetryable: true },
}
