import { open, type FileHandle } from 'node:fs/promises'
import { AppError } from '../../../../../preload/contract/errors.ts'
import { explainReadError } from './file-errors.ts'

const blockBytes = 4 * 1024 * 1024
/** Room before each block for the start of a row that the block before cut through. */
const headBytes = 1024 * 1024

/** A piece of the working file in memory. */
export interface Window {
  readonly bytes: Buffer
  /** Where the wanted byte is in `bytes`. */
  readonly start: number
  /** One past the last valid byte. */
  readonly end: number
}

/** Reads the working file forward in large blocks, one block ahead. */
export interface WorkingFileReader {
  /** The wanted bytes if they are in memory; valid until the next `load`. */
  find(offset: number, length: number): Window | null
  /** Brings the wanted bytes into memory. */
  load(offset: number, length: number): Promise<Window>
  close(): Promise<void>
}

interface Block {
  readonly buffer: Buffer
  /** File offset of the first valid byte. */
  from: number
  /** Index of the first valid byte and one past the last. */
  first: number
  end: number
}

/** Opens the working file. */
export async function openWorkingFile(path: string): Promise<WorkingFileReader> {
  const handle = await open(path, 'r').catch((error: unknown) => Promise.reject(explainReadError(error)))
  let block = emptyBlock(headBytes + blockBytes)
  let ahead: { readonly block: Block; readonly done: Promise<void>; readonly from: number } | null = null
  let spare = emptyBlock(headBytes + blockBytes)

  const readAhead = (from: number) => {
    const target = spare
    const done = fillBlock(handle, target, from, headBytes, blockBytes)
    // A failure is reported by whoever waits for the block.
    done.catch(() => undefined)
    ahead = { block: target, done, from }
  }
  const take = async (offset: number, length: number): Promise<boolean> => {
    if (ahead === null) return false
    const next = ahead
    ahead = null
    await next.done
    const tail = Math.max(0, next.from - offset)
    const isReachable = tail <= headBytes && (tail === 0 || offset >= block.from)
    if (!isReachable || offset + length > next.from + (next.block.end - next.block.first)) return false
    const start = block.first + (offset - block.from)
    if (tail > 0) block.buffer.copy(next.block.buffer, next.block.first - tail, start, start + tail)
    next.block.first -= tail
    next.block.from -= tail
    spare = block
    block = next.block
    return true
  }
  const find = (offset: number, length: number): Window | null => {
    const start = block.first + (offset - block.from)
    if (offset < block.from || start + length > block.end) return null
    return { bytes: block.buffer, start, end: block.end }
  }
  return {
    find,
    async load(offset, length) {
      try {
        if (!(await take(offset, length))) {
          // A row longer than a block gets room of its own, given back with the next row.
          if (length > blockBytes || block.buffer.length !== headBytes + blockBytes)
            block = emptyBlock(Math.max(length, headBytes + blockBytes))
          await fillBlock(handle, block, offset, 0, Math.max(length, blockBytes))
        }
      } catch (error) {
        throw explainReadError(error)
      }
      const found = find(offset, length)
      if (found === null)
        throw new AppError('DATASET_FILE_UNREADABLE', 'The stored copy of the file was changed on the disk. Import the file again.')
      if (block.buffer.length === headBytes + blockBytes) readAhead(block.from + (block.end - block.first))
      return found
    },
    async close() {
      if (ahead !== null) await ahead.done.catch(() => undefined)
      await handle.close()
    },
  }
}

function emptyBlock(bytes: number): Block {
  return { buffer: Buffer.allocUnsafeSlow(bytes), from: 0, first: 0, end: 0 }
}

async function fillBlock(handle: FileHandle, block: Block, from: number, first: number, bytes: number): Promise<void> {
  block.from = from
  block.first = first
  block.end = first
  while (block.end < first + bytes) {
    const { bytesRead } = await handle.read(block.buffer, block.end, first + bytes - block.end, from + (block.end - first))
    if (bytesRead === 0) return
    block.end += bytesRead
  }
}
