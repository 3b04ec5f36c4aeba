import type { S3Calls } from './s3-calls.ts'
import { bareTag } from './s3-replies.ts'
import type { FileStretch } from './s3-source.ts'

const mostPages = 100

/** The stretch of a file that is one part of an upload. */
export interface PartPlan extends FileStretch {
  readonly number: number
}

/** A part that the store has confirmed, and the SHA-256 of what was sent as it. */
export interface SentPart {
  readonly number: number
  readonly etag: string
  readonly sha256: string
}

/** Cuts a file into parts of one size; only the last one may be shorter. */
export function planParts(totalBytes: number, partBytes: number): readonly PartPlan[] {
  return Array.from({ length: Math.ceil(totalBytes / partBytes) }, (_, index) => ({
    number: index + 1,
    offset: index * partBytes,
    bytes: Math.min(partBytes, totalBytes - index * partBytes),
  }))
}

/** The noted parts that the store really holds with the right size; what it lost is sent again. */
export async function findHeldParts(
  calls: S3Calls,
  { key, uploadId, parts }: { key: string; uploadId: string; parts: readonly SentPart[] },
  plan: readonly PartPlan[],
  signal?: AbortSignal,
): Promise<readonly SentPart[] | 'no_upload'> {
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
