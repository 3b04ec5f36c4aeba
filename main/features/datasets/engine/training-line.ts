import type { RowContent } from './row-model.ts'
import { openAiMessage } from './output/layouts/openai.ts'

/** A row as the trainer reads it, with its line break; null for a text without a conversation, which cannot be trained as a chat. */
export function toTrainingLine({ messages, tools }: RowContent): string | null {
  if (messages.length === 0) return null
  const list = messages.map((message) => openAiMessage(message, [])).join(',')
  return tools === null ? `{"messages":[${list}]}\n` : `{"messages":[${list}],"tools":${JSON.stringify(tools)}}\n`
}
