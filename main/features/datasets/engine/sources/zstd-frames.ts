import { AppError } from '../../../../../preload/contract/errors.ts'

/** Follows the frames of a Zstandard file and refuses what would need too much memory. */
export interface FrameGuard {
  push(piece: Buffer): void
  /** Throws when the file ends inside a frame. */
  end(): void
}

/** What the format's own tools accept without being told to use more memory. */
const maxWindowBytes = 128 * 1024 * 1024
const maxHeaderBytes = 18

const seekFrame = 0
const seekBlock = 1
const skipBytes = 2

/** Creates a guard that reads frame and block headers only. */
export function createFrameGuard(): FrameGuard {
  let header = Buffer.alloc(0)
  let step = seekFrame
  let toSkip = 0
  let afterSkip = seekFrame
  let hasChecksum = false

  const skip = (bytes: number, next: number) => {
    toSkip = bytes
    afterSkip = next
    step = bytes > 0 ? skipBytes : next
  }
  /** Answers how many bytes of the header were used; 0 when it is not complete. */
  const readFrame = (): number => {
    if (header.length < 8) return 0
    if (header.readUInt32LE(0) >>> 4 === 0x0184d2a5) {
      skip(header.readUInt32LE(4), seekFrame)
      return 8
    }
    const flags = header[4] ?? 0
    const isSingle = (flags & 0x20) !== 0
    const sizeBytes = flags >> 6 === 0 ? (isSingle ? 1 : 0) : 1 << (flags >> 6)
    const keyBytes = [0, 1, 2, 4][flags & 3] ?? 0
    const length = 5 + (isSingle ? 0 : 1) + keyBytes + sizeBytes
    if (header.length < Math.max(length, 9)) return 0
    hasChecksum = (flags & 4) !== 0
    if (windowBytes(header, isSingle, 5 + keyBytes, sizeBytes) > maxWindowBytes) throw tooLarge()
    step = seekBlock
    return length
  }
  const readBlock = (): number => {
    if (header.length < 3) return 0
    const block = header.readUIntLE(0, 3)
    const isLast = (block & 1) !== 0
    const isRun = ((block >> 1) & 3) === 1
    skip((isRun ? 1 : block >> 3) + (isLast && hasChecksum ? 4 : 0), isLast ? seekFrame : seekBlock)
    return 3
  }

  return {
    push(piece) {
      let at = 0
      while (at < piece.length) {
        if (step === skipBytes) {
          const bytes = Math.min(toSkip, piece.length - at)
          toSkip -= bytes
          at += bytes
          if (toSkip === 0) step = afterSkip
          continue
        }
        const held = header.length
        header = Buffer.concat([header, piece.subarray(at, at + maxHeaderBytes - held)])
        const used = step === seekFrame ? readFrame() : readBlock()
        if (used === 0 && header.length < maxHeaderBytes) return
        at += Math.max(0, used - held)
        header = header.subarray(0, 0)
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
