import type { ChatMessage } from '../../../../../../preload/contract/datasets.ts'
import { strip } from '../python-strings.ts'
import type { RowParts } from '../row-parts.ts'
import { isLearned, isPlainChat, type FastPath } from './fast-path.ts'

const headers = {
  system: '<|start_header_id|>system<|end_header_id|>',
  user: '<|start_header_id|>user<|end_header_id|>',
  assistant: '<|start_header_id|>assistant<|end_header_id|>',
  tool: '<|start_header_id|>tool<|end_header_id|>',
} as const
/** The date is the template's own default; a run prints the day it starts, which has as many tokens. */
const datedLead = '\n\nCutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n'

function writeTurn(parts: RowParts, message: ChatMessage): void {
  const isTrained = isLearned(message)
  parts.fixed(headers[message.role], false)
  parts.body('\n\n', strip(message.content), false, isTrained)
  parts.fixed('<|eot_id|>', isTrained)
}

/** The short Llama 3 template: one header per turn and nothing else. */
export const writeLlama3: FastPath = (content, parts, { bos }) => {
  if (bos === null || !isPlainChat(content)) return false
  parts.fixed(bos, false)
  for (const message of content.messages) writeTurn(parts, message)
  return true
}

/** The Llama 3.2 template: every row has a system turn with the dates. */
export const writeDatedLlama3: FastPath = (content, parts, { bos }) => {
  if (bos === null || !isPlainChat(content)) return false
  const [first] = content.messages
  const system = first?.role === 'system' ? strip(first.content) : ''
  parts.fixed(bos, false)
  parts.fixed(headers.system, false)
  parts.body(datedLead, system, false, false)
  parts.fixed('<|eot_id|>', false)
  for (const message of content.messages) if (message.role !== 'system') writeTurn(parts, message)
  return true
}
