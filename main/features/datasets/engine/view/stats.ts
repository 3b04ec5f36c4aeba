import type { DatasetStats, DatasetTokens, Severity } from '../../../../../preload/contract/datasets.ts'
import type { TokenColumns } from '../columns.ts'
import type { CheckedRows } from '../index/dataset-index.ts'
import { ruleNumbers } from '../rows/rule-numbers.ts'
import { rules } from '../rows/rules.ts'
import type { RowTable } from './filter-rows.ts'
import type { SetFindings } from './set-rules.ts'

interface StatsInput {
  readonly table: RowTable
  readonly checked: CheckedRows
  readonly ruleCounts: readonly number[]
  readonly setFindings: SetFindings
  readonly isUsable: (row: number) => boolean
}

/** The figures of a dataset; turns and characters are those of the usable rows. */
export function statsOf({ table, checked, ruleCounts, setFindings, isUsable }: StatsInput): DatasetStats {
  const { columns, dropped, edited } = table
  const sums = { validRows: 0, droppedRows: 0, editedRows: 0, turns: 0, assistantTurns: 0, characters: 0, assistantCharacters: 0 }
  let longestRowCharacters = 0
  for (let row = 0; row < columns.rows; row += 1) {
    if (dropped[row] === 1) {
      sums.droppedRows += 1
      continue
    }
    sums.editedRows += edited[row] as number
    if (!isUsable(row)) continue
    const characters = columns.characters[row] as number
    sums.validRows += 1
    sums.turns += columns.turns[row] as number
    sums.assistantTurns += columns.assistantTurns[row] as number
    sums.characters += characters
    sums.assistantCharacters += columns.assistantCharacters[row] as number
    if (characters > longestRowCharacters) longestRowCharacters = characters
  }
  const bySeverity = countBySeverity(ruleCounts, setFindings)
  return {
    ...sums,
    rows: columns.rows,
    errorRows: columns.rows - sums.validRows - sums.droppedRows,
    errors: bySeverity.error,
    warnings: bySeverity.warning,
    infos: bySeverity.info,
    blankLines: checked.blankLines,
    tokensEstimate: Math.round(sums.characters / 4),
    turnsPerRowMean: sums.validRows === 0 ? 0 : sums.turns / sums.validRows,
    longestRowCharacters,
    duplicateRows: setFindings.counts.get(ruleNumbers['set.duplicate']) ?? 0,
  }
}

function countBySeverity(ruleCounts: readonly number[], setFindings: SetFindings): Record<Severity, number> {
  const counts = { error: 0, warning: 0, info: 0 }
  for (const { number, severity } of rules) counts[severity] += (ruleCounts[number] ?? 0) + (setFindings.counts.get(number) ?? 0)
  return counts
}

/** Tokens of the usable rows. */
export function sumTokens(tokens: TokenColumns, isUsable: (row: number) => boolean): Omit<DatasetTokens, 'modelId' | 'modelName'> {
  const sums = { total: 0, trained: 0, rows: 0, longestRow: 0, untrainedRows: 0 }
  for (let row = 0; row < tokens.total.length; row += 1) {
    if (!isUsable(row)) continue
    const total = tokens.total[row] as number
    sums.total += total
    sums.trained += tokens.trained[row] as number
    sums.rows += 1
    if (tokens.trained[row] === 0) sums.untrainedRows += 1
    if (total > sums.longestRow) sums.longestRow = total
  }
  return sums
}
