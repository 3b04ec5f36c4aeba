import type { ReportFormat } from '../../../../preload/contract/datasets.ts'
import type { ExportFacts } from './export.ts'
import type { SourceLines } from './lines.ts'
import type { OpenDataset } from './open-dataset.ts'
import { writeReport } from './output/reports/write-report.ts'
import type { Questions } from './questions.ts'

/** What the app knows of the dataset and the engine does not. */
export type ReportFacts = ExportFacts & { readonly sizeBytes: number }

const examplesPerRule = 200

/** Text of the report about an open dataset. */
export function makeReport(
  dataset: OpenDataset,
  questions: Questions,
  lines: SourceLines,
  format: ReportFormat,
  facts: ReportFacts,
): string {
  const { stats, shape, tokens, version } = dataset.state()
  const rules = questions.listIssues().map(({ rule, level, severity, title, advice, count, rows }) => ({
    rule,
    level,
    severity,
    title,
    advice,
    count,
    rows,
    examples: questions.listIssueExamples(rule, { offset: 0, limit: examplesPerRule }).examples.map((issue) => ({
      row: issue.row,
      line: issue.line,
      fileName: lines.fileNameOf(issue.row),
      pointer: issue.pointer,
      message: issue.message,
      got: issue.got,
      expected: issue.expected,
    })),
  }))
  return writeReport(
    {
      format: 'tunesmith-dataset-report',
      formatVersion: 1,
      appVersion: facts.appVersion,
      createdAtMs: facts.createdAtMs,
      dataset: {
        name: facts.name,
        fileNames: [...facts.fileNames],
        sizeBytes: facts.sizeBytes,
        sha256: facts.sha256,
        shape,
        mapping: dataset.index.mapping,
        version,
        stats,
        tokens,
      },
      rules,
      consumers: questions.overview().consumers,
    },
    format,
  )
}
