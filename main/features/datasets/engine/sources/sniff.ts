import type { SourceFormat } from '../../../../../preload/contract/datasets.ts'
import { AppError } from '../../../../../preload/contract/errors.ts'
import { decodeToUtf8 } from './decode.ts'
import { detectEncoding } from './detect-encoding.ts'
import { detectJson } from './detect-json.ts'
import { detectTable } from './detect-table.ts'
import type { RandomBytes } from './parquet-reader.ts'
import { recognise } from './signatures.ts'
import { openSourceFile } from './source-file.ts'
import type { SourceSniff } from './source-types.ts'
import { splitMessage, unreadable } from './unreadable.ts'

/** How much of a file, unpacked, is looked at. */
export const sniffBytes = 256 * 1024

/** What a sniff needs of a file. */
export interface SniffInput extends RandomBytes {
  chunks(): AsyncIterable<Buffer>
}

/** Looks at the bytes of a file to see what it is and how its rows stand in it; its name plays no part. */
export async function sniffSource(path: string): Promise<SourceSniff> {
  const file = await openSourceFile({ path })
  try {
    return await sniffInput(file)
  } finally {
    await file.close()
  }
}

/** The format for display and storage; null when the file cannot be read. */
export function formatOf({ format, compression, encoding, evidence, problem }: SourceSniff): SourceFormat | null {
  return problem === null ? { format, compression, encoding, evidence } : null
}

/** The same as `sniffSource` for bytes from anywhere. */
export async function sniffInput(input: SniffInput): Promise<SourceSniff> {
  const { sizeBytes } = input
  if (sizeBytes === 0) return unreadable(sizeBytes, { message: 'The file is empty.', suggestion: 'Choose another file.' })
  const head = await input.readAt(0, Math.min(sizeBytes, sniffBytes))
  const signature = recognise(head)
  switch (signature?.kind) {
    case 'unreadable':
      return unreadable(sizeBytes, signature.reason)
    case 'parquet':
      // What few files need is loaded when one comes.
      return (await import('./sniff-parquet.ts')).sniffParquet(input)
    case 'gzip':
    case 'zstd':
      return sniffCompressed(input, signature.kind)
    case undefined:
      return sniffText(head, { sizeBytes, compression: null, isWhole: head.length === sizeBytes })
    default:
      return unreadable(sizeBytes, { message: 'The file was not recognised.', suggestion: 'Save it as JSON Lines and import that.' })
  }
}

async function sniffCompressed(input: SniffInput, compression: 'gzip' | 'zstd'): Promise<SourceSniff> {
  const { sizeBytes } = input
  const { decompress } = await import('./decompress.ts')
  try {
    const parts: Buffer[] = []
    let bytes = 0
    for await (const chunk of decompress(input.chunks(), compression)) {
      parts.push(Buffer.from(chunk.subarray(0, sniffBytes - bytes)))
      bytes += chunk.length
      if (bytes > sniffBytes) break
    }
    const head = Buffer.concat(parts)
    const inside = recognise(head)
    if (inside !== null) {
      const what = inside.kind === 'unreadable' ? inside.reason.message : 'The file inside is compressed once more.'
      return unreadable(sizeBytes, {
        message: `The file is compressed, and what is inside is not text. ${what}`,
        suggestion: 'Unpack it and import the file inside.',
      })
    }
    if (head.length === 0)
      return unreadable(sizeBytes, { message: 'The compressed file holds nothing.', suggestion: 'Choose another file.' })
    return await sniffText(head, { sizeBytes, compression, isWhole: bytes <= sniffBytes })
  } catch (error) {
    if (!(error instanceof AppError) || error.retryable) throw error
    return unreadable(sizeBytes, splitMessage(error.message))
  }
}

interface TextFacts {
  readonly sizeBytes: number
  readonly compression: SourceFormat['compression']
  readonly isWhole: boolean
}

async function sniffText(head: Buffer, { sizeBytes, compression, isWhole }: TextFacts): Promise<SourceSniff> {
  const { encoding, evidence } = detectEncoding(head)
  const bytes = await decodeHead(head, encoding)
  if (isBinary(bytes)) {
    return unreadable(sizeBytes, {
      message: 'The file is not a text file.',
      suggestion: 'Conversations are needed as JSON Lines, JSON, CSV or Parquet.',
    })
  }
  const text = bytes.toString('utf8')
  if (text.trim() === '' && isWhole)
    return unreadable(sizeBytes, { message: 'The file holds only blank lines.', suggestion: 'Choose another file.' })
  const facts = [...(compression === null ? [] : [`The file is compressed (${compression}).`]), ...(evidence === null ? [] : [evidence])]
  const plain = { sizeBytes, compression, encoding, columns: null, table: null, list: null, isPlain: false, problem: null }
  const json = detectJson(text, isWhole)
  if (json?.format === null) return unreadable(sizeBytes, json.problem)
  if (json?.format === 'jsonl') {
    const isPlain = compression === null && encoding === 'utf-8'
    return { ...plain, format: 'jsonl', isPlain, evidence: [...json.evidence, ...facts] }
  }
  if (json !== null) return { ...plain, format: 'json_array', list: json.list, evidence: [...json.evidence, ...facts] }
  if (/^\s*</.test(text)) {
    return unreadable(sizeBytes, {
      message: 'The file is a web page or XML.',
      suggestion: 'Export the rows as JSON Lines or CSV and import that.',
    })
  }
  const table = detectTable(text, isWhole)
  if (table === null) {
    return unreadable(sizeBytes, {
      message: 'The file is plain text without rows or columns.',
      suggestion: 'Conversations are needed as JSON Lines, JSON, CSV or Parquet: one row per conversation.',
    })
  }
  if (table.records < 1)
    return unreadable(sizeBytes, { message: 'The table has column names but no rows.', suggestion: 'Choose a file that holds rows.' })
  const format = table.dialect.delimiter === 0x09 ? 'tsv' : 'csv'
  return { ...plain, format, columns: table.columns, table: table.dialect, evidence: [...table.evidence, ...facts] }
}

async function decodeHead(head: Buffer, encoding: SourceFormat['encoding']): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of decodeToUtf8(once(head), encoding, () => undefined)) parts.push(Buffer.from(part))
  return Buffer.concat(parts)
}

async function* once(chunk: Buffer): AsyncIterable<Buffer> {
  yield await Promise.resolve(chunk)
}

/** Control bytes that no text has: neither white space nor an escape nor the record separator. */
const controlBytes = Array.from({ length: 0x20 }, (_, byte) => byte).filter(
  (byte) => (byte < 0x08 || byte > 0x0d) && byte !== 0x1b && byte !== 0x1e,
)

/** Text has hardly any control characters besides tabs and line breaks. */
function isBinary(bytes: Buffer): boolean {
  const limit = Math.max(16, bytes.length * 0.02)
  let controls = 0
  for (const control of controlBytes) {
    for (let at = bytes.indexOf(control); at >= 0 && controls <= limit; at = bytes.indexOf(control, at + 1)) controls += 1
  }
  return controls > limit
}
