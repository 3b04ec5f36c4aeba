import type { ChatMessage } from '../../../../../../preload/contract/datasets.ts'

/** Puts separate reasoning in front of the answer between `<think>` tags, for layouts that have one text per turn. */
export function withReasoning(message: ChatMessage): ChatMessage {
  const { reasoning, ...rest } = message
  return reasoning === undefined ? message : { ...rest, content: `<think>\n${reasoning}\n</think>\n\n${message.content}` }
}
