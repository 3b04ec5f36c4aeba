import { parquetMetadataAsync, parquetSchema } from 'hyparquet'
import { assembleNested } from 'hyparquet/src/assemble.js'
import { DEFAULT_PARSERS } from 'hyparquet/src/convert.js'
import { getTreePath } from 'hyparquet/src/schema.js'
import { flatten } from 'hyparquet/src/utils.js'
import { compressors } from 'hyparquet-compressors'
import { AppError } from '../../../../../preload/contract/errors.ts'
import { readColumnPages, type ColumnValues } from './parquet-pages.ts'
import { createFinisher, createParsers, stripElement, type Finisher, type SchemaElement } from './parquet-values.ts'
import type { RowWriter } from './row-writer.ts'
import { codeOf } from './source-file.ts'
import { createFrameGuard } from './zstd-frames.ts'

const unpackZstd = compressors.ZSTD
const guardedCompressors: typeof compressors = {
  ...compressors,
  ...(unpackZstd === undefined
    ? {}
    : {
        ZSTD(page: Uint8Array, bytes: number) {
          createFrameGuard().push(Buffer.from(page.buffer, page.byteOffset, page.byteLength))
          return unpackZstd(page, bytes)
        },
      }),
}

/** Bytes that can be read anywhere. */
export interface RandomBytes {
  readonly sizeBytes: number
  readAt(position: number, bytes: number): Promise<Buffer>
}

/** The footer of a Parquet file. */
export type ParquetFooter = Awaited<ReturnType<typeof parquetMetadataAsync>>
type RowGroup = ParquetFooter['row_groups'][number]
type SchemaTree = ReturnType<typeof parquetSchema>

const maxChunkBytes = 1024 ** 3
const maxGroupRows = 50_000_000

/** Reads the footer of a Parquet file; damage becomes a sentence for the user. */
export async function readParquetFooter(bytes: RandomBytes): Promise<ParquetFooter> {
  return explainDamage(async () => {
    const footer = await parquetMetadataAsync(asyncBufferOf(bytes), { geoparquet: false })
    const names: unknown[] = footer.schema.map(({ name }) => name)
    if (names.some((name) => typeof name !== 'string')) throw new Error('column without a name')
    // Fails on a tree that is not whole.
    parquetSchema(footer)
    return footer
  })
}

/** Names of the columns of a table. */
export function parquetColumns(footer: ParquetFooter): string[] {
  return parquetSchema(footer).children.map((child) => child.element.name)
}

interface ParquetRowsOptions {
  readonly bytes: RandomBytes
  readonly footer: ParquetFooter
  readonly writer: RowWriter
  /** Called whenever the writer is full; answers false to stop. */
  readonly drain: () => Promise<boolean>
  readonly breathe: () => Promise<void>
  readonly onGroup: (share: number) => void
}

/** Writes every row of a Parquet file as JSON, one row group after another. */
export async function readParquetRows(options: ParquetRowsOptions): Promise<void> {
  const { footer, writer, drain, onGroup } = options
  await explainDamage(async () => {
    const groupReader = createGroupReader(options)
    let row = 0
    for (const [index, group] of footer.row_groups.entries()) {
      const rows = Number(group.num_rows)
      if (!(rows >= 0 && rows <= maxGroupRows)) throw new Error('number of rows out of range')
      const columns = await groupReader.read(group, rows, row + 1)
      for (let at = 0; at < rows; at += 1) {
        writer.begin(row + 1)
        writer.addText(rowText(columns))
        writer.end()
        row += 1
        if (writer.isFull && !(await drain())) return
      }
      onGroup((index + 1) / footer.row_groups.length)
    }
  })
}

/** One column of a row group, read from its first row to its last. */
interface Column {
  /** What stands before the value in a row, such as `,"name":`. */
  readonly prefix: string
  next(): unknown
}

/** One object per row is put together as text, which is several times faster than making the object first. */
function rowText(columns: readonly Column[]): string {
  let text = '{'
  for (const { prefix, next } of columns) {
    const value = next()
    text += prefix
    text += typeof value === 'number' || typeof value === 'boolean' ? String(value) : JSON.stringify(value)
  }
  return `${text}}`
}

function createGroupReader({ bytes, footer, writer, breathe }: ParquetRowsOptions) {
  let line = 1
  const onProblem = (kind: Parameters<RowWriter['problem']>[1]) => writer.problem(line, kind)
  const parsers = { ...DEFAULT_PARSERS, ...createParsers(onProblem) }
  const finishers = new Map<string, Finisher>()
  const original = parquetSchema(footer)
  const tree = parquetSchema({ schema: footer.schema.map(stripElement) })

  const finisherOf = (path: readonly string[], element: SchemaElement): Finisher => {
    const key = path.join('\0')
    const known = finishers.get(key) ?? createFinisher(element, onProblem)
    finishers.set(key, known)
    return known
  }
  const readChunk = async (chunk: RowGroup['columns'][number], rows: number): Promise<ColumnValues[]> => {
    const meta = chunk.meta_data
    if (meta === undefined || chunk.file_path !== undefined) throw new Error('columns in other files')
    const start = Number(meta.dictionary_page_offset || meta.data_page_offset)
    const length = Number(meta.total_compressed_size)
    if (!(start >= 4 && length >= 0 && start + length <= bytes.sizeBytes)) throw new Error('column out of range')
    if (length > maxChunkBytes) throw new Error('row groups of more than 1 GB per column')
    const schemaPath = getTreePath(tree, meta.path_in_schema)
    const element = schemaPath.at(-1)?.element
    const originalElement = getTreePath(original, meta.path_in_schema).at(-1)?.element
    if (element === undefined || originalElement === undefined) throw new Error('column without a schema')
    return readColumnPages({
      bytes: arrayBufferOf(await bytes.readAt(start, length)),
      rows,
      values: Number(meta.num_values),
      decoder: { ...meta, pathInSchema: meta.path_in_schema, element, schemaPath, compressors: guardedCompressors, parsers, utf8: false },
      finish: finisherOf(meta.path_in_schema, originalElement),
      breathe,
    })
  }
  const readNested = async (node: SchemaTree, chunks: RowGroup['columns'], rows: number): Promise<ColumnValues[]> => {
    const parts = new Map<string, ColumnValues>()
    for (const chunk of chunks) parts.set(chunk.meta_data?.path_in_schema.join('.') ?? '', flatten(await readChunk(chunk, rows)))
    await breathe()
    assembleNested(parts, node, parsers)
    return [parts.get(node.path.join('.')) ?? []]
  }
  return {
    async read(group: RowGroup, rows: number, firstLine: number): Promise<Column[]> {
      line = firstLine
      const columns: Column[] = []
      for (const node of tree.children) {
        const { name } = node.element
        const chunks = group.columns.filter((chunk) => chunk.meta_data?.path_in_schema[0] === name)
        const [chunk] = chunks
        if (chunk === undefined) continue
        const pages = node.children.length > 0 ? await readNested(node, chunks, rows) : await readChunk(chunk, rows)
        if (pages.reduce((sum, page) => sum + page.length, 0) < rows) throw new Error(`column ${name} has too few rows`)
        columns.push({ prefix: `${columns.length === 0 ? '' : ','}${JSON.stringify(name)}:`, next: walk(pages) })
      }
      return columns
    },
  }
}

function walk(pages: readonly ColumnValues[]): () => unknown {
  let page = 0
  let at = 0
  let current: ColumnValues = pages[0] ?? []
  return () => {
    while (at >= current.length && page < pages.length) {
      page += 1
      at = 0
      current = pages[page] ?? []
    }
    const value: unknown = current[at]
    at += 1
    return value ?? null
  }
}

function asyncBufferOf(bytes: RandomBytes) {
  return {
    byteLength: bytes.sizeBytes,
    async slice(start: number, end = bytes.sizeBytes): Promise<ArrayBuffer> {
      return arrayBufferOf(await bytes.readAt(start, end - start))
    },
  }
}

/** The bytes alone, aligned; a buffer of its own is not copied. */
function arrayBufferOf(bytes: Buffer): ArrayBuffer {
  const { buffer, byteOffset, byteLength } = bytes
  if (buffer instanceof ArrayBuffer && byteOffset === 0 && buffer.byteLength === byteLength) return buffer
  const copy = new ArrayBuffer(byteLength)
  new Uint8Array(copy).set(bytes)
  return copy
}

async function explainDamage<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    if (!(error instanceof Error) || error instanceof AppError || error.name === 'AbortError' || codeOf(error) !== null) throw error
    const detail = error.message.replace(/^parquet /, '')
    throw new AppError(
      'DATASET_FILE_UNREADABLE',
      `The Parquet file is damaged or uses a feature that cannot be read here (${detail}). Download it again, or save it as JSON Lines and import that.`,
      { cause: error },
    )
  }
}
