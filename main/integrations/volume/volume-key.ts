import { AppError } from '../../../preload/contract/errors.ts'

const segmentPattern = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/
const maxKeyLength = 512

/** Refuses every key that could name something outside a volume; the characters are those every store accepts. */
export function assertVolumeKey(key: string): void {
  const isSafe = key.length > 0 && key.length <= maxKeyLength && key.split('/').every((segment) => segmentPattern.test(segment))
  if (!isSafe)
    throw new AppError('VOLUME_UNREADABLE', 'A file name on the training volume is not allowed.', { details: { key: key.slice(0, 200) } })
}

/** The folder part of a prefix without its closing slash; refuses the empty one, which would be the whole volume. */
export function folderOfPrefix(prefix: string): string {
  const folder = prefix.endsWith('/') ? prefix.slice(0, -1) : prefix
  assertVolumeKey(folder)
  return folder
}
