import { isLearned, isPlainChat, type FastPath } from './fast-path.ts'

/** Mistral with the Tekken vocabulary: the system text stands only in a question that nothing answers, so a full row loses it. */
export const writeMistral: FastPath = (content, parts, { bos, eos }) => {
  if (bos === null || eos === null || !isPlainChat(content)) return false
  const { messages } = content
  const [first] = messages
  const system = first?.role === 'system' ? `${first.content}\n\n` : ''
  parts.fixed(bos, false)
  for (const [index, message] of messages.entries()) {
    const isTrained = isLearned(message)
    if (message.role === 'user') {
      parts.fixed('[INST]', false)
      parts.body('', index === messages.length - 1 ? system + message.content : message.content, false, false)
      parts.fixed('[/INST]', false)
    } else if (message.role === 'assistant') {
      parts.body('', message.content, false, isTrained)
      parts.fixed(eos, isTrained)
    }
  }
  return true
}
