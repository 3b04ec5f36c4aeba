import { AppError } from '../../../../../preload/contract/errors.ts'
import type { DatasetView } from '../view/dataset-view.ts'
import type { RowChange } from './overlay.ts'
import { storedEditSchema, type RowEdit, type StoredEdit } from './stored-edit.ts'

/** One edit as the database keeps it. */
export interface EditRecord {
  readonly edit: StoredEdit
  readonly title: string
  readonly atMs: number
}

/** The edits of a dataset in order; the first `version` of them are in force. */
export interface EditHistory {
  readonly version: number
  readonly length: number
  /** Adds an edit after the ones in force; what was taken back is forgotten. */
  add(record: EditRecord, changes: readonly RowChange[]): void
  goTo(version: number): void
  /** How rows differ between two versions, in row order; rows that end up as they were are left out. */
  changesBetween(from: number, to: number): RowChange[]
  /** What an edit changed, by its number from 1. */
  list(): readonly { readonly title: string; readonly atMs: number; readonly rowsChanged: number | null }[]
}

interface Entry {
  readonly record: EditRecord
  /** Null until the edit is carried out for the first time in this session. */
  changes: readonly RowChange[] | null
}

/** Creates the history and brings the view to its version. */
export function createHistory(view: DatasetView, records: readonly EditRecord[], version: number): EditHistory {
  const entries: Entry[] = records.map((record) => ({ record, changes: null }))
  let current = 0
  const goTo = (wanted: number) => {
    if (wanted < 0 || wanted > entries.length) throw new AppError('INVALID_INPUT', 'There is no such version. Choose one from the list.')
    while (current < wanted) {
      const entry = entries[current]
      if (entry === undefined) break
      entry.changes ??= view.plan(parseEdit(entry.record.edit))
      view.apply(entry.changes)
      current += 1
    }
    while (current > wanted) {
      view.takeBack(entries[current - 1]?.changes ?? [])
      current -= 1
    }
  }
  goTo(version)
  return {
    get version() {
      return current
    },
    get length() {
      return entries.length
    },
    add(record, changes) {
      entries.splice(current)
      entries.push({ record, changes })
      view.apply(changes)
      current += 1
    },
    goTo,
    changesBetween(from, to) {
      const started = current
      goTo(Math.max(from, to, current))
      goTo(started)
      const first = Math.min(from, to)
      const last = Math.max(from, to)
      const joined = new Map<number, RowChange>()
      for (const entry of entries.slice(first, last)) {
        for (const change of entry.changes ?? []) {
          joined.set(change.row, { row: change.row, before: joined.get(change.row)?.before ?? change.before, after: change.after })
        }
      }
      const changes = [...joined.values()].filter(({ before, after }) => before.text !== after.text || before.isDropped !== after.isDropped)
      const inOrder = changes.toSorted((a, b) => a.row - b.row)
      return from <= to ? inOrder : inOrder.map(({ row, before, after }) => ({ row, before: after, after: before }))
    },
    list: () => entries.map(({ record, changes }) => ({ title: record.title, atMs: record.atMs, rowsChanged: changes?.length ?? null })),
  }
}

function parseEdit(edit: StoredEdit): RowEdit {
  return storedEditSchema.parse(edit)
}
