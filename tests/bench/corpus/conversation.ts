import type { PoolLanguage, TextPool } from './pool.ts'
import { createRowPlanner } from './row-plan.ts'
import { code, english } from './sources.ts'

/** A message as it stands in the file; a seeded defect may spoil it. */
export interface CorpusMessage {
  role: string
  content?: string | null
  weight?: number
}

/** Makes one conversation after another. */
export type ConversationMaker = () => CorpusMessage[]

const systemShare = 5 / 7
const systemTexts = [
  'You are a helpful assistant. Answer in the language of the question.',
  'You explain technical texts to readers who are new to the subject. Keep names and figures exactly as they are.',
  'You are a careful editor. Say what you changed and why.',
  'Du bist ein sachkundiger Assistent. Antworte knapp und nenne deine Quellen.',
  '你是一位耐心的助手，请用简洁、准确的语言回答。',
] as const
const taskShare = 2 / 3
const taskPhrases = [
  'Summarise the following text:',
  'Rewrite this so that a beginner understands it:',
  'What is wrong with the passage below?',
  'Continue in the same style:',
  'Explain step by step:',
  'List the main points of this:',
] as const
const endingShare = 0.15
const endings = ['👍🏽', '🇧🇷', '👩‍👩‍👧', '😀', '❤️', '“', '”', '—', '…', '🧑🏿‍🚀'] as const
const leastUserCharacters = 40
const leastAnswerCharacters = 60
/** English texts that a word processor has set; the sources themselves hold straight quotation marks. */
const typesetShare = 0.35
/** A message is cut where it is this much longer than wanted. */
const overshoot = 1.3

/** Creates the maker for a pool of real text. */
export function createConversationMaker(pool: TextPool, random: () => number): ConversationMaker {
  const plan = createRowPlanner(pool, random)
  const englishPool = pool.languages.find(({ language }) => language === english)

  return () => {
    const { pool: chosen, length, pairs } = plan()
    const messages: CorpusMessage[] = []
    if (random() < systemShare) messages.push({ role: 'system', content: pick(systemTexts, random) })
    for (let pair = 0; pair < pairs; pair += 1) {
      const turn = length / pairs
      const user = Math.max(leastUserCharacters, turn * (0.1 + random() * 0.35))
      const asksInEnglish = chosen.language === code && random() < 0.5
      const question = drawText(asksInEnglish && englishPool !== undefined ? englishPool : chosen, user, random)
      const task = random() < taskShare ? `${pick(taskPhrases, random)}\n\n` : ''
      messages.push({ role: 'user', content: task + question })
      messages.push({ role: 'assistant', content: drawText(chosen, Math.max(leastAnswerCharacters, turn - user), random) })
    }
    return messages
  }
}

/** Random paragraphs until there is enough text, cut where it is far more. */
function drawText(pool: PoolLanguage, wanted: number, random: () => number): string {
  let text = pool.paragraph(Math.floor(random() * pool.count))
  while (text.length < wanted) text += `\n\n${pool.paragraph(Math.floor(random() * pool.count))}`
  const most = Math.ceil(wanted * overshoot)
  if (text.length > most) text = cutText(text, most)
  if (pool.language === english && random() < typesetShare) text = typeset(text)
  return random() < endingShare ? `${text} ${pick(endings, random)}${pick(endings, random)}` : text
}

/** Cuts between characters, never inside one. */
function cutText(text: string, most: number): string {
  const unit = text.charCodeAt(most)
  return text.slice(0, unit >= 0xdc00 && unit < 0xe000 ? most - 1 : most).trimEnd()
}

/** Quotation marks, apostrophes and dashes as a word processor writes them. */
function typeset(text: string): string {
  return text
    .replace(/"([^"\n]*)"/g, '“$1”')
    .replace(/(\w)'(\w)/g, '$1’$2')
    .replace(/ --? /g, ' – ')
}

function pick<T>(list: readonly [T, ...T[]], random: () => number): T {
  return list[Math.floor(random() * list.length)] ?? list[0]
}
