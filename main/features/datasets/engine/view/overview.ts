import type { DatasetOverview } from '../../../../../preload/contract/datasets.ts'
import { rowShapes, shapeNames } from '../../../../../preload/contract/dataset-shapes.ts'
import { flagTable } from '../hygiene/flags.ts'
import { scriptTable } from '../hygiene/scripts-of-text.ts'
import { consumers } from '../rows/consumers.ts'
import { judgeByRules } from '../rows/verdicts.ts'
import type { DatasetView } from './dataset-view.ts'
import { histogramOf } from './histogram.ts'
import { observe } from './observations.ts'
import { shapeOfNumber } from './row-facts.ts'

/** Languages of a sample of rows. */
export interface LanguageSample {
  readonly rows: number
  readonly languages: readonly { readonly name: string; readonly title: string; readonly rows: number }[]
}

/** What the usable rows are like as a set. */
export function describeSet(view: DatasetView, languages: LanguageSample | null, maxLength: number): DatasetOverview {
  const { columns, tokens, scan } = view.table
  const usable: number[] = []
  for (let row = 0; row < columns.rows; row += 1) if (view.isUsable(row)) usable.push(row)
  const pick = (values: Uint32Array | Uint16Array) => histogramOf(Uint32Array.from(usable, (row) => values[row] as number))
  return {
    shapes: countBy(usable, (row) => columns.shape[row] as number, rowShapes.length + 1).flatMap((rows, number) => {
      const name = shapeOfNumber(number)
      return rows === 0 || name === null ? [] : [{ name, title: shapeNames[name], rows }]
    }),
    turns: pick(columns.turns),
    characters: pick(columns.characters),
    tokens: tokens === null ? null : pick(tokens.total),
    trainedTokens: tokens === null ? null : pick(tokens.trained),
    scripts:
      scan === null
        ? null
        : countBy(usable, (row) => scan.script[row] as number, scriptTable.length)
            .flatMap((rows, number) => {
              const script = scriptTable[number]
              return rows === 0 || script === undefined ? [] : [{ name: script.name, title: script.title, rows }]
            })
            .toSorted((a, b) => b.rows - a.rows),
    languages: languages === null ? null : [...languages.languages],
    languageSampleRows: languages?.rows ?? 0,
    flags: scan === null ? null : countFlags(usable, scan.flags),
    observations: observe(view, usable),
    consumers: countOutcomes(view, maxLength),
  }
}

function countBy(rows: readonly number[], numberOf: (row: number) => number, size: number): number[] {
  const counts = Array.from({ length: size }, () => 0)
  for (const row of rows) {
    const number = numberOf(row)
    counts[number] = (counts[number] ?? 0) + 1
  }
  return counts
}

function countFlags(rows: readonly number[], flags: Uint32Array): NonNullable<DatasetOverview['flags']> {
  return flagTable
    .map(({ number, id, title, group }) => ({
      name: id,
      title,
      group,
      rows: rows.reduce((sum, row) => sum + (((flags[row] as number) >>> number) & 1), 0),
    }))
    .filter((flag) => flag.rows > 0)
    .toSorted((a, b) => b.rows - a.rows)
}

function countOutcomes(view: DatasetView, maxLength: number): DatasetOverview['consumers'] {
  const { columns, tokens, dropped } = view.table
  const counts = consumers.map(({ name, title }) => ({ name, title, kept: 0, truncated: 0, dropped: 0, rejected: 0 }))
  for (let row = 0; row < columns.rows; row += 1) {
    if (dropped[row] === 1) continue
    const known = tokens === null ? null : { total: tokens.total[row] as number, trained: tokens.trained[row] as number }
    const outcomes = judgeByRules(
      columns.rulesLow[row] as number,
      columns.rulesHigh[row] as number,
      shapeOfNumber(columns.shape[row] as number),
      known,
      maxLength,
      columns.turns[row],
    )
    for (const [at, count] of counts.entries()) {
      const outcome = outcomes[at]
      if (outcome !== undefined) count[outcome] += 1
    }
  }
  return counts
}
