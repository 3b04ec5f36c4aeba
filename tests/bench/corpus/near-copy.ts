import type { CorpusMessage } from './conversation.ts'

const fillers = ['indeed', 'however', 'roughly', 'perhaps', 'namely', 'again', 'mostly'] as const
const wordsPerChange = 40
/** A text with fewer spaces is written without them; a word is added to it. */
const leastWords = 12

/** The same conversation with one word in forty of its last message replaced. */
export function makeNearCopy(messages: readonly CorpusMessage[], random: () => number): CorpusMessage[] {
  const last = messages.at(-1)
  if (last === undefined || typeof last.content !== 'string') return [...messages]
  const words = last.content.split(' ')
  if (words.length < leastWords) words.push(drawFiller(random))
  else {
    const changes = Math.max(1, Math.floor(words.length / wordsPerChange))
    for (let change = 0; change < changes; change += 1) words[Math.floor(random() * words.length)] = drawFiller(random)
  }
  return [...messages.slice(0, -1), { ...last, content: words.join(' ') }]
}

function drawFiller(random: () => number): string {
  return fillers[Math.floor(random() * fillers.length)] ?? fillers[0]
}
