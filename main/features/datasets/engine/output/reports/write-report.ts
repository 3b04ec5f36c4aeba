import type { ReportFormat } from '../../../../../../preload/contract/datasets.ts'
import { assertNever } from '../../../../../lib/assert-never.ts'
import { toCsvReport } from './csv-report.ts'
import type { DatasetReport } from './dataset-report.ts'
import { toHtmlReport } from './html-report.ts'
import { toJsonReport } from './json-report.ts'
import { toSarifReport } from './sarif-report.ts'

/** Text of a report in the chosen format. */
export function writeReport(report: DatasetReport, format: ReportFormat): string {
  switch (format) {
    case 'json':
      return toJsonReport(report)
    case 'csv':
      return toCsvReport(report)
    case 'sarif':
      return toSarifReport(report)
    case 'html':
      return toHtmlReport(report)
    default:
      return assertNever(format)
  }
}

/** How the file of a report ends. */
export function reportExtension(format: ReportFormat): string {
  return format === 'sarif' ? 'sarif.json' : format
}
