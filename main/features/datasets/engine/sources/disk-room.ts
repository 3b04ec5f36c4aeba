import { statfs } from 'node:fs/promises'
import { AppError } from '../../../../../preload/contract/errors.ts'

/** Keeps an import from filling the disk, however far a compressed file unpacks. */
export interface DiskRoom {
  /** Throws when `bytes` more do not fit; `written` is what was written so far. */
  claim(written: number, bytes: number): Promise<void>
  /** Throws when a file unpacks to more than the disk could ever hold. */
  assertUnpackable(bytes: number): void
}

/** Kept free for the database and the log. */
const spareBytes = 64 * 1024 * 1024
const checkEveryBytes = 32 * 1024 * 1024

/** Looks at the free space of the folder now and again. */
export async function createDiskRoom(folder: string, measure: (folder: string) => Promise<number> = freeBytes): Promise<DiskRoom> {
  const freeAtStart = await measure(folder)
  let free = freeAtStart
  let measuredAt = 0
  return {
    async claim(written, bytes) {
      if (written - measuredAt >= checkEveryBytes || written + bytes - measuredAt + spareBytes > free) {
        free = await measure(folder)
        measuredAt = written
      }
      if (written + bytes - measuredAt + spareBytes > free) throw full(free)
    },
    assertUnpackable(bytes) {
      if (bytes > freeAtStart) throw full(freeAtStart)
    },
  }
}

async function freeBytes(folder: string): Promise<number> {
  const disk = await statfs(folder)
  return disk.bavail * disk.bsize
}

function full(free: number): AppError {
  const gigabytes = (free / 1024 ** 3).toFixed(1)
  return new AppError(
    'DISK_FULL',
    `The rows need more space than the disk has (${gigabytes} GB free). Free some space, or import a smaller file; a small compressed file can unpack to a very large one.`,
  )
}
