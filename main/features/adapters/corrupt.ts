import { AppError } from '../../../preload/contract/errors.ts'

/** The adapter is not what the trainer recorded: it goes to quarantine with this sentence as the reason. */
export function corrupt(reason: string, details?: Readonly<Record<string, unknown>>): AppError {
  return new AppError('ADAPTER_NOT_VERIFIED', reason, details === undefined ? {} : { details })
}

/** True for errors that mean "do not use these files". */
export function isCorrupt(error: unknown): error is AppError {
  return error instanceof AppError && error.code === 'ADAPTER_NOT_VERIFIED'
}

const fullDiskCodes: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT'])

/** The system's code of a failed file operation, like ENOENT. */
export function fileErrorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/** Says so when the disk is full; leaves every other error as it is. */
export function withDiskAdvice(error: unknown): unknown {
  return fullDiskCodes.has(fileErrorCode(error)) ? diskFull(null, error) : error
}

/** Not enough room; can be tried again once the user has made some. */
export function diskFull(neededBytes: number | null, cause?: unknown): AppError {
  const need = neededBytes === null ? '' : `: ${Math.ceil(neededBytes / 1_000_000)} MB are needed`
  return new AppError('DISK_FULL', `There is not enough free disk space for the adapter${need}. Free some space, then fetch it again.`, {
    retryable: true,
    details: { neededBytes },
    cause,
  })
}
