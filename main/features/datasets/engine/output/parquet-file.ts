import { ByteWriter, ParquetWriter } from 'hyparquet-writer'
import type { DataFile } from './data-file.ts'
import type { ParquetRow } from './layouts/parquet-messages.ts'

/** Optional parts that at least one row has; the others get no column, because some chat templates trip over empty ones. */
export type ParquetPart = 'name' | 'reasoning_content' | 'tool_calls' | 'tool_call_id' | 'weight' | 'extra' | 'tools' | 'rowExtra'

/** Rows are held back until a group is this long. */
const groupCharacters = 2 * 1024 * 1024
const groupRows = 20_000

type Schema = ConstructorParameters<typeof ParquetWriter>[0]['schema']

/** Writes rows as Parquet, one bounded group of rows after another. */
export interface ParquetFile {
  addRow(row: ParquetRow): Promise<void> | undefined
  /** Writes the last group and the description of the file; the data file is not finished by it. */
  finish(): Promise<void>
}

/** Starts a Parquet file with the columns that the rows need. */
export function createParquetFile(file: DataFile, parts: ReadonlySet<ParquetPart>, createdBy: string): ParquetFile {
  const bytes = new ByteWriter()
  const parquet = new ParquetWriter({ writer: bytes, schema: schemaOf(parts), createdBy, statistics: false })
  let rows: ParquetRow[] = []
  let characters = 0

  const drain = async (added: number): Promise<void> => {
    const piece = Buffer.from(bytes.buffer, 0, bytes.index)
    bytes.index = 0
    await file.addBytes(piece, 0, piece.length, added)
  }
  const writeGroup = async (): Promise<void> => {
    const group = rows
    rows = []
    characters = 0
    const columnData = [{ name: 'messages', data: group.map((row) => row.messages), offsetIndex: false }]
    const addTexts = (name: string, data: (string | undefined)[]) => columnData.push({ name, data: data as never, offsetIndex: false })
    if (parts.has('tools'))
      addTexts(
        'tools',
        group.map((row) => row.tools),
      )
    if (parts.has('rowExtra'))
      addTexts(
        'extra',
        group.map((row) => row.extra),
      )
    await parquet.write({ columnData, rowGroupSize: group.length })
    await drain(group.length)
  }
  return {
    addRow(row) {
      rows.push(row)
      for (const message of row.messages) characters += message.content.length + (message.reasoning_content?.length ?? 0)
      return characters >= groupCharacters || rows.length >= groupRows ? writeGroup() : undefined
    },
    async finish() {
      if (rows.length > 0) await writeGroup()
      await parquet.finish()
      await drain(0)
    },
  }
}

/** Adds the optional parts of a row to those seen so far. */
export function noteParts(row: ParquetRow, parts: Set<ParquetPart>): void {
  if (row.tools !== undefined) parts.add('tools')
  if (row.extra !== undefined) parts.add('rowExtra')
  for (const message of row.messages) {
    for (const key of optionalMessageParts) if (message[key] !== undefined) parts.add(key)
  }
}

const optionalMessageParts = ['name', 'reasoning_content', 'tool_calls', 'tool_call_id', 'weight', 'extra'] as const

/** A list of structures as pyarrow writes it: three levels, everything optional. */
function schemaOf(parts: ReadonlySet<ParquetPart>): Schema {
  const present = optionalMessageParts.filter((part) => parts.has(part))
  const columns: Schema[] = [list('messages', struct('element', [text('role'), text('content'), ...present.map(messageColumn)]))]
  if (parts.has('tools')) columns.push(text('tools'))
  if (parts.has('rowExtra')) columns.push(text('extra'))
  return [{ name: 'schema', num_children: columns.length }, ...columns.flat()]
}

function messageColumn(part: (typeof optionalMessageParts)[number]): Schema {
  if (part === 'weight') return [{ name: part, type: 'INT32', repetition_type: 'OPTIONAL' }]
  if (part !== 'tool_calls') return text(part)
  return list(part, struct('element', [text('id'), text('type'), struct('function', [text('name'), text('arguments')])]))
}

function text(name: string): Schema {
  return [{ name, type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' }, repetition_type: 'OPTIONAL' }]
}

function struct(name: string, columns: readonly Schema[]): Schema {
  return [{ name, repetition_type: 'OPTIONAL', num_children: columns.length }, ...columns.flat()]
}

function list(name: string, element: Schema): Schema {
  return [
    { name, repetition_type: 'OPTIONAL', num_children: 1, converted_type: 'LIST', logical_type: { type: 'LIST' } },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    ...element,
  ]
}
