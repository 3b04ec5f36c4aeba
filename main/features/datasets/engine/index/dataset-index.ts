import { z } from 'zod'
import type { ColumnMapping } from '../../../../../preload/contract/datasets.ts'
import { columnMappingSchema } from '../../../../../preload/contract/datasets.ts'
import { AppError } from '../../../../../preload/contract/errors.ts'
import { freeBuffer } from '../../../../lib/free-buffer.ts'
import {
  makeRowColumns,
  makeScanColumns,
  makeTokenColumns,
  rowColumnLayout,
  scanColumnLayout,
  tokenColumnLayout,
  unpackInto,
  type RowColumns,
  type ScanColumns,
  type TokenColumns,
} from '../columns.ts'
import { chooseRangeBytes, planRanges, type ByteRange } from '../pass/range-reader.ts'
import { joinTypeDrift, type TypeDriftFacts } from '../pass/type-drift.ts'
import type { WorkerPool } from '../pass/worker-pool.ts'
import type { PassKind } from '../pass/worker-protocol.ts'
import { compareFile, fileIdentitySchema, identifyFile, type FileIdentity } from './file-identity.ts'
import { openIndex, type IndexRepository } from './repository.ts'

/** How far a pass has come. */
export interface PassProgress {
  readonly doneBytes: number
  readonly totalBytes: number
  /** Bytes that were done before this start. */
  readonly resumedBytes: number
}

interface PassOptions {
  readonly pool: WorkerPool
  readonly signal: AbortSignal
  readonly onProgress: (progress: PassProgress) => void
}

/** What the check pass found, as one table. */
export interface CheckedRows {
  readonly columns: RowColumns
  readonly lines: number
  readonly blankLines: number
  /** Faults by rule number. */
  readonly ruleCounts: readonly number[]
  readonly types: TypeDriftFacts
}

/** The index of one working file: it knows which parts of which pass are done and does the rest. */
export interface DatasetIndex {
  readonly path: string
  readonly fileBytes: number
  readonly changedAtMs: number
  readonly ranges: readonly ByteRange[]
  readonly mapping: ColumnMapping | null
  isDone(pass: StoredPass): boolean
  run(pass: StoredPass, options: PassOptions): Promise<void>
  /** Number of the first row of each range; call it when the check is done. */
  firstRows(): number[]
  /** All finished ranges of the check; call it when the check is done. */
  loadRows(): CheckedRows
  loadTokens(pass: StoredPass, rows: number): TokenColumns
  loadScan(rows: number): ScanColumns
  readFact(name: string): unknown
  writeFact(name: string, value: unknown): void
  close(): void
}

/** A pass whose results are kept; `name` says what they depend on. */
export interface StoredPass {
  readonly name: string
  readonly kind: PassKind
  readonly priority: number
}

/** The check of every row. */
export const checkPass: StoredPass = { name: 'check', kind: { kind: 'check' }, priority: 3 }
/** Privacy, quality and normalised hashes. */
export const scanPass: StoredPass = { name: 'scan', kind: { kind: 'scan' }, priority: 1 }

/** Raised whenever the columns or the rules change, so that old indexes are made anew. */
const indexVersion = 2

const headSchema = z.object({
  version: z.literal(indexVersion),
  file: fileIdentitySchema,
  mapping: columnMappingSchema.nullable(),
  rangeBytes: z.int().positive(),
})

const checkFactsSchema = z.object({
  rows: z.int(),
  lines: z.int(),
  blankLines: z.int(),
  ruleCounts: z.array(z.int()),
  types: z.record(
    z.string(),
    z.partialRecord(z.enum(['string', 'number', 'boolean', 'array', 'object']), z.object({ rows: z.int(), firstRow: z.int() })),
  ),
})

/** Opens the index of a file; what was indexed of the same bytes before is kept, a file that only grew included. */
export async function openDatasetIndex(options: {
  readonly path: string
  readonly indexPath: string
  readonly mapping: ColumnMapping | null
  /** The file is the app's own copy, which nobody else may change. */
  readonly isOwnCopy: boolean
  readonly rangeBytes?: number
  readonly nativeBinding?: string | undefined
}): Promise<DatasetIndex> {
  const index = openIndex(options.indexPath, options.nativeBinding)
  try {
    const { file, rangeBytes } = await prepare(index, options)
    return createDatasetIndex(options.path, index, file, rangeBytes, options.mapping)
  } catch (error) {
    index.close()
    throw error
  }
}

async function prepare(
  index: IndexRepository,
  options: { path: string; mapping: ColumnMapping | null; isOwnCopy: boolean; rangeBytes?: number },
): Promise<{ file: FileIdentity; rangeBytes: number }> {
  const known = headSchema.safeParse(index.readFact('head'))
  const head = known.success ? known.data : null
  const file = await identifyFile(options.path)
  const isReusable =
    head !== null &&
    JSON.stringify(head.mapping) === JSON.stringify(options.mapping) &&
    (options.rangeBytes === undefined || options.rangeBytes === head.rangeBytes)
  const found = head === null ? 'changed' : await compareFile(options.path, head.file)
  if (head !== null && options.isOwnCopy && (found === 'changed' || found === 'grown')) throw tampered()
  // Copying a profile to another disk gives its files new times.
  const relation = !isReusable || (found === 'touched' && !options.isOwnCopy) ? 'changed' : found
  if (!isReusable || relation === 'changed') index.clear()
  // The last line of the shorter file may have been continued: everything from its last range on is done again.
  else if (relation === 'grown') {
    const firstOpen = Math.max(0, Math.ceil(head.file.bytes / head.rangeBytes) - 1)
    for (const pass of index.listPasses()) index.removePass(pass, firstOpen)
  }
  const rangeBytes = isReusable && relation !== 'changed' ? head.rangeBytes : (options.rangeBytes ?? chooseRangeBytes(file.bytes))
  index.writeFact('head', { version: indexVersion, file, mapping: options.mapping, rangeBytes })
  return { file, rangeBytes }
}

function tampered(): AppError {
  return new AppError('DATASET_FILE_UNREADABLE', 'The stored copy of the file was changed on the disk. Import the file again.')
}

function createDatasetIndex(
  path: string,
  index: IndexRepository,
  file: FileIdentity,
  rangeBytes: number,
  mapping: ColumnMapping | null,
): DatasetIndex {
  const ranges = planRanges(file.bytes, rangeBytes)
  const bytesOf = (range: ByteRange) => range.to - range.from

  return {
    path,
    fileBytes: file.bytes,
    changedAtMs: file.changedAtMs,
    ranges,
    mapping,
    isDone: (pass) => index.listDone(pass.name).length === ranges.length,
    async run(pass, { pool, signal, onProgress }) {
      const done = new Set(index.listDone(pass.name))
      const missing = ranges.filter((range) => !done.has(range.number))
      const resumedBytes = file.bytes - missing.reduce((sum, range) => sum + bytesOf(range), 0)
      let doneBytes = resumedBytes
      onProgress({ doneBytes, totalBytes: file.bytes, resumedBytes })
      await pool.run({
        job: { path, fileBytes: file.bytes, changedAtMs: file.changedAtMs, mapping, pass: pass.kind },
        ranges: missing,
        priority: pass.priority,
        signal,
        onRange(range, { facts, columns }) {
          index.storeRange(pass.name, { number: range.number, facts, columns: new Uint8Array(columns) })
          // Few objects are made meanwhile, so the collector would let many of these gather.
          freeBuffer(columns)
          doneBytes += bytesOf(range)
          onProgress({ doneBytes, totalBytes: file.bytes, resumedBytes })
        },
      })
    },
    firstRows() {
      const starts: number[] = []
      let row = 0
      for (const { number, facts } of index.listFacts(checkPass.name)) {
        starts[number] = row
        row += checkFactsSchema.parse(facts).rows
      }
      return starts
    },
    loadRows: () => loadRows(index, ranges),
    loadTokens(pass, rows) {
      const columns = makeTokenColumns(rows)
      load(index, pass.name, tokenColumnLayout, columns)
      return columns
    },
    loadScan(rows) {
      const columns = makeScanColumns(rows)
      load(index, scanPass.name, scanColumnLayout, columns)
      return columns
    },
    readFact: (name) => index.readFact(name),
    writeFact: (name, value) => index.writeFact(name, value),
    close: () => index.close(),
  }
}

function load<Name extends string>(
  index: IndexRepository,
  pass: string,
  layout: Parameters<typeof unpackInto<Name>>[0],
  columns: Parameters<typeof unpackInto<Name>>[2],
): void {
  const scratch = { buffer: new ArrayBuffer(0) }
  let row = 0
  for (const range of index.listRanges(pass)) {
    row += unpackInto(layout, range.columns, columns, row, scratch)
    freeBuffer(range.columns.buffer)
  }
}

function loadRows(index: IndexRepository, ranges: readonly ByteRange[]): CheckedRows {
  let rows = 0
  for (const { facts } of index.listFacts(checkPass.name)) rows += checkFactsSchema.parse(facts).rows
  const columns = makeRowColumns(rows)
  const ruleCounts = Array.from({ length: 64 }, () => 0)
  const types: { facts: TypeDriftFacts; rowsBefore: number }[] = []
  const scratch = { buffer: new ArrayBuffer(0) }
  let row = 0
  let lines = 0
  let blankLines = 0
  for (const range of index.listRanges(checkPass.name)) {
    const facts = checkFactsSchema.parse(range.facts)
    unpackInto(rowColumnLayout, range.columns, columns, row, scratch)
    freeBuffer(range.columns.buffer)
    const from = ranges[range.number]?.from ?? 0
    for (let at = row; at < row + facts.rows; at += 1) {
      columns.offset[at] = (columns.offset[at] ?? 0) + from
      columns.line[at] = (columns.line[at] ?? 0) + lines + 1
    }
    facts.ruleCounts.forEach((count, rule) => (ruleCounts[rule] = (ruleCounts[rule] ?? 0) + count))
    types.push({ facts: facts.types, rowsBefore: row })
    row += facts.rows
    lines += facts.lines
    blankLines += facts.blankLines
  }
  return { columns: { rows, ...columns }, lines, blankLines, ruleCounts, types: joinTypeDrift(types) }
}
