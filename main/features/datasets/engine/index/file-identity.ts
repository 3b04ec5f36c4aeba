import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { z } from 'zod'

/** What tells two states of a file apart without reading all of it. */
export const fileIdentitySchema = z.object({
  bytes: z.int().nonnegative(),
  changedAtMs: z.number(),
  /** SHA-256 of the first and of the last 64 KiB. */
  headSha256: z.string(),
  tailSha256: z.string(),
})
export type FileIdentity = z.infer<typeof fileIdentitySchema>

const sampleBytes = 64 * 1024

/** Looks at a file as it is now; `tailEnd` looks at the state it had when it was so long. */
export async function identifyFile(path: string, tailEnd?: number): Promise<FileIdentity> {
  const file = await open(path, 'r')
  try {
    const { size, mtimeMs } = await file.stat()
    const hash = async (from: number, to: number) => {
      const buffer = Buffer.alloc(Math.max(0, to - from))
      const { bytesRead } = await file.read(buffer, 0, buffer.length, from)
      return createHash('sha256').update(buffer.subarray(0, bytesRead)).digest('hex')
    }
    const end = Math.min(size, tailEnd ?? size)
    return {
      bytes: size,
      changedAtMs: mtimeMs,
      headSha256: await hash(0, Math.min(sampleBytes, end)),
      tailSha256: await hash(Math.max(0, end - sampleBytes), end),
    }
  } finally {
    await file.close()
  }
}

/** How a file relates to the state that was indexed; `touched` has the same samples and another time of change. */
export async function compareFile(path: string, indexed: FileIdentity): Promise<'same' | 'touched' | 'grown' | 'changed'> {
  const now = await identifyFile(path, indexed.bytes)
  if (now.headSha256 !== indexed.headSha256 || now.tailSha256 !== indexed.tailSha256 || now.bytes < indexed.bytes) return 'changed'
  if (now.bytes > indexed.bytes) return 'grown'
  return now.changedAtMs === indexed.changedAtMs ? 'same' : 'touched'
}
