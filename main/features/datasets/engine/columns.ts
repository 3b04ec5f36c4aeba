/** Columns that the check pass fills, one entry per row. */
export interface RowColumns {
  readonly rows: number
  /** First byte of the row in the working file. */
  readonly offset: Float64Array
  /** Bytes without the line break. */
  readonly length: Uint32Array
  /** 1-based line in the working file. */
  readonly line: Uint32Array
  /** Number of the shape in `rowShapes` plus one; 0 = none. */
  readonly shape: Uint8Array
  readonly turns: Uint16Array
  readonly assistantTurns: Uint16Array
  readonly characters: Uint32Array
  readonly assistantCharacters: Uint32Array
  readonly rulesLow: Uint32Array
  readonly rulesHigh: Uint32Array
  /** xxHash64 of the row's bytes, low and high word. */
  readonly hashLow: Uint32Array
  readonly hashHigh: Uint32Array
}

/** Columns that the token pass fills; 0 for unusable rows. */
export interface TokenColumns {
  readonly total: Uint32Array
  readonly trained: Uint32Array
}

/** Columns that the scan pass fills. */
export interface ScanColumns {
  /** Bits of the flag table. */
  readonly flags: Uint32Array
  /** Number of the main writing system in the script table. */
  readonly script: Uint8Array
  /** 64-bit hash of the normalised conversation (case and white space folded). */
  readonly contentLow: Uint32Array
  readonly contentHigh: Uint32Array
  /** 64-bit hash of everything before the last assistant turn. */
  readonly promptLow: Uint32Array
  readonly promptHigh: Uint32Array
  /** Hash of the first system turn (case and white space folded); 0 = none. */
  readonly system: Uint32Array
  /** Hash of the last answer where it is as short as a label; 0 = longer, or none. */
  readonly label: Uint32Array
}

type TypedArray = Float64Array | Uint32Array | Uint16Array | Uint8Array
interface ColumnType {
  readonly bytes: 1 | 2 | 4 | 8
  make(length: number): TypedArray
  view(buffer: ArrayBuffer, at: number, length: number): TypedArray
}

const float64: ColumnType = {
  bytes: 8,
  make: (length) => new Float64Array(length),
  view: (buffer, at, length) => new Float64Array(buffer, at, length),
}
const uint32: ColumnType = {
  bytes: 4,
  make: (length) => new Uint32Array(length),
  view: (buffer, at, length) => new Uint32Array(buffer, at, length),
}
const uint16: ColumnType = {
  bytes: 2,
  make: (length) => new Uint16Array(length),
  view: (buffer, at, length) => new Uint16Array(buffer, at, length),
}
const uint8: ColumnType = {
  bytes: 1,
  make: (length) => new Uint8Array(length),
  view: (buffer, at, length) => new Uint8Array(buffer, at, length),
}

/** Names and types of a pass's columns, widest first so that every packed column is aligned. */
export type ColumnLayout<Name extends string> = Readonly<Record<Name, ColumnType>>

export const rowColumnLayout = {
  offset: float64,
  length: uint32,
  line: uint32,
  characters: uint32,
  assistantCharacters: uint32,
  rulesLow: uint32,
  rulesHigh: uint32,
  hashLow: uint32,
  hashHigh: uint32,
  turns: uint16,
  assistantTurns: uint16,
  shape: uint8,
} satisfies ColumnLayout<Exclude<keyof RowColumns, 'rows'>>

export const tokenColumnLayout = { total: uint32, trained: uint32 } satisfies ColumnLayout<keyof TokenColumns>

export const scanColumnLayout = {
  contentLow: uint32,
  contentHigh: uint32,
  promptLow: uint32,
  promptHigh: uint32,
  flags: uint32,
  system: uint32,
  label: uint32,
  script: uint8,
} satisfies ColumnLayout<keyof ScanColumns>

function makeColumns<Name extends string>(layout: ColumnLayout<Name>, rows: number): Record<Name, TypedArray> {
  const columns: Partial<Record<Name, TypedArray>> = {}
  for (const name of namesOf(layout)) columns[name] = layout[name].make(rows)
  return columns as Record<Name, TypedArray>
}

/** Copies the first `rows` entries of every column into one buffer, column after column. */
export function packColumns<Name extends string>(
  layout: ColumnLayout<Name>,
  columns: Readonly<Record<Name, TypedArray>>,
  rows: number,
): ArrayBuffer {
  const packed = new ArrayBuffer(bytesPerRow(layout) * rows)
  let at = 0
  for (const name of namesOf(layout)) {
    const type = layout[name]
    type.view(packed, at, rows).set(columns[name].subarray(0, rows))
    at += type.bytes * rows
  }
  return packed
}

/** Memory that is re-used from one piece of packed columns to the next. */
export interface ColumnScratch {
  buffer: ArrayBuffer
}

/** Puts packed columns at a row of larger columns and answers how many rows they are; the buffer may stand anywhere in memory. */
export function unpackInto<Name extends string>(
  layout: ColumnLayout<Name>,
  packed: Uint8Array,
  columns: Readonly<Record<Name, TypedArray>>,
  firstRow: number,
  scratch: ColumnScratch,
): number {
  const rows = packed.byteLength / bytesPerRow(layout)
  if (scratch.buffer.byteLength < packed.byteLength) scratch.buffer = new ArrayBuffer(packed.byteLength * 2)
  const { buffer } = scratch
  new Uint8Array(buffer).set(packed)
  let at = 0
  for (const name of namesOf(layout)) {
    const type = layout[name]
    columns[name].set(type.view(buffer, at, rows), firstRow)
    at += type.bytes * rows
  }
  return rows
}

/** Bytes that one row takes in packed columns. */
export function bytesPerRow(layout: ColumnLayout<string>): number {
  return Object.values(layout).reduce((sum, type) => sum + type.bytes, 0)
}

function namesOf<Name extends string>(layout: ColumnLayout<Name>): Name[] {
  return Object.keys(layout) as Name[]
}

/** Columns of the check pass for so many rows; the layout above holds the same types as the interface. */
export function makeRowColumns(rows: number): Omit<RowColumns, 'rows'> {
  return makeColumns(rowColumnLayout, rows) as unknown as Omit<RowColumns, 'rows'>
}

/** Columns of the token pass for so many rows. */
export function makeTokenColumns(rows: number): TokenColumns {
  return makeColumns(tokenColumnLayout, rows) as unknown as TokenColumns
}

/** Columns of the scan pass for so many rows. */
export function makeScanColumns(rows: number): ScanColumns {
  return makeColumns(scanColumnLayout, rows) as unknown as ScanColumns
}
