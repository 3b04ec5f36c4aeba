import type { ChatMessage } from '../../../../../../preload/contract/datasets.ts'
import type { RowParts } from '../row-parts.ts'
import { isLearned, isPlainChat, type FastPath } from './fast-path.ts'

/** The date is a fixed one; a run prints the day it starts, which has as many tokens. */
const system =
  '<|start|>system<|message|>You are ChatGPT, a large language model trained by OpenAI.\nKnowledge cutoff: 2024-06\n' +
  'Current date: 2024-07-26\n\nReasoning: medium\n\n' +
  '# Valid channels: analysis, commentary, final. Channel must be included for every message.<|end|>'

/** gpt-oss (harmony): only the last answer keeps its reasoning, and it alone ends with the return token. */
export const writeHarmony: FastPath = (content, parts) => {
  const { messages } = content
  if (!isPlainChat(content) || messages.some(hasChannel)) return false
  parts.fixed(system, false)
  for (const [index, message] of messages.entries()) {
    if (message.role === 'system') writeInstructions(parts, message.content)
    else if (message.role === 'user') writeUser(parts, message.content)
    else writeAnswer(parts, message, index === messages.length - 1)
  }
  return true
}

/** The template refuses answers that bring their own channel marks. */
function hasChannel({ role, content, reasoning }: ChatMessage): boolean {
  return role === 'assistant' && (content.includes('<|channel|>') || (reasoning?.includes('<|channel|>') ?? false))
}

function writeInstructions(parts: RowParts, text: string): void {
  if (text === '') return
  parts.fixed('<|start|>developer<|message|>', false)
  parts.body('', `# Instructions\n\n${text}\n\n`, false, false)
  parts.fixed('<|end|>', false)
}

function writeUser(parts: RowParts, text: string): void {
  parts.fixed('<|start|>user<|message|>', false)
  parts.body('', text, false, false)
  parts.fixed('<|end|>', false)
}

function writeAnswer(parts: RowParts, message: ChatMessage, isLast: boolean): void {
  const isTrained = isLearned(message)
  parts.fixed('<|start|>assistant', false)
  if (isLast && message.reasoning !== undefined) {
    parts.fixed('<|channel|>analysis<|message|>', isTrained)
    parts.body('', message.reasoning, isTrained, isTrained)
    parts.fixed('<|end|><|start|>assistant', isTrained)
  }
  // The trainer learns the channel of the last answer too; of earlier ones only what cannot be rewritten.
  parts.fixed('<|channel|>final<|message|>', isTrained && isLast)
  parts.body('', message.content, isTrained, isTrained)
  parts.fixed(isLast ? '<|return|>' : '<|end|>', isTrained)
}
