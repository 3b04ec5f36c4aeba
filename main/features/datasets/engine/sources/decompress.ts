import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { Decompress } from 'fzstd'
import type { SourceFormat } from '../../../../../preload/contract/datasets.ts'
import { AppError } from '../../../../../preload/contract/errors.ts'
import { assertNever } from '../../../../lib/assert-never.ts'
import { createFrameGuard } from './zstd-frames.ts'

/** A block of Zstandard takes four bytes at least and gives 128 KB at most, so this bounds what one piece can become. */
const zstdPieceBytes = 1024
const gunzipChunkBytes = 256 * 1024

/** Unpacks chunks of a source; damage becomes a sentence for the user. */
export function decompress(chunks: AsyncIterable<Buffer>, compression: SourceFormat['compression']): AsyncIterable<Buffer> {
  switch (compression) {
    case null:
      return chunks
    case 'gzip':
      return gunzip(chunks)
    case 'zstd':
      return unzstd(chunks)
    default:
      return assertNever(compression)
  }
}

async function* gunzip(chunks: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  const packed = Readable.from(copies(chunks), { objectMode: true, highWaterMark: 1 })
  const unpacked = createGunzip({ chunkSize: gunzipChunkBytes })
  packed.on('error', (error) => unpacked.destroy(error))
  packed.pipe(unpacked)
  try {
    for await (const chunk of unpacked) yield chunk
  } catch (error) {
    throw isZlibError(error) ? damaged('gzip', error) : error
  } finally {
    packed.destroy()
    unpacked.destroy()
  }
}

/** The stream keeps its chunks for longer than the file keeps its buffer. */
async function* copies(chunks: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  for await (const chunk of chunks) yield Buffer.from(chunk)
}

function isZlibError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('Z_')
}

async function* unzstd(chunks: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  const unpack = createZstdUnpacker()
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += zstdPieceBytes) yield* unpack.push(chunk.subarray(at, at + zstdPieceBytes))
  }
  yield* unpack.end()
}

/** Unpacks Zstandard piece by piece. */
export function createZstdUnpacker(): { push(piece: Buffer): Buffer[]; end(): Buffer[] } {
  const guard = createFrameGuard()
  let ready: Buffer[] = []
  const stream = new Decompress((block) => {
    if (block.length > 0) ready.push(Buffer.from(block.buffer, block.byteOffset, block.byteLength))
  })
  const run = (piece: Buffer, isLast: boolean): Buffer[] => {
    ready = []
    try {
      guard.push(piece)
      stream.push(Uint8Array.from(piece), isLast)
      if (isLast) guard.end()
    } catch (error) {
      if (error instanceof AppError) throw error
      throw damaged('Zstandard', error)
    }
    return ready
  }
  return { push: (piece) => run(piece, false), end: () => run(Buffer.alloc(0), true) }
}

function damaged(format: string, cause: unknown): AppError {
  return new AppError(
    'DATASET_FILE_UNREADABLE',
    `The compressed file is damaged or incomplete (${format}). Download it again, or unpack it with another program and import the file inside.`,
    { cause },
  )
}
