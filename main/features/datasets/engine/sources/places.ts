import { closeSync, openSync, readSync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { AppError } from '../../../../../preload/contract/errors.ts'

const headerBytes = 16
const magic = 0x31435054
const entryBytes = 8
const blockEntries = 8192
const maxBlocks = 64

/** Where a line of the working file comes from. */
export interface SourcePlace {
  readonly source: number
  /** 1-based line of the source; the row for Parquet. */
  readonly line: number
}

/** The places of a working file's lines, read when they are asked for. */
export interface SourcePlaces {
  readonly rows: number
  /** The place of a 1-based line of the working file. */
  sourceOf(line: number): SourcePlace
  close(): void
}

/** Writes the places of lines in their order. */
export interface PlacesWriter {
  add(source: number, lines: Uint32Array): Promise<void>
  /** Writes the header; the file is whole after that. */
  finish(): Promise<void>
}

/** Creates a writer into an empty file. */
export function createPlacesWriter(file: FileHandle): PlacesWriter {
  let rows = 0
  let entries = new Uint32Array(0)
  return {
    async add(source, lines) {
      if (entries.length < lines.length * 2) entries = new Uint32Array(lines.length * 2)
      for (let index = 0; index < lines.length; index += 1) {
        entries[index * 2] = source
        entries[index * 2 + 1] = lines[index] as number
      }
      const bytes = Buffer.from(entries.buffer, 0, lines.length * entryBytes)
      let written = 0
      while (written < bytes.length) {
        const { bytesWritten } = await file.write(bytes, written, bytes.length - written, headerBytes + rows * entryBytes + written)
        written += bytesWritten
      }
      rows += lines.length
    },
    async finish() {
      const header = Buffer.alloc(headerBytes)
      header.writeUInt32LE(magic, 0)
      header.writeUInt32LE(1, 4)
      header.writeBigUInt64LE(BigInt(rows), 8)
      await file.write(header, 0, headerBytes, 0)
      await file.sync()
    },
  }
}

/** Opens the places of a working file; only the blocks that are asked for are read. */
export function readPlaces(path: string): SourcePlaces {
  const file = openSync(path, 'r')
  const header = Buffer.alloc(headerBytes)
  const headerRead = readSync(file, header, 0, headerBytes, 0)
  if (headerRead < headerBytes || header.readUInt32LE(0) !== magic || header.readUInt32LE(4) !== 1) {
    closeSync(file)
    throw new AppError('DATASET_FILE_UNREADABLE', 'The line numbers of this dataset are damaged. Import its files again.')
  }
  const rows = Number(header.readBigUInt64LE(8))
  const blocks = new Map<number, Buffer>()

  const blockAt = (number: number): Buffer => {
    const known = blocks.get(number)
    if (known !== undefined) return known
    const block = Buffer.alloc(blockEntries * entryBytes)
    const bytes = readSync(file, block, 0, block.length, headerBytes + number * block.length)
    const oldest = blocks.keys().next()
    if (blocks.size >= maxBlocks && oldest.done !== true) blocks.delete(oldest.value)
    const filled = block.subarray(0, bytes)
    blocks.set(number, filled)
    return filled
  }
  return {
    rows,
    sourceOf(line) {
      const index = line - 1
      const block = index >= 0 && index < rows ? blockAt(Math.floor(index / blockEntries)) : Buffer.alloc(0)
      const at = (index % blockEntries) * entryBytes
      if (at < 0 || at + entryBytes > block.length) throw new RangeError(`Line ${line} is not in the working file`)
      return { source: block.readUInt32LE(at), line: block.readUInt32LE(at + 4) }
    },
    close() {
      closeSync(file)
    },
  }
}
