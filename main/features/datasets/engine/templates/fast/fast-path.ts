import type { ChatMessage } from '../../../../../../preload/contract/datasets.ts'
import type { RowContent } from '../../row-model.ts'
import type { RowParts } from '../row-parts.ts'
import type { SpecialTokens } from '../template-types.ts'

/** A chat template compiled by hand: writes the row's parts, or answers false before it wrote any where the row needs Jinja. */
export type FastPath = (content: RowContent, parts: RowParts, special: SpecialTokens) => boolean

/** True for a conversation without tools: perhaps a system text, then user and assistant in turn. */
export function isPlainChat({ messages, tools }: RowContent): boolean {
  const first = messages[0]?.role === 'system' ? 1 : 0
  if (tools !== null || messages.length <= first) return false
  for (let index = first; index < messages.length; index += 1) {
    const message = messages[index] as ChatMessage
    if (message.role !== ((index - first) % 2 === 0 ? 'user' : 'assistant') || message.toolCalls !== undefined) return false
  }
  return true
}

/** True for a message whose tokens are learned. */
export function isLearned(message: ChatMessage): boolean {
  return message.role === 'assistant' && message.isTrained !== false
}
