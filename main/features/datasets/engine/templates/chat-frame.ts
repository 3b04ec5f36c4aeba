import type { ChatMessage } from '../../../../../preload/contract/datasets.ts'
import type { RowContent, Tokenizer } from '../row-model.ts'
import type { FastPath } from './fast/fast-path.ts'
import { createCountedParts, type RowParts } from './row-parts.ts'
import type { SpecialTokens } from './template-types.ts'

/** Tokens that a template puts around the texts of a chat. */
export interface ChatFrame {
  readonly total: number
  readonly trained: number
}

/** Answers the frame of a chat of so many turns; null where the template does more with a text than set it between its own. */
export type FindChatFrame = (turns: number, hasSystem: boolean) => ChatFrame | null

/** A template's frames, each counted once, from a chat whose texts are known. */
export function createChatFrames(fastPath: FastPath, tokenizer: Tokenizer, special: SpecialTokens): FindChatFrame {
  const frames = new Map<number, ChatFrame | null>()
  const find: FindChatFrame = (turns, hasSystem) => {
    const content = sampleChat(turns, hasSystem)
    if (!setsTextsApart(fastPath, content, special)) return null
    const parts = createCountedParts(tokenizer)
    fastPath(content, parts, special)
    const countOf = (messages: readonly ChatMessage[]) => messages.reduce((sum, message) => sum + tokenizer.count(message.content), 0)
    return {
      total: parts.total - countOf(content.messages),
      trained: parts.trained - countOf(content.messages.filter(({ role }) => role === 'assistant')),
    }
  }
  return (turns, hasSystem) => {
    const key = turns * 2 + (hasSystem ? 1 : 0)
    const known = frames.get(key)
    if (known !== undefined) return known
    const frame = find(turns, hasSystem)
    frames.set(key, frame)
    return frame
  }
}

function sampleChat(turns: number, hasSystem: boolean): RowContent {
  const messages = Array.from({ length: turns }, (_, index): ChatMessage => {
    const place = hasSystem ? index - 1 : index
    return { role: place < 0 ? 'system' : place % 2 === 0 ? 'user' : 'assistant', content: `Text${index}.` }
  })
  return { shape: 'messages', messages, rejected: null, text: null, tools: null }
}

/** True when every text is a body of its own, an answer is learned and nothing else is, and none turns up elsewhere. */
function setsTextsApart(fastPath: FastPath, content: RowContent, special: SpecialTokens): boolean {
  const bodies: string[] = []
  const isAnswer = new Set(content.messages.filter(({ role }) => role === 'assistant').map((message) => message.content))
  let isApart = true
  const isFixed = (text: string) => !content.messages.some((message) => text.includes(message.content))
  const parts: RowParts = {
    fixed(text) {
      isApart &&= isFixed(text)
    },
    body(lead, text, _isLeadTrained, isTrained) {
      isApart &&= isFixed(lead) && isTrained === isAnswer.has(text)
      if (text !== '') bodies.push(text)
    },
  }
  if (!fastPath(content, parts, special)) return false
  return isApart && bodies.length === content.messages.length && content.messages.every((message, at) => message.content === bodies[at])
}
