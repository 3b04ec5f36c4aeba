import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import { AppError } from '../../../preload/contract/errors.ts'
import { getReplySchema } from '../../../preload/contract/worker-actions.ts'

const pack = promisify(gzip)
const unpack = promisify(gunzip)

/** Text shrinks so much that far more than the packed limit fits into one job. */
const largestRawBytes = 32 * 1024 * 1024
/** 9.2 million characters of base64, below the 9.5 million that the worker and the 10 MiB that the platform take. */
const largestPackedBytes = 6_900_000
const shrinkMargin = 0.9

/** One piece of a file as it travels. */
export interface PackedPiece {
  readonly rawBytes: number
  readonly encoding: 'identity' | 'gzip'
  /** Base64. */
  readonly data: string
}

/** Packs as much of a file from `offset` as one job can carry; a piece that packing would enlarge goes as it is. */
export async function packPiece(file: FileHandle, offset: number, totalBytes: number): Promise<PackedPiece> {
  let wanted = Math.min(totalBytes - offset, largestRawBytes)
  for (;;) {
    const raw = await readExactly(file, offset, wanted)
    const packed = await pack(raw)
    if (packed.length < raw.length && packed.length <= largestPackedBytes) return pieceOf(raw.length, 'gzip', packed)
    if (raw.length <= largestPackedBytes) return pieceOf(raw.length, 'identity', raw)
    const fitting = Math.floor(((raw.length * largestPackedBytes) / packed.length) * shrinkMargin)
    wanted = Math.max(largestPackedBytes, Math.min(fitting, raw.length - 1))
  }
}

function pieceOf(rawBytes: number, encoding: PackedPiece['encoding'], sent: Buffer): PackedPiece {
  return { rawBytes, encoding, data: sent.toString('base64') }
}

async function readExactly(file: FileHandle, offset: number, bytes: number): Promise<Buffer> {
  const buffer = Buffer.alloc(bytes)
  for (let filled = 0; filled < bytes;) {
    const { bytesRead } = await file.read(buffer, filled, bytes - filled, offset + filled)
    if (bytesRead === 0) {
      throw new AppError('VOLUME_UNREADABLE', 'The file changed while it was copied to the training volume. Start again.')
    }
    filled += bytesRead
  }
  return buffer
}

/** One piece of a file on the volume, checked. */
export interface FetchedPiece {
  readonly bytes: Buffer
  readonly sha256: string
  readonly totalBytes: number
}

/** Unpacks an answer to `get` and checks that it is the piece that was asked for; says in a few words when it is not. */
export async function openPiece(
  output: unknown,
  asked: { readonly offset: number; readonly maxBytes: number },
): Promise<{ value: FetchedPiece } | { problem: string }> {
  const parsed = getReplySchema.safeParse(output)
  if (!parsed.success) return { problem: `the piece has no valid ${parsed.error.issues[0]?.path.join('.') ?? 'form'}` }
  const { offset, total_bytes: totalBytes, sha256, encoding, data } = parsed.data
  const expected = Math.max(0, Math.min(asked.maxBytes, totalBytes - asked.offset))
  if (offset !== asked.offset || parsed.data.bytes !== expected) return { problem: 'the piece is of another place or size' }
  const bytes = await unpacked(Buffer.from(data, 'base64'), encoding, asked.maxBytes)
  if (bytes === undefined || bytes.length !== expected) return { problem: 'the piece is cut short' }
  if (createHash('sha256').update(bytes).digest('hex') !== sha256) return { problem: 'the SHA-256 of the piece differs' }
  return { value: { bytes, sha256, totalBytes } }
}

async function unpacked(sent: Buffer, encoding: 'identity' | 'gzip', maxBytes: number): Promise<Buffer | undefined> {
  if (encoding === 'identity') return sent
  try {
    return await unpack(sent, { maxOutputLength: Math.max(1, maxBytes) })
  } catch {
    // A damaged or overlong stream is one of the answers that are asked for again.
    return undefined
  }
}
