import { AppError } from '../../../../../preload/contract/errors.ts'
import { hasEndlessWeights, longestTableHead } from './zstd-weights.ts'

/** Follows the frames of a Zstandard file and refuses what would need too much memory, or would never end. */
export interface FrameGuard {
  push(piece: Buffer): void
  /** Throws when the file ends inside a frame. */
  end(): void
}

/** What the format's own tools accept without being told to use more memory. */
const maxWindowBytes = 128 * 1024 * 1024

const seekFrame = 0
const seekBlock = 1
const skipBytes = 2

/** Creates a guard that reads the headers of frames and blocks, and the start of packed blocks. */
export function createFrameGuard(): FrameGuard {
  let header = Buffer.alloc(0)
  let step = seekFrame
  let toSkip = 0
  let afterSkip = seekFrame
  let hasChecksum = false
  /** The start of the packed block that is being skipped; null where there is nothing to look at. */
  let packed: Buffer | null = null
  let packedBytes = 0

  const skip = (bytes: number, next: number) => {
    toSkip = bytes
    afterSkip = next
    step = bytes > 0 ? skipBytes : next
  }
  /** Answers how many bytes the header has; 0 when it is not complete. */
  const readFrame = (head: Buffer): number => {
    if (head.length < 8) return 0
    if (head.readUInt32LE(0) >>> 4 === 0x0184d2a5) {
      skip(head.readUInt32LE(4), seekFrame)
      return 8
    }
    const flags = head[4] ?? 0
    const isSingle = (flags & 0x20) !== 0
    const sizeBytes = flags >> 6 === 0 ? (isSingle ? 1 : 0) : 1 << (flags >> 6)
    const keyBytes = [0, 1, 2, 4][flags & 3] ?? 0
    const length = 5 + (isSingle ? 0 : 1) + keyBytes + sizeBytes
    if (head.length < Math.max(length, 9)) return 0
    hasChecksum = (flags & 4) !== 0
    if (windowBytes(head, isSingle, 5 + keyBytes, sizeBytes) > maxWindowBytes) throw tooLarge()
    step = seekBlock
    return length
  }
  const readBlock = (head: Buffer): number => {
    if (head.length < 3) return 0
    const block = head.readUIntLE(0, 3)
    const isLast = (block & 1) !== 0
    const kind = (block >> 1) & 3
    const isRun = kind === 1
    packed = kind === 2 ? Buffer.alloc(0) : null
    packedBytes = Math.min(block >> 3, longestTableHead)
    skip((isRun ? 1 : block >> 3) + (isLast && hasChecksum ? 4 : 0), isLast ? seekFrame : seekBlock)
    return 3
  }

  const look = (part: Buffer) => {
    if (packed === null) return
    packed = Buffer.concat([packed, part.subarray(0, packedBytes - packed.length)])
    if (packed.length < packedBytes) return
    if (hasEndlessWeights(packed)) throw new RangeError('A table of weights never ends')
    packed = null
  }

  return {
    push(piece) {
      // A header may begin in one piece and end in another.
      let rest = header.length === 0 ? piece : Buffer.concat([header, piece])
      header = Buffer.alloc(0)
      while (rest.length > 0) {
        if (step === skipBytes) {
          const bytes = Math.min(toSkip, rest.length)
          look(rest.subarray(0, bytes))
          toSkip -= bytes
          rest = rest.subarray(bytes)
          if (toSkip === 0) step = afterSkip
          continue
        }
        const used = step === seekFrame ? readFrame(rest) : readBlock(rest)
        if (used === 0) {
          header = Buffer.from(rest)
          return
        }
        rest = rest.subarray(used)
      }
    },
    end() {
      if (step !== seekFrame || header.length > 0) throw new RangeError('The file ends inside a frame')
    },
  }
}

function windowBytes(header: Buffer, isSingle: boolean, sizeAt: number, sizeBytes: number): number {
  if (!isSingle) {
    const descriptor = header[5] ?? 0
    const base = 2 ** (10 + (descriptor >> 3))
    return base + (base / 8) * (descriptor & 7)
  }
  if (sizeBytes === 8) return Number(header.readBigUInt64LE(sizeAt))
  return header.readUIntLE(sizeAt, sizeBytes) + (sizeBytes === 2 ? 256 : 0)
}

function tooLarge(): AppError {
  return new AppError(
    'DATASET_FILE_UNREADABLE',
    'The file was compressed with a window of more than 128 MB. Unpack it with zstd --long=31 and import the file inside.',
  )
}
