import type { DatasetShape, RowShape } from '../../../../../preload/contract/datasets.ts'
import { rowShapes } from '../../../../../preload/contract/dataset-shapes.ts'
import type { RowColumns, ScanColumns } from '../columns.ts'
import type { HashBytes } from '../pass/check-range.ts'
import type { RowReading } from '../row-model.ts'

const shapeNumbers = new Map<RowShape, number>(rowShapes.map((shape, index) => [shape, index + 1]))
const maxTurns = 0xffff

/** The number that stands for a shape in the columns; 0 for none. */
export function numberOfShape(shape: RowShape | null): number {
  return shape === null ? 0 : (shapeNumbers.get(shape) ?? 0)
}

/** The shape behind its number. */
export function shapeOfNumber(number: number): RowShape | null {
  return rowShapes[number - 1] ?? null
}

/** Writes what was read of a row into its columns. */
export function writeReading(columns: Omit<RowColumns, 'rows'>, row: number, reading: RowReading, bytes: Buffer, hash: HashBytes): void {
  columns.shape[row] = numberOfShape(reading.shape)
  columns.turns[row] = Math.min(reading.turns, maxTurns)
  columns.assistantTurns[row] = Math.min(reading.assistantTurns, maxTurns)
  columns.characters[row] = reading.characters
  columns.assistantCharacters[row] = reading.assistantCharacters
  columns.rulesLow[row] = reading.rulesLow
  columns.rulesHigh[row] = reading.rulesHigh
  const bits = hash(bytes)
  columns.hashLow[row] = Number(bits & 0xffffffffn)
  columns.hashHigh[row] = Number(bits >> 32n)
}

/** Writes what the scan found in a row into its columns; null for an unusable row. */
export function writeScan(columns: ScanColumns, row: number, found: Readonly<Record<keyof ScanColumns, number>> | null): void {
  columns.flags[row] = found?.flags ?? 0
  columns.script[row] = found?.script ?? 0
  columns.contentLow[row] = found?.contentLow ?? 0
  columns.contentHigh[row] = found?.contentHigh ?? 0
  columns.promptLow[row] = found?.promptLow ?? 0
  columns.promptHigh[row] = found?.promptHigh ?? 0
  columns.system[row] = found?.system ?? 0
  columns.label[row] = found?.label ?? 0
}

/** The shape of the usable rows; `mixed` when they have several, null when there are none. */
export function shapeOfDataset(view: {
  readonly table: { readonly columns: RowColumns }
  isUsable(row: number): boolean
}): DatasetShape | null {
  const { columns } = view.table
  let found = 0
  for (let row = 0; row < columns.rows; row += 1) {
    const shape = columns.shape[row] as number
    if (shape === 0 || shape === found || !view.isUsable(row)) continue
    if (found !== 0) return 'mixed'
    found = shape
  }
  return shapeOfNumber(found)
}
