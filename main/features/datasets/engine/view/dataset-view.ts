import { isUtf8 } from 'node:buffer'
import type { DatasetStats, DatasetTokens } from '../../../../../preload/contract/datasets.ts'
import type { ScanColumns, TokenColumns } from '../columns.ts'
import { createOverlay, type Overlay, type RowChange } from '../edits/overlay.ts'
import type { RowEdit } from '../edits/stored-edit.ts'
import type { RowScanner } from '../hygiene/row-scanner.ts'
import type { CheckedRows } from '../index/dataset-index.ts'
import type { HashBytes } from '../pass/check-range.ts'
import type { RowContent, RowReader, RowReading, RowTokens } from '../row-model.ts'
import { errorRulesHigh, errorRulesLow } from '../rows/rules.ts'
import type { RowTable } from './filter-rows.ts'
import { writeReading, writeScan } from './row-facts.ts'
import type { RowSource } from './row-source.ts'
import { raiseSetRules, type SetFindings } from './set-rules.ts'
import { statsOf, sumTokens } from './stats.ts'

/** A dataset as the edits in force leave it: columns, texts and figures. */
export interface DatasetView {
  readonly table: RowTable
  readonly overlay: Overlay
  readonly checked: CheckedRows
  /** Faults by rule number, of the rows that are not dropped, without the set-level rules. */
  readonly ruleCounts: readonly number[]
  /** Faults of the set; made anew after every change. */
  setFindings(): SetFindings
  isUsable(row: number): boolean
  /** The row as it would be exported now, dropped or not. */
  textOf(row: number): string
  bytesOf(row: number): Buffer
  /** The row's text in the file, without edits. */
  sourceTextOf(row: number): string
  /** Reads any bytes as a row of this dataset; the reading is re-used by the next call. */
  readBytes(bytes: Buffer): RowReading
  /** The reading is re-used by the next call. */
  read(row: number): RowReading
  plan(edit: RowEdit, limit?: number): RowChange[]
  apply(changes: readonly RowChange[]): void
  takeBack(changes: readonly RowChange[]): void
  /** Takes in the columns of a finished pass; edited rows are counted anew. */
  setTokens(columns: TokenColumns | null, counter: RowTokens | null): void
  setScan(columns: ScanColumns | null, scanner: RowScanner | null): void
  /** Number of the near-duplicate group of each row plus one; 0 = none. */
  setNearGroups(groupOf: Uint32Array | null): void
  setSplit(splitOf: Uint8Array | null): void
  stats(): DatasetStats
  tokenSums(): Omit<DatasetTokens, 'modelId' | 'modelName'> | null
  close(): void
}

interface ViewDependencies {
  readonly checked: CheckedRows
  readonly source: RowSource
  readonly reader: RowReader
  readonly hash: HashBytes
  readonly fix: (bytes: Buffer, rule: string) => string | null
  readonly redact: (text: string, flags: readonly string[]) => string | null
}

/** Creates the view of a checked file without edits. */
export function createDatasetView({ checked, source, reader, hash, fix, redact }: ViewDependencies): DatasetView {
  const { columns } = checked
  const dropped = new Uint8Array(columns.rows)
  const edited = new Uint8Array(columns.rows)
  const ruleCounts = [...checked.ruleCounts]
  let tokens: TokenColumns | null = null
  let counter: RowTokens | null = null
  let scan: ScanColumns | null = null
  let scanner: RowScanner | null = null
  let split: Uint8Array | null = null
  let nearGroupOf: Uint32Array | null = null
  let findings: SetFindings | null = null
  let table: RowTable = { columns, tokens, scan, dropped, edited, split }

  const bytesOf = (row: number) => {
    const { text } = overlay.stateOf(row)
    return text === null ? source.readBytes(row) : Buffer.from(text)
  }
  const textOf = (row: number) => overlay.stateOf(row).text ?? decodeRow(source.readBytes(row))
  const overlay = createOverlay({ readText: textOf, readBytes: bytesOf, fix, redact })
  const isUsable = (row: number) =>
    dropped[row] === 0 &&
    ((columns.rulesLow[row] as number) & errorRulesLow) === 0 &&
    ((columns.rulesHigh[row] as number) & errorRulesHigh) === 0

  const findInSet = (): SetFindings => (findings ??= raiseSetRules({ table, checked, nearGroupOf, isUsable }))
  const changed = () => {
    table = { columns, tokens, scan, dropped, edited, split }
    findings = null
    // The bits must be in the columns before anybody filters by them.
    findInSet()
  }
  const countFaults = (row: number, sign: 1 | -1) => {
    if (dropped[row] === 1) return
    for (const { rule } of reader.read(bytesOf(row)).faults) ruleCounts[rule] = (ruleCounts[rule] ?? 0) + sign
  }
  const measureContent = (row: number, content: RowContent | null) => {
    if (tokens !== null && counter !== null) {
      const counted = content === null ? null : counter.count(content)
      tokens.total[row] = counted?.total ?? 0
      tokens.trained[row] = counted?.trained ?? 0
    }
    if (scan !== null && scanner !== null) writeScan(scan, row, content === null ? null : scanner.scan(content))
  }
  const change = (changes: readonly RowChange[], isTakingBack: boolean) => {
    for (const { row } of changes) if (hasRules(row)) countFaults(row, -1)
    if (isTakingBack) overlay.takeBack(changes)
    else overlay.apply(changes)
    for (const { row, before, after } of changes) {
      const state = overlay.stateOf(row)
      dropped[row] = state.isDropped ? 1 : 0
      edited[row] = state.text === null ? 0 : 1
      if (before.text === after.text) continue
      const bytes = bytesOf(row)
      const reading = reader.read(bytes)
      writeReading(columns, row, reading, bytes, hash)
      measureContent(row, reading.content)
    }
    for (const { row } of changes) if (hasRules(row)) countFaults(row, 1)
    changed()
  }
  const hasRules = (row: number) => columns.rulesLow[row] !== 0 || columns.rulesHigh[row] !== 0
  const measureEdited = () => {
    for (const [row, state] of overlay.states) if (state.text !== null) measureContent(row, reader.read(bytesOf(row)).content)
  }

  changed()
  return {
    get table() {
      return table
    },
    overlay,
    checked,
    ruleCounts,
    setFindings: findInSet,
    isUsable,
    textOf,
    bytesOf,
    sourceTextOf: (row) => decodeRow(source.readBytes(row)),
    readBytes: (bytes) => reader.read(bytes),
    read: (row) => reader.read(bytesOf(row)),
    plan: (edit, limit) => overlay.plan(edit, limit),
    apply: (changes) => change(changes, false),
    takeBack: (changes) => change(changes, true),
    setTokens(nextTokens, nextCounter) {
      tokens = nextTokens
      counter = nextCounter
      measureEdited()
      changed()
    },
    setScan(nextScan, nextScanner) {
      scan = nextScan
      scanner = nextScanner
      measureEdited()
      changed()
    },
    setNearGroups(groupOf) {
      nearGroupOf = groupOf
      changed()
    },
    setSplit(splitOf) {
      split = splitOf
      changed()
    },
    stats: () => statsOf({ table, checked, ruleCounts, setFindings: findInSet(), isUsable }),
    tokenSums: () => (tokens === null ? null : sumTokens(tokens, isUsable)),
    close: () => source.close(),
  }
}

/** Text that is not UTF-8 is shown as Windows-1252, which is what such files nearly always are. */
function decodeRow(bytes: Buffer): string {
  return isUtf8(bytes) ? bytes.toString('utf8') : new TextDecoder('windows-1252').decode(bytes)
}
