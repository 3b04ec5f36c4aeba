import { setImmediate } from 'node:timers/promises'
import { decodeToUtf8 } from './decode.ts'
import { decompress } from './decompress.ts'
import { createJsonListReader } from './json-list-reader.ts'
import { createJsonLinesReader } from './jsonl-reader.ts'
import { readParquetFooter, readParquetRows } from './parquet-reader.ts'
import type { RowWriter } from './row-writer.ts'
import type { SourceFile } from './source-file.ts'
import type { SourceReader, SourceSniff } from './source-types.ts'
import { createTableReader } from './table-reader.ts'
import { assertNever } from '../../../../lib/assert-never.ts'

/** How a source is read into a writer. */
export interface ReadSourceOptions {
  readonly file: Pick<SourceFile, 'sizeBytes' | 'chunks' | 'readAt'>
  readonly sniff: SourceSniff
  readonly writer: RowWriter
  /** Called whenever the writer is full; answers false to stop. */
  readonly drain: () => Promise<boolean>
  /** Called with the bytes that unpacking has given so far. */
  readonly onUnpacked?: (bytes: number) => void
  /** Called with the share done of a source that is not read in order. */
  readonly onShare?: (share: number) => void
  readonly signal?: AbortSignal | undefined
}

/** What was left out on purpose. */
export interface ReadSourceResult {
  readonly blankLines: number
}

const busyMs = 15

/** Lets other work of this thread go on every few milliseconds, and stops when asked to. */
export function createBreather(signal: AbortSignal | undefined): () => Promise<void> {
  let since = performance.now()
  return async () => {
    signal?.throwIfAborted()
    if (performance.now() - since < busyMs) return
    await setImmediate()
    since = performance.now()
    signal?.throwIfAborted()
  }
}

/** Reads all rows of a source, whatever its format. */
export async function readSource(options: ReadSourceOptions): Promise<ReadSourceResult> {
  const { file, sniff, writer, drain, onShare } = options
  const breathe = createBreather(options.signal)
  if (sniff.format === 'parquet') {
    const footer = await readParquetFooter(file)
    await readParquetRows({ bytes: file, footer, writer, drain, breathe, onGroup: (share) => onShare?.(share) })
    return { blankLines: 0 }
  }
  const reader = createReader(sniff, writer)
  const isWhole = await pushAll(reader, options, breathe)
  if (isWhole) reader.end()
  return { blankLines: 'blankLines' in reader && typeof reader.blankLines === 'number' ? reader.blankLines : 0 }
}

async function pushAll(reader: SourceReader, options: ReadSourceOptions, breathe: () => Promise<void>): Promise<boolean> {
  const { file, sniff, writer, drain, onUnpacked } = options
  const unpacked = decompress(file.chunks(), sniff.compression)
  const counted = onUnpacked === undefined ? unpacked : countBytes(unpacked, onUnpacked)
  const chunks = decodeToUtf8(counted, sniff.encoding, () => {
    writer.problem(1, 'character_replaced')
  })
  for await (const chunk of chunks) {
    let at = 0
    while (at < chunk.length) {
      at = reader.push(chunk, at)
      if (writer.isFull && !(await drain())) return false
      await breathe()
    }
  }
  return true
}

async function* countBytes(chunks: AsyncIterable<Buffer>, onBytes: (bytes: number) => void): AsyncIterable<Buffer> {
  let bytes = 0
  for await (const chunk of chunks) {
    bytes += chunk.length
    onBytes(bytes)
    yield chunk
  }
}

/** Creates the reader of a text format; it is fed with UTF-8. */
export function createReader(sniff: SourceSniff, writer: RowWriter): SourceReader {
  switch (sniff.format) {
    case 'jsonl':
    case 'parquet':
      return createJsonLinesReader(writer)
    case 'json_array':
      return createJsonListReader(sniff.list ?? { kind: 'array', property: null }, writer)
    case 'csv':
    case 'tsv':
      return createTableReader(
        sniff.table ?? { delimiter: sniff.format === 'tsv' ? 0x09 : 0x2c, hasHeader: true },
        sniff.columns ?? [],
        writer,
      )
    default:
      return assertNever(sniff.format)
  }
}
