import { rowShapes } from '../../../../../preload/contract/dataset-shapes.ts'
import type { CheckedRows } from '../index/dataset-index.ts'
import { ruleNumbers } from '../rows/rule-numbers.ts'
import { createHashSet, rowHashes, sortedByHash } from './equal-rows.ts'
import type { RowTable } from './filter-rows.ts'

/** What is wrong with the rows as a set. */
export interface SetFindings {
  /** Faults by rule number; of each row at most one per rule. */
  readonly counts: ReadonlyMap<number, number>
  /** What the rule says about this row; null when it says nothing. */
  describe(row: number, rule: number): { got: string; expected: string; message: string } | null
}

interface SetInput {
  readonly table: RowTable
  readonly checked: CheckedRows
  /** Number of the near-duplicate group of each row plus one, 0 = none; null before the search. */
  readonly nearGroupOf: Uint32Array | null
  readonly isUsable: (row: number) => boolean
}

const fewRows = 10
const setRuleNumbers: readonly number[] = [
  ruleNumbers['set.mixed-shapes'],
  ruleNumbers['set.type-drift'],
  ruleNumbers['set.duplicate'],
  ruleNumbers['set.near-duplicate'],
  ruleNumbers['set.same-prompt'],
  ruleNumbers['set.leakage'],
  ruleNumbers['set.too-few-rows'],
  ruleNumbers['token.none-trained'],
  ruleNumbers['token.template-refuses'],
]
const trained = 1

/** Sets the bits of the set-level rules anew and answers what they mean. */
export function raiseSetRules(input: SetInput): SetFindings {
  const { table, checked, isUsable } = input
  clear(table)
  const counts = new Map<number, number>()
  const texts = new Map<string, { got: string; expected: string; message: string }>()
  const raise = (row: number, rule: number) => {
    const half = rule < 32 ? table.columns.rulesLow : table.columns.rulesHigh
    half[row] = ((half[row] as number) | (1 << (rule % 32))) >>> 0
    counts.set(rule, (counts.get(rule) ?? 0) + 1)
  }
  const describeAs = (row: number, rule: number, got: string, expected: string, message: string) =>
    void texts.set(`${rule}:${row}`, { got, expected, message })

  raiseNoneTrained(table, isUsable, raise)
  const firstOf = raiseDuplicates(table, raise)
  raiseMixedShapes(table, isUsable, raise)
  raiseTypeDrift(table, checked, raise, describeAs)
  if (input.nearGroupOf !== null) raiseNear(input.nearGroupOf, table, raise)
  raiseByPrompt(table, isUsable, raise)
  const usable = countUsable(table.columns.rows, isUsable)
  if (usable > 0 && usable < fewRows) {
    const row = firstUsable(table.columns.rows, isUsable)
    raise(row, ruleNumbers['set.too-few-rows'])
    describeAs(
      row,
      ruleNumbers['set.too-few-rows'],
      `${usable} usable rows`,
      `${fewRows} or more`,
      `The dataset has ${usable} usable rows.`,
    )
  }
  return {
    counts,
    describe(row, rule) {
      const text = texts.get(`${rule}:${row}`)
      if (text !== undefined) return text
      if (rule === ruleNumbers['set.duplicate']) {
        const line = table.columns.line[firstOf.get(row) ?? row] ?? 0
        return { got: `the same text as line ${line}`, expected: 'a row of its own', message: `The row repeats line ${line}.` }
      }
      return setRuleNumbers.includes(rule) ? (plainTexts.get(rule) ?? null) : null
    },
  }
}

const plainTexts = new Map<number, { got: string; expected: string; message: string }>([
  [
    ruleNumbers['set.mixed-shapes'],
    { got: 'another layout', expected: 'the layout of most rows', message: 'The row has another layout than most rows.' },
  ],
  [
    ruleNumbers['set.near-duplicate'],
    { got: 'nearly the same text', expected: 'a text of its own', message: 'The row is nearly the same as another one.' },
  ],
  [
    ruleNumbers['set.same-prompt'],
    { got: 'another answer', expected: 'one answer', message: 'Another row asks the same and answers differently.' },
  ],
  [
    ruleNumbers['set.leakage'],
    { got: 'in both parts', expected: 'in one part', message: 'The same prompt is in training and in validation.' },
  ],
  [
    ruleNumbers['token.template-refuses'],
    {
      got: 'an error of the template',
      expected: 'turns in an order that it knows',
      message: 'The chat template of the model refuses the row.',
    },
  ],
  [ruleNumbers['token.none-trained'], { got: '0 trained tokens', expected: '1 or more', message: 'No token of the row carries loss.' }],
])

type Raise = (row: number, rule: number) => void
type IsUsable = (row: number) => boolean

function clear({ columns }: RowTable): void {
  let low = 0
  let high = 0
  for (const rule of setRuleNumbers) {
    if (rule < 32) low |= 1 << rule
    else high |= 1 << (rule - 32)
  }
  for (let row = 0; row < columns.rows; row += 1) {
    columns.rulesLow[row] = ((columns.rulesLow[row] as number) & ~low) >>> 0
    columns.rulesHigh[row] = ((columns.rulesHigh[row] as number) & ~high) >>> 0
  }
}

function raiseNoneTrained({ columns, tokens }: RowTable, isUsable: IsUsable, raise: Raise): void {
  if (tokens === null) return
  for (let row = 0; row < columns.rows; row += 1) {
    if (tokens.trained[row] !== 0 || !isUsable(row)) continue
    raise(row, ruleNumbers[tokens.total[row] === 0 ? 'token.template-refuses' : 'token.none-trained'])
  }
}

/** Every row but the first of each group of equal rows; answers the first row of each. */
function raiseDuplicates(table: RowTable, raise: Raise): Map<number, number> {
  const firstOf = new Map<number, number>()
  const { low, high, isHashed } = rowHashes(table)
  const seen = createHashSet(table.columns.rows, low, high)
  for (let row = 0; row < table.columns.rows; row += 1) {
    if (!isHashed(row)) continue
    const first = seen.findOrAdd(row)
    if (first === row) continue
    raise(row, ruleNumbers['set.duplicate'])
    firstOf.set(row, first)
  }
  return firstOf
}

function raiseMixedShapes({ columns }: RowTable, isUsable: IsUsable, raise: Raise): void {
  const counts = Array.from({ length: rowShapes.length + 1 }, () => 0)
  for (let row = 0; row < columns.rows; row += 1) {
    const shape = columns.shape[row] as number
    if (shape !== 0 && isUsable(row)) counts[shape] = (counts[shape] ?? 0) + 1
  }
  if (counts.filter((count) => count > 0).length < 2) return
  const main = counts.indexOf(Math.max(...counts))
  for (let row = 0; row < columns.rows; row += 1) {
    const shape = columns.shape[row] as number
    if (shape !== 0 && shape !== main && isUsable(row)) raise(row, ruleNumbers['set.mixed-shapes'])
  }
}

/** The first row of every type that is not the usual one of its column. */
function raiseTypeDrift(
  { columns, dropped }: RowTable,
  { types }: CheckedRows,
  raise: Raise,
  describeAs: (row: number, rule: number, got: string, expected: string, message: string) => void,
): void {
  const rule = ruleNumbers['set.type-drift']
  for (const [key, byType] of Object.entries(types)) {
    const found = Object.entries(byType).toSorted(([, a], [, b]) => b.rows - a.rows || a.firstRow - b.firstRow)
    const [main, ...others] = found
    if (main === undefined) continue
    for (const [type, { rows, firstRow }] of others) {
      if (dropped[firstRow] === 1) continue
      raise(firstRow, rule)
      const lines = [columns.line[main[1].firstRow] ?? 0, columns.line[firstRow] ?? 0]
      describeAs(
        firstRow,
        rule,
        `${key}: ${type} in ${rows} ${rows === 1 ? 'row' : 'rows'}`,
        `${main[0]}, as in line ${lines[0]}`,
        `“${key}” is ${main[0]} in ${main[1].rows} rows (first in line ${lines[0]}) and ${type} in ${rows} (first in line ${lines[1]}).`,
      )
    }
  }
}

function raiseNear(groupOf: Uint32Array, { columns, dropped }: RowTable, raise: Raise): void {
  const seen = new Set<number>()
  for (let row = 0; row < columns.rows; row += 1) {
    const group = groupOf[row] as number
    if (group === 0 || dropped[row] === 1) continue
    if (seen.has(group)) raise(row, ruleNumbers['set.near-duplicate'])
    seen.add(group)
  }
}

/** Rows with the same prompt and different answers, and prompts on both sides of a split. */
function raiseByPrompt({ scan, split }: RowTable, isUsable: IsUsable, raise: Raise): void {
  if (scan === null) return
  const hasPrompt = (row: number) => isUsable(row) && ((scan.promptLow[row] as number) !== 0 || (scan.promptHigh[row] as number) !== 0)
  const order = sortedByHash(scan.promptLow, scan.promptHigh, hasPrompt)
  for (let from = 0; from < order.length;) {
    const first = order[from] as number
    let to = from + 1
    let differs = false
    let sides = split === null ? 0 : sideOf(split[first] as number)
    while (to < order.length) {
      const row = order[to] as number
      if (scan.promptLow[row] !== scan.promptLow[first] || scan.promptHigh[row] !== scan.promptHigh[first]) break
      if (scan.contentLow[row] !== scan.contentLow[first] || scan.contentHigh[row] !== scan.contentHigh[first]) differs = true
      if (split !== null) sides |= sideOf(split[row] as number)
      to += 1
    }
    for (let at = from; at < to; at += 1) {
      if (differs) raise(order[at] as number, ruleNumbers['set.same-prompt'])
      if (sides === 3) raise(order[at] as number, ruleNumbers['set.leakage'])
    }
    from = to
  }
}

function sideOf(split: number): number {
  return split === 0 ? 0 : split === trained ? 1 : 2
}

function countUsable(rows: number, isUsable: IsUsable): number {
  let count = 0
  for (let row = 0; row < rows; row += 1) if (isUsable(row)) count += 1
  return count
}

function firstUsable(rows: number, isUsable: IsUsable): number {
  for (let row = 0; row < rows; row += 1) if (isUsable(row)) return row
  return 0
}
