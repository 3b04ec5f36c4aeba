import type { ChatMessage } from '../../../../../../preload/contract/datasets.ts'
import { stripEnd, stripStart, strip } from '../python-strings.ts'
import type { RowParts } from '../row-parts.ts'
import { chatMlLeads, writeChatMlTurn } from './chatml.ts'
import { isLearned, isPlainChat, type FastPath } from './fast-path.ts'

interface Answer {
  readonly reasoning: string
  readonly text: string
}

/** Qwen3: the last answer gets a think block, even an empty one; earlier answers lose theirs. */
export const writeQwen3: FastPath = (content, parts) => {
  const { messages } = content
  // A user turn that is a tool's reply is not a question, which moves the think block.
  if (!isPlainChat(content) || messages.some(isToolReply)) return false
  for (const [index, message] of messages.entries()) {
    const isTrained = isLearned(message)
    if (message.role !== 'assistant') writeChatMlTurn(parts, chatMlLeads[message.role], message.content, false)
    else if (index < messages.length - 1) writeChatMlTurn(parts, chatMlLeads.assistant, answerOf(message).text, isTrained)
    else writeLastAnswer(parts, answerOf(message), isTrained)
  }
  return true
}

function isToolReply({ role, content }: ChatMessage): boolean {
  return role === 'user' && content.startsWith('<tool_response>') && content.endsWith('</tool_response>')
}

function answerOf({ content, reasoning }: ChatMessage): Answer {
  if (reasoning !== undefined) return { reasoning, text: content }
  const lastEnd = content.lastIndexOf('</think>')
  if (lastEnd < 0) return { reasoning: '', text: content }
  const before = stripEnd(content.slice(0, content.indexOf('</think>')), '\n')
  const start = before.lastIndexOf('<think>')
  return {
    reasoning: stripStart(start < 0 ? before : before.slice(start + '<think>'.length), '\n'),
    text: stripStart(content.slice(lastEnd + '</think>'.length), '\n'),
  }
}

function writeLastAnswer(parts: RowParts, { reasoning, text }: Answer, isTrained: boolean): void {
  parts.fixed('<|im_start|>assistant\n', false)
  const thought = strip(reasoning, '\n')
  if (thought === '') parts.fixed('<think>\n\n</think>', isTrained)
  else {
    parts.fixed('<think>', isTrained)
    parts.body('', `\n${thought}\n`, isTrained, isTrained)
    parts.fixed('</think>', isTrained)
  }
  parts.body('\n\n', stripStart(text, '\n'), isTrained, isTrained)
  parts.fixed('<|im_end|>', isTrained)
  parts.fixed('\n', false)
}
