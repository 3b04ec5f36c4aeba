import type { RowContent } from '../../row-model.ts'

/** Why a preference row is not one question with two single answers; null when it is. */
export function preferenceProblem({ messages, rejected }: RowContent): string | null {
  if (messages.at(-1)?.role !== 'assistant' || rejected?.length !== 1 || rejected[0]?.role !== 'assistant') {
    return 'Each of the two answers of a preference row must be one assistant message.'
  }
  if (messages.length < 2 || messages.at(-2)?.role === 'assistant') return 'A preference row needs a question before its two answers.'
  return null
}
