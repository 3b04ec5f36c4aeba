import type { DatasetReport, ReportExample, ReportRule } from './dataset-report.ts'

/** Columns of the CSV report; one line per listed place, and one for a rule without any. */
export const csvReportColumns = [
  'severity',
  'rule',
  'level',
  'title',
  'count',
  'rows',
  'file',
  'line',
  'row',
  'pointer',
  'message',
  'got',
  'expected',
  'advice',
] as const

/** Spreadsheets tell UTF-8 by this mark. */
const byteOrderMark = '\ufeff'

/** The report's faults as CSV (RFC 4180) that a spreadsheet shows as text, never as a formula. */
export function toCsvReport(report: DatasetReport): string {
  const lines = [csvReportColumns.join(',')]
  for (const rule of report.rules) {
    if (rule.examples.length === 0) lines.push(csvLine(rule, null))
    for (const example of rule.examples) lines.push(csvLine(rule, example))
  }
  return `${byteOrderMark}${lines.join('\r\n')}\r\n`
}

function csvLine(rule: ReportRule, example: ReportExample | null): string {
  const cells: Readonly<Record<(typeof csvReportColumns)[number], string | number | null>> = {
    severity: rule.severity,
    rule: rule.rule,
    level: rule.level,
    title: rule.title,
    count: rule.count,
    rows: rule.rows,
    file: example?.fileName ?? null,
    line: example?.line ?? null,
    row: example === null ? null : example.row + 1,
    pointer: example?.pointer ?? null,
    message: example?.message ?? null,
    got: example?.got ?? null,
    expected: example?.expected ?? null,
    advice: rule.advice,
  }
  return csvReportColumns.map((column) => csvCell(cells[column])).join(',')
}

/** Starts by which spreadsheets recognise a formula, in ASCII and full width. */
const formulaStart = /^\s*[=+\-@＝＋－＠|\t\r]/

/** One cell; text that could be run as a formula gets an apostrophe in front. */
export function csvCell(value: string | number | null): string {
  if (value === null) return ''
  if (typeof value === 'number') return String(value)
  const safe = formulaStart.test(value) ? `'${value}` : value
  return /[",\r\n]|^\s|\s$/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
