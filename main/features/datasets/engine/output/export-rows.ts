import type { ColumnMapping, ExportLayout } from '../../../../../preload/contract/datasets.ts'
import { rowShapes } from '../../../../../preload/contract/dataset-shapes.ts'
import type { RowContent } from '../row-model.ts'
import type { LayoutContext } from './layouts/layout-row.ts'
import { layoutOfShape } from './layouts/to-layout.ts'
import type { RefusalLog } from './refusals.ts'
import type { Window, WorkingFileReader } from './working-file-reader.ts'

/** What a row is at the time of the export. */
export type ExportRowState = 'source' | 'dropped' | { readonly text: string }

/** The columns of the check pass that an export needs. */
export interface ExportColumns {
  readonly rows: number
  readonly offset: Float64Array
  readonly length: Uint32Array
  readonly shape: Uint8Array
}

/** Which rows are exported and how they are read. */
export interface RowsToExport {
  readonly columns: ExportColumns
  readonly stateOf: (row: number) => ExportRowState
  readonly isIncluded: (row: number) => boolean
  /** 0 none, 1 train, 2 validation, 3 test; null when the rows are not divided. */
  readonly splitOf: Uint8Array | null
  readonly readContent: (bytes: Buffer) => { readonly value: unknown; readonly content: RowContent | null }
  readonly mapping: ColumnMapping | null
  readonly layout: ExportLayout
  readonly signal: AbortSignal
  /** Told how many rows have been passed. */
  readonly onProgress: (rowsDone: number) => void
}

/** Takes the rows in their order. */
export interface RowVisitor {
  /** A row that is in the layout already, still in the working file's bytes; null = convert every row. */
  readonly copy: ((split: number, window: Window, length: number) => Promise<void> | undefined) | null
  convert(row: number, split: number, content: RowContent, value: unknown, context: LayoutContext): Promise<void> | undefined
  /** Called before the bytes given to `copy` go away. */
  release(): Promise<void> | undefined
}

const rowsPerCheck = 1024
const markBytes = 3
const notDivided = 'The row is in none of the parts the dataset is divided into.'
const notReadable = 'The row cannot be read as a conversation, a preference pair or a text.'

/** Passes every row of the export to a visitor, or to the log of refusals. */
export async function visitRows(rows: RowsToExport, file: WorkingFileReader, visitor: RowVisitor, refusals: RefusalLog): Promise<void> {
  const { columns, splitOf, mapping } = rows
  const ownShapes = ownShapeFlags(rows.layout)
  const needsConversationsKey = rows.layout === 'sharegpt'
  for (let row = 0; row < columns.rows; row += 1) {
    if (row % rowsPerCheck === 0) {
      rows.signal.throwIfAborted()
      rows.onProgress(row)
    }
    if (!rows.isIncluded(row)) continue
    const state = rows.stateOf(row)
    if (state === 'dropped') continue
    const split = splitOf === null ? 0 : (splitOf[row] as number)
    if (splitOf !== null && split === 0) {
      refusals.add(row, notDivided)
      continue
    }
    let bytes: Buffer
    if (state === 'source') {
      const offset = columns.offset[row] as number
      let length = columns.length[row] as number
      let window = file.find(offset, length)
      if (window === null) {
        await visitor.release()
        window = await file.load(offset, length)
      }
      if (startsWithMark(window, length)) {
        window = { ...window, start: window.start + markBytes }
        length -= markBytes
      }
      bytes = window.bytes.subarray(window.start, window.start + length)
      if (
        visitor.copy !== null &&
        ownShapes[columns.shape[row] as number] === 1 &&
        (!needsConversationsKey || bytes.includes('"conversations"'))
      ) {
        const wait = visitor.copy(split, window, length)
        if (wait !== undefined) await wait
        continue
      }
    } else bytes = Buffer.from(state.text)
    const { value, content } = rows.readContent(bytes)
    if (content === null) {
      refusals.add(row, notReadable)
      continue
    }
    const text = state === 'source' ? () => bytes.toString('utf8') : () => state.text
    const wait = visitor.convert(row, split, content, value, { mapping, source: text })
    if (wait !== undefined) await wait
  }
  await visitor.release()
  rows.signal.throwIfAborted()
  rows.onProgress(columns.rows)
}

/** True when an invisible mark (BOM) stands before the row, as it may before the first one. */
function startsWithMark({ bytes, start }: Window, length: number): boolean {
  return length >= markBytes && bytes[start] === 0xef && bytes[start + 1] === 0xbb && bytes[start + 2] === 0xbf
}

/** 1 for each number in the shape column whose rows are in the layout already. */
function ownShapeFlags(layout: ExportLayout): Uint8Array {
  const flags = new Uint8Array(256)
  for (const [index, shape] of rowShapes.entries()) if (layoutOfShape(shape) === layout) flags[index + 1] = 1
  return flags
}
