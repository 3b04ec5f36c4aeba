import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { AppError } from '../../../preload/contract/errors.ts'
import type { HashedBytes, S3Calls, StoredPart } from './s3-calls.ts'
import { bareTag } from './s3-replies.ts'

const chunkBytes = 1 << 20
const mostPages = 100

/** The stretch of a file that is one part of an upload. */
export interface PartPlan {
  readonly number: number
  readonly offset: number
  readonly bytes: number
}

/** Cuts a file into parts of one size; only the last one may be shorter. */
export function planParts(totalBytes: number, partBytes: number): readonly PartPlan[] {
  return Array.from({ length: Math.ceil(totalBytes / partBytes) }, (_, index) => ({
    number: index + 1,
    offset: index * partBytes,
    bytes: Math.min(partBytes, totalBytes - index * partBytes),
  }))
}

/** Reads a stretch into a buffer, which may be one that was used before, and hashes it in small steps. */
export async function readHashed(
  file: FileHandle,
  { offset, bytes }: { offset: number; bytes: number },
  room: Buffer,
): Promise<HashedBytes> {
  const hash = createHash('sha256')
  for (let done = 0; done < bytes;) {
    const { bytesRead } = await file.read(room, done, Math.min(chunkBytes, bytes - done), offset + done)
    if (bytesRead === 0) {
      throw new AppError('VOLUME_UNREADABLE', 'The file became shorter while it was copied to the training volume. Start again.')
    }
    hash.update(room.subarray(done, done + bytesRead))
    done += bytesRead
  }
  return { bytes: room.subarray(0, bytes), sha256: hash.digest('hex') }
}

/** The noted parts that the store really holds with the right size; what it lost is sent again. */
export async function findHeldParts(
  calls: S3Calls,
  { key, uploadId, parts }: { key: string; uploadId: string; parts: readonly StoredPart[] },
  plan: readonly PartPlan[],
  signal?: AbortSignal,
): Promise<readonly StoredPart[] | 'no_upload'> {
  const held = new Map<number, { etag: string; bytes: number }>()
  const seen = new Set<string>()
  for (let marker: string | undefined; ;) {
    const page = await calls.listPartsPage(key, uploadId, marker, signal)
    if (page === 'no_upload') return 'no_upload'
    for (const part of page.entries) held.set(part.number, part)
    // A marker that comes again would lead round in a circle; what was not listed counts as missing.
    if (page.next === null || page.next === '' || seen.has(page.next) || seen.size >= mostPages) break
    seen.add(page.next)
    marker = page.next
  }
  return parts.filter(({ number, etag }) => {
    const there = held.get(number)
    return there !== undefined && there.bytes === plan[number - 1]?.bytes && there.etag === bareTag(etag)
  })
}
