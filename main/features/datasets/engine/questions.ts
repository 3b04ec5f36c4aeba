import type {
  DatasetOverview,
  DatasetVersion,
  DuplicateGroup,
  DuplicateKind,
  IssueGroup,
  RowChange as RowDifference,
  RowDetail,
  RowFilter,
  RowIssue,
  RowSort,
  RowSummary,
  TokenPreview,
} from '../../../../preload/contract/datasets.ts'
import { AppError } from '../../../../preload/contract/errors.ts'
import type { RowChange, RowState } from './edits/overlay.ts'
import type { SourceLines } from './lines.ts'
import type { OpenDataset } from './open-dataset.ts'
import type { RowTokens } from './row-model.ts'
import { ruleById } from './rows/rules.ts'
import { previewRow } from './templates/preview.ts'
import { groupDuplicates, type RowGroup } from './view/duplicate-groups.ts'
import { groupIssues, issuesOfRow, rowsOfRule } from './view/issue-groups.ts'
import { describeSet, type LanguageSample } from './view/overview.ts'
import { describeRow, summarizeRows } from './view/row-pages.ts'

/** A page of a longer list. */
export interface Page {
  readonly offset: number
  readonly limit: number
}

/** What the pages ask about one open dataset. */
export interface Questions {
  overview(): DatasetOverview
  listRows(filter: RowFilter, sort: RowSort, page: Page): Promise<{ total: number; searched: number; rows: RowSummary[] }>
  getRow(row: number): RowDetail
  previewTokens(row: number, model: { modelId: string; modelName: string }, tokens: RowTokens, maxLength: number): TokenPreview
  listIssues(): IssueGroup[]
  listIssueExamples(rule: string, page: Page): { total: number; examples: RowIssue[] }
  previewFix(rule: string): Promise<{ rows: number; label: string; examples: RowDifference[] }>
  listVersions(openedAtMs: number): DatasetVersion[]
  diffVersions(from: number, to: number): { dropped: number; restored: number; edited: number; examples: RowDifference[] }
  listDuplicates(of: DuplicateKind, page: Page): { isKnown: boolean; total: number; rows: number; groups: DuplicateGroup[] }
}

const maxExampleRows = 1000
const maxDiffExamples = 50
const maxGroupRows = 20
const maxShownCharacters = 4000
/** The length that verdicts assume where none is chosen: that of the balanced preset on a small model. */
export const assumedMaxLength = 2048

/** Answers questions about an open dataset; nothing here changes it. */
export function createQuestions(dataset: OpenDataset, lines: SourceLines, languages: () => LanguageSample | null): Questions {
  const { view, history } = dataset
  const { lineOf } = lines
  const checkRow = (row: number) => {
    if (row >= view.table.columns.rows) throw new AppError('INVALID_INPUT', `There is no row ${row + 1}. Choose one from the list.`)
  }
  const textUnder = (row: number, state: RowState): string | null =>
    state.isDropped ? null : (state.text ?? view.sourceTextOf(row)).slice(0, maxShownCharacters)
  const difference = ({ row, before, after }: RowChange): RowDifference => ({
    row,
    line: lineOf(row),
    before: textUnder(row, before),
    after: textUnder(row, after),
  })

  return {
    overview: () => describeSet(view, languages(), assumedMaxLength),
    async listRows(filter, sort, { offset, limit }) {
      const { rows, searched } = await dataset.listRows(filter, sort)
      return { total: rows.length, searched, rows: summarizeRows(view, rows.subarray(offset, offset + limit), lineOf) }
    },
    getRow(row) {
      checkRow(row)
      return describeRow(view, row, { lineOf, fileName: lines.fileNameOf(row), maxLength: assumedMaxLength })
    },
    previewTokens(row, { modelId, modelName }, tokens, maxLength) {
      checkRow(row)
      const { content } = view.read(row)
      if (content === null) throw new AppError('DATASET_NOT_READY', 'The row has an error, so no model sees it. Correct it first.')
      return { modelId, modelName, ...previewRow(tokens, content, maxLength) }
    },
    listIssues: () => groupIssues(view, lineOf),
    listIssueExamples(rule, { offset, limit }) {
      const number = ruleById(rule)?.number
      if (number === undefined) throw new AppError('INVALID_INPUT', 'There is no such issue. Choose one from the list.')
      const rows = rowsOfRule(view, number)
      const shown = rows.subarray(0, maxExampleRows).subarray(offset, offset + limit)
      return {
        total: Math.min(rows.length, maxExampleRows),
        examples: [...shown].flatMap((row) => issuesOfRow(view, row, lineOf).filter((issue) => issue.rule === rule)),
      }
    },
    async previewFix(rule) {
      const { rows, label, changes } = await dataset.planFix(rule, 5)
      return { rows, label, examples: changes.map(difference) }
    },
    listVersions(openedAtMs) {
      const isCurrent = (version: number) => version === history.version
      return [
        { version: 0, title: 'As imported', atMs: openedAtMs, rowsChanged: 0, isCurrent: isCurrent(0) },
        ...history.list().map(({ title, atMs, rowsChanged }, at) => ({
          version: at + 1,
          title,
          atMs,
          rowsChanged,
          isCurrent: isCurrent(at + 1),
        })),
      ]
    },
    diffVersions(from, to) {
      const changes = history.changesBetween(from, to)
      const counts = { dropped: 0, restored: 0, edited: 0 }
      for (const { before, after } of changes) {
        if (after.isDropped && !before.isDropped) counts.dropped += 1
        else if (before.isDropped && !after.isDropped) counts.restored += 1
        else counts.edited += 1
      }
      return { ...counts, examples: changes.slice(0, maxDiffExamples).map(difference) }
    },
    listDuplicates(of, { offset, limit }) {
      const groups = groupDuplicates(view, of, dataset.nearGroups?.groupOf ?? null)
      if (groups === null) return { isKnown: false, total: 0, rows: 0, groups: [] }
      const similarity = (row: number) => (of === 'near' ? (dataset.nearGroups?.similarityOf[row] ?? 1) : 1)
      const present = (group: RowGroup): DuplicateGroup => ({
        total: group.length,
        rows: summarizeRows(view, group.slice(0, maxGroupRows), lineOf).map((row) =>
          Object.assign(row, { similarity: similarity(row.row) }),
        ),
      })
      return {
        isKnown: true,
        total: groups.length,
        rows: groups.reduce((sum, group) => sum + group.length, 0),
        groups: groups.slice(offset, offset + limit).map(present),
      }
    },
  }
}
