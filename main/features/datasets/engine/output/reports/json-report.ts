import { datasetReportSchema, type DatasetReport } from './dataset-report.ts'

/** The report as JSON, checked against its own schema. */
export function toJsonReport(report: DatasetReport): string {
  return `${JSON.stringify(datasetReportSchema.parse(report), null, 2)}\n`
}
