import { assertNever } from '../../../../lib/assert-never.ts'
import type { RowEdit } from './stored-edit.ts'

/** What the edits made of one row; `text` null means that the source's own text stands. */
export interface RowState {
  readonly text: string | null
  readonly isDropped: boolean
}

/** The state of a row that no edit touched. */
export const untouched: RowState = { text: null, isDropped: false }

/** How one row changes, so that it can be taken back. */
export interface RowChange {
  readonly row: number
  readonly before: RowState
  readonly after: RowState
}

interface OverlayDependencies {
  /** The row's text as the edits so far left it. */
  readonly readText: (row: number) => string
  readonly readBytes: (row: number) => Buffer
  /** The corrected text, or null where the fix does not apply. */
  readonly fix: (bytes: Buffer, rule: string) => string | null
  /** The text with personal data replaced, or null where there is none. */
  readonly redact: (text: string, flags: readonly string[]) => string | null
}

/** The edits in force, over a file that is never rewritten. */
export interface Overlay {
  readonly states: ReadonlyMap<number, RowState>
  stateOf(row: number): RowState
  /** What an edit would change, in row order; nothing is changed yet. */
  plan(edit: RowEdit, limit?: number): RowChange[]
  apply(changes: readonly RowChange[]): void
  takeBack(changes: readonly RowChange[]): void
}

/** Creates an overlay without edits. */
export function createOverlay({ readText, readBytes, fix, redact }: OverlayDependencies): Overlay {
  const states = new Map<number, RowState>()
  const stateOf = (row: number) => states.get(row) ?? untouched
  const set = (row: number, state: RowState) => {
    if (state.text === null && !state.isDropped) states.delete(row)
    else states.set(row, state)
  }
  const after = (edit: RowEdit, row: number, before: RowState): RowState => {
    switch (edit.kind) {
      case 'drop':
        return { ...before, isDropped: true }
      case 'restore':
        return { ...before, isDropped: false }
      case 'fix':
        return withText(before, before.isDropped ? null : fix(readBytes(row), edit.rule))
      case 'redact':
        return withText(before, before.isDropped ? null : redact(readText(row), edit.flags))
      case 'replace':
        return { text: edit.text, isDropped: false }
      default:
        return assertNever(edit)
    }
  }
  return {
    states,
    stateOf,
    plan(edit, limit = Infinity) {
      const changes: RowChange[] = []
      for (const row of edit.rows) {
        if (changes.length >= limit) break
        const before = stateOf(row)
        const state = after(edit, row, before)
        if (state.text !== before.text || state.isDropped !== before.isDropped) changes.push({ row, before, after: state })
      }
      return changes
    },
    apply(changes) {
      for (const change of changes) set(change.row, change.after)
    },
    takeBack(changes) {
      for (const change of changes) set(change.row, change.before)
    },
  }
}

function withText(before: RowState, text: string | null): RowState {
  return text === null ? before : { ...before, text }
}
