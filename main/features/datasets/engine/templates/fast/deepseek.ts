import { isLearned, isPlainChat, type FastPath } from './fast-path.ts'

/** DeepSeek V3: the system text stands bare after the start token. */
export const writeDeepSeek: FastPath = (content, parts, { bos, eos }) => {
  if (bos === null || eos === null || !isPlainChat(content)) return false
  parts.fixed(bos, false)
  for (const message of content.messages) {
    const isTrained = isLearned(message)
    if (message.role === 'user') parts.fixed('<｜User｜>', false)
    else if (message.role === 'assistant') parts.fixed('<｜Assistant｜>', false)
    parts.body('', message.content, false, isTrained)
    if (message.role === 'assistant') parts.fixed(eos, isTrained)
  }
  return true
}
