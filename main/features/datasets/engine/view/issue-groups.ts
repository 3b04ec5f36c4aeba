import type { IssueGroup, RowIssue } from '../../../../../preload/contract/datasets.ts'
import type { RowFault } from '../row-model.ts'
import { rules } from '../rows/rules.ts'
import type { DatasetView } from './dataset-view.ts'

/** 1-based line in the user's own file of a line of the working file. */
export type LineOf = (row: number) => number

/** All faults, grouped by rule; errors first, then by the number of rows. */
export function groupIssues(view: DatasetView, lineOf: LineOf): IssueGroup[] {
  const { columns, dropped } = view.table
  const rowsOf = new Uint32Array(64)
  const firstOf = new Int32Array(64).fill(-1)
  for (let row = 0; row < columns.rows; row += 1) {
    if (dropped[row] === 1) continue
    addBits(columns.rulesLow[row] as number, 0, row, rowsOf, firstOf)
    addBits(columns.rulesHigh[row] as number, 32, row, rowsOf, firstOf)
  }
  const findings = view.setFindings()
  return rules
    .filter(({ number }) => (rowsOf[number] as number) > 0)
    .map((rule): IssueGroup => {
      const first = firstOf[rule.number] as number
      return {
        rule: rule.id,
        level: rule.level,
        severity: rule.severity,
        title: rule.title,
        advice: rule.advice,
        count: (view.ruleCounts[rule.number] ?? 0) + (findings.counts.get(rule.number) ?? 0),
        rows: rowsOf[rule.number] as number,
        firstLine: first < 0 ? null : lineOf(first),
        fixLabel: rule.fixLabel,
      }
    })
    .toSorted((a, b) => severityOrder[a.severity] - severityOrder[b.severity] || b.rows - a.rows || (a.rule < b.rule ? -1 : 1))
}

const severityOrder = { error: 0, warning: 1, info: 2 } as const

function addBits(bits: number, from: number, row: number, rowsOf: Uint32Array, firstOf: Int32Array): void {
  for (let rest = bits; rest !== 0;) {
    const bit = 31 - Math.clz32(rest & -rest)
    rest = (rest & (rest - 1)) >>> 0
    const rule = from + bit
    rowsOf[rule] = (rowsOf[rule] as number) + 1
    if (firstOf[rule] === -1) firstOf[rule] = row
  }
}

/** Rows that break a rule, in file order. */
export function rowsOfRule(view: DatasetView, number: number): Uint32Array {
  const { columns, dropped } = view.table
  const half = number < 32 ? columns.rulesLow : columns.rulesHigh
  const bit = 1 << (number % 32)
  const found: number[] = []
  for (let row = 0; row < columns.rows; row += 1) if (dropped[row] === 0 && ((half[row] as number) & bit) !== 0) found.push(row)
  return Uint32Array.from(found)
}

/** Every fault of one row, its set-level ones included. */
export function issuesOfRow(view: DatasetView, row: number, lineOf: LineOf): RowIssue[] {
  const { columns } = view.table
  const faults: RowFault[] = [...view.read(row).faults]
  const findings = view.setFindings()
  for (const rule of rules) {
    const half = rule.number < 32 ? columns.rulesLow : columns.rulesHigh
    if (((half[row] as number) & (1 << (rule.number % 32))) === 0 || faults.some((fault) => fault.rule === rule.number)) continue
    const text = findings.describe(row, rule.number)
    faults.push({ rule: rule.number, pointer: '', ...(text ?? { message: rule.title, got: '', expected: '' }) })
  }
  const line = lineOf(row)
  return faults.flatMap((fault) => {
    const rule = rules[fault.rule]
    if (rule === undefined) return []
    return [
      {
        row,
        line,
        pointer: fault.pointer,
        rule: rule.id,
        severity: rule.severity,
        message: fault.message,
        got: fault.got,
        expected: fault.expected,
        suggestion: rule.advice,
        fixLabel: rule.fixLabel,
      },
    ]
  })
}
