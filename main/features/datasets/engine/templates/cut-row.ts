import type { ChatMessage } from '../../../../../preload/contract/datasets.ts'
import type { RowContent, RowTokens } from '../row-model.ts'

/** What the trainer leaves of a row that may be too long. */
export interface CutRow {
  /** The row as it is trained; null when not even its last exchange fits, so that the row is left out. */
  readonly kept: RowContent | null
  /** Messages left out, counted from the first one after the system text. */
  readonly removedMessages: number
  /** Tokens that remain, 0 when the row is left out. */
  readonly total: number
  readonly trained: number
}

/** Shortens a row as the trainer does: the oldest user turn goes with what answers it, until the row fits. */
export function cutRow(rowTokens: RowTokens, content: RowContent, maxLength: number): CutRow {
  let kept: RowContent | null = content
  while (kept !== null) {
    const { total, trained } = rowTokens.count(kept)
    if (total <= maxLength) return { kept, removedMessages: content.messages.length - kept.messages.length, total, trained }
    const shorter = withoutOldestTurn(kept.messages)
    kept = shorter === null ? null : { ...kept, messages: shorter }
  }
  return { kept: null, removedMessages: content.messages.length, total: 0, trained: 0 }
}

/** Null when only the last exchange is left. */
function withoutOldestTurn(messages: readonly ChatMessage[]): readonly ChatMessage[] | null {
  const head = messages[0]?.role === 'system' ? 1 : 0
  const later = messages.findIndex(({ role }, index) => index > head && role === 'user')
  if (later < 0) return null
  const rest = messages.slice(later)
  return rest.some(({ role }) => role === 'assistant') ? [...messages.slice(0, head), ...rest] : null
}
