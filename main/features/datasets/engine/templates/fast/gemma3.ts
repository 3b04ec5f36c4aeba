import { strip } from '../python-strings.ts'
import { isLearned, isPlainChat, type FastPath } from './fast-path.ts'

/** Gemma 3: the system text opens the first user turn. */
export const writeGemma3: FastPath = (content, parts, { bos }) => {
  if (bos === null || !isPlainChat(content)) return false
  const [first] = content.messages
  let prefix = first?.role === 'system' ? `${first.content}\n\n` : ''
  parts.fixed(bos, false)
  for (const message of content.messages) {
    if (message.role === 'system') continue
    const isTrained = isLearned(message)
    parts.fixed('<start_of_turn>', false)
    parts.body(message.role === 'user' ? 'user\n' : 'model\n', prefix + strip(message.content), false, isTrained)
    parts.fixed('<end_of_turn>', isTrained)
    parts.fixed('\n', false)
    prefix = ''
  }
  return true
}
