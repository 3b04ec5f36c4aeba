import { makeRowColumns, packColumns, rowColumnLayout, type RowColumns } from '../columns.ts'
import type { RowReader } from '../row-model.ts'
import { ruleNumbers } from '../rows/rule-numbers.ts'
import { writeReading } from '../view/row-facts.ts'
import { createTypeDrift, type TypeDriftFacts } from './type-drift.ts'
import type { ByteRange, RangeReader } from './range-reader.ts'

/** What a range holds besides its rows' columns. */
export interface CheckFacts {
  readonly rows: number
  readonly lines: number
  readonly blankLines: number
  /** How often each rule occurs, by number; a row can break a rule more than once. */
  readonly ruleCounts: readonly number[]
  readonly types: TypeDriftFacts
}

/** A checked range: packed columns whose offsets and lines count from the start of the range. */
export interface CheckedRange {
  readonly facts: CheckFacts
  readonly columns: ArrayBuffer
}

/** Hashes bytes to 64 bits. */
export type HashBytes = (bytes: Uint8Array) => bigint

/** Checks all rows of one range. */
export type CheckRange = (range: ByteRange, isCancelled: () => boolean) => CheckedRange | null

const ruleCount = 64

/** Creates the check of ranges; its columns are re-used, so memory does not grow with the file. */
export function createCheckRange(ranges: RangeReader, rows: RowReader, hash: HashBytes): CheckRange {
  let capacity = 4096
  let columns = makeRowColumns(capacity)
  const tooLarge = ruleNumbers['row.too-large']
  const grow = () => {
    const larger = makeRowColumns(capacity * 2)
    for (const name of Object.keys(rowColumnLayout) as (keyof typeof rowColumnLayout)[]) larger[name].set(columns[name])
    columns = larger
    capacity *= 2
  }

  return (range, isCancelled) => {
    const ruleCounts = Array.from({ length: ruleCount }, () => 0)
    const drift = createTypeDrift()
    let count = 0
    let isEnded = false
    const { lines, blankLines } = ranges.read(range, (line) => {
      if (isCancelled()) {
        isEnded = true
        return false
      }
      const row = count
      if (line.bytes === null) {
        if (row === capacity) grow()
        clearRow(columns, row)
        columns[tooLarge < 32 ? 'rulesLow' : 'rulesHigh'][row] = 2 ** (tooLarge % 32)
        ruleCounts[tooLarge] = (ruleCounts[tooLarge] ?? 0) + 1
      } else {
        const reading = rows.read(line.bytes)
        if (reading.isMetadata) return true
        if (row === capacity) grow()
        writeReading(columns, row, reading, line.bytes, hash)
        for (const fault of reading.faults) ruleCounts[fault.rule] = (ruleCounts[fault.rule] ?? 0) + 1
        if (reading.isPlainChat) drift.addPlainChat(row)
        else drift.add(reading.value, row)
      }
      columns.offset[row] = line.offset - range.from
      columns.line[row] = line.lineInRange
      columns.length[row] = line.length
      count += 1
      return true
    })
    if (isEnded) return null
    return {
      facts: { rows: count, lines, blankLines, ruleCounts, types: drift.facts() },
      columns: packColumns(rowColumnLayout, columns, count),
    }
  }
}

function clearRow(columns: Omit<RowColumns, 'rows'>, row: number): void {
  for (const name of Object.keys(rowColumnLayout) as (keyof typeof rowColumnLayout)[]) columns[name][row] = 0
}
