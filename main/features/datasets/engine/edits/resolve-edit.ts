import type { DatasetEdit, RowChoice } from '../../../../../preload/contract/datasets.ts'
import { AppError } from '../../../../../preload/contract/errors.ts'
import { assertNever } from '../../../../lib/assert-never.ts'
import { ruleNumbers } from '../rows/rule-numbers.ts'
import { ruleById } from '../rows/rules.ts'
import type { DatasetView } from '../view/dataset-view.ts'
import { rowsOfRule } from '../view/issue-groups.ts'
import { packRows } from './row-set.ts'
import type { RowEdit, StoredEdit } from './stored-edit.ts'

/** An edit with its rows and the words for the list of versions. */
export interface ResolvedEdit {
  readonly edit: RowEdit
  readonly titleOf: (rowsChanged: number) => string
}

/** Finds out which rows an edit is for, as they are now. */
export function resolveEdit(view: DatasetView, edit: DatasetEdit, rowsOf: (choice: RowChoice) => Uint32Array): ResolvedEdit {
  switch (edit.kind) {
    case 'fix': {
      const rule = ruleById(edit.rule)
      if (rule === undefined || rule.fixLabel === null) {
        throw new AppError('INVALID_INPUT', 'There is no automatic correction for this issue. Edit or drop the rows.')
      }
      const { fixLabel } = rule
      return { edit: { ...edit, rows: rowsOfRule(view, rule.number) }, titleOf: (rows) => `${fixLabel}: ${countRows(rows)}` }
    }
    case 'drop':
      return { edit: { kind: 'drop', rows: rowsOf(edit.choice) }, titleOf: (rows) => `Dropped ${countRows(rows)}` }
    case 'restore':
      return { edit: { kind: 'restore', rows: rowsOf(edit.choice) }, titleOf: (rows) => `Restored ${countRows(rows)}` }
    case 'redact':
      return {
        edit: { kind: 'redact', flags: edit.flags, rows: rowsOf(edit.choice) },
        titleOf: (rows) => `Replaced personal data in ${countRows(rows)}`,
      }
    case 'replace':
      return {
        edit: { kind: 'replace', rows: Uint32Array.of(edit.row), text: toOneLine(edit.text) },
        titleOf: () => `Edited the row of line ${view.table.columns.line[edit.row] ?? edit.row + 1}`,
      }
    case 'drop_duplicates': {
      const rule = edit.of === 'exact' ? ruleNumbers['set.duplicate'] : ruleNumbers['set.near-duplicate']
      const word = edit.of === 'exact' ? 'repeated' : 'nearly repeated'
      return { edit: { kind: 'drop', rows: rowsOfRule(view, rule) }, titleOf: (rows) => `Dropped ${countRows(rows, word)}` }
    }
    default:
      return assertNever(edit)
  }
}

/** The form of an edit that is stored: only the rows that it changed. */
export function storeEdit(edit: RowEdit, changed: readonly { readonly row: number }[]): StoredEdit {
  return { ...edit, rows: packRows(Uint32Array.from(changed, ({ row }) => row)) }
}

function countRows(rows: number, word?: string): string {
  return `${rows.toLocaleString('en-US')} ${word === undefined ? '' : `${word} `}${rows === 1 ? 'row' : 'rows'}`
}

function toOneLine(text: string): string {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new AppError('INVALID_INPUT', `The text is not valid JSON: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new AppError('INVALID_INPUT', 'A row must be one JSON object in curly brackets. Correct the text and save it again.')
  }
  return /[\r\n]/.test(text) ? JSON.stringify(value) : text
}
