import type { RowParts } from '../row-parts.ts'
import { isLearned, isPlainChat, type FastPath } from './fast-path.ts'

/** The role lines of ChatML. */
export const chatMlLeads = { system: 'system\n', user: 'user\n', assistant: 'assistant\n', tool: 'tool\n' } as const

/** Writes one ChatML turn; the line break after it is nothing that is learned. */
export function writeChatMlTurn(parts: RowParts, lead: string, text: string, isTrained: boolean): void {
  parts.fixed('<|im_start|>', false)
  parts.body(lead, text, false, isTrained)
  parts.fixed('<|im_end|>', isTrained)
  parts.fixed('\n', false)
}

/** ChatML with a system text of its own for conversations that bring none. */
export function createChatMl(defaultSystem: string): FastPath {
  const system = `<|im_start|>system\n${defaultSystem}<|im_end|>\n`
  return (content, parts) => {
    if (!isPlainChat(content)) return false
    if (content.messages[0]?.role !== 'system') parts.fixed(system, false)
    for (const message of content.messages) writeChatMlTurn(parts, chatMlLeads[message.role], message.content, isLearned(message))
    return true
  }
}
