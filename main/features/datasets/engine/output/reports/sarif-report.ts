import type { Severity } from '../../../../../../preload/contract/datasets.ts'
import { assertNever } from '../../../../../lib/assert-never.ts'
import type { DatasetReport, ReportExample, ReportRule } from './dataset-report.ts'

const schemaAddress = 'https://json.schemastore.org/sarif-2.1.0.json'

/** The report as SARIF 2.1.0, which code hosts and editors show beside the lines. */
export function toSarifReport(report: DatasetReport): string {
  const { dataset } = report
  const artifacts = dataset.fileNames.map((name) => ({
    location: { uri: encodeURIComponent(name) },
    // The hash is that of all files together, so it names a file only where there is one.
    ...(dataset.fileNames.length === 1 ? { length: dataset.sizeBytes } : {}),
    ...(dataset.fileNames.length === 1 && dataset.sha256 !== null ? { hashes: { 'sha-256': dataset.sha256 } } : {}),
  }))
  const run = {
    tool: { driver: { name: 'Tunesmith', version: report.appVersion, rules: report.rules.map(sarifRule) } },
    columnKind: 'utf16CodeUnits',
    artifacts,
    results: report.rules.flatMap((rule, ruleIndex) => sarifResults(rule, ruleIndex, dataset.fileNames)),
    properties: {
      dataset: dataset.name,
      rows: dataset.stats.rows,
      counts: Object.fromEntries(report.rules.map((rule) => [rule.rule, { count: rule.count, rows: rule.rows }])),
    },
  }
  return `${JSON.stringify({ $schema: schemaAddress, version: '2.1.0', runs: [run] }, null, 2)}\n`
}

function sarifRule(rule: ReportRule): object {
  return {
    id: rule.rule,
    shortDescription: { text: rule.title },
    help: { text: rule.advice },
    defaultConfiguration: { level: sarifLevel(rule.severity) },
    properties: { level: rule.level },
  }
}

/** A rule without a listed place still has one result, so that nothing is lost. */
function sarifResults(rule: ReportRule, ruleIndex: number, fileNames: readonly string[]): object[] {
  const start = { ruleId: rule.rule, ruleIndex, level: sarifLevel(rule.severity) }
  if (rule.examples.length === 0) return rule.count === 0 ? [] : [{ ...start, message: { text: rule.title }, occurrenceCount: rule.count }]
  return rule.examples.map((example) => ({
    ...start,
    message: { text: example.message },
    locations: [sarifLocation(example, fileNames)],
    properties: { row: example.row, pointer: example.pointer, got: example.got, expected: example.expected },
  }))
}

function sarifLocation(example: ReportExample, fileNames: readonly string[]): object {
  const index = fileNames.indexOf(example.fileName)
  return {
    physicalLocation: {
      artifactLocation: { uri: encodeURIComponent(example.fileName), ...(index < 0 ? {} : { index }) },
      ...(example.line === null ? {} : { region: { startLine: example.line } }),
    },
    ...(example.pointer === '' ? {} : { logicalLocations: [{ fullyQualifiedName: example.pointer }] }),
  }
}

function sarifLevel(severity: Severity): 'error' | 'warning' | 'note' {
  switch (severity) {
    case 'error':
      return 'error'
    case 'warning':
      return 'warning'
    case 'info':
      return 'note'
    default:
      return assertNever(severity)
  }
}
