import type { ChatMessage } from '../../../../../preload/contract/datasets.ts'

/** A role as the conversation knows it. */
export type Role = ChatMessage['role']

/** Words of OpenAI's own format that only some services accept. */
const beyondBasic: ReadonlyMap<string, Role> = new Map([
  ['developer', 'system'],
  ['function', 'tool'],
])
/** Words that another known format uses; their meaning is certain. */
const aliases: ReadonlyMap<string, Role> = new Map([
  ['human', 'user'],
  ['gpt', 'assistant'],
  ['model', 'assistant'],
  ['chatgpt', 'assistant'],
  ['observation', 'tool'],
  ['tool_response', 'tool'],
  ['function_call', 'assistant'],
  ['tool_call', 'assistant'],
])
/** Words people write; their meaning is likely, so they are renamed only when asked. */
const guesses: ReadonlyMap<string, Role> = new Map([
  ['bot', 'assistant'],
  ['chatbot', 'assistant'],
  ['ai', 'assistant'],
  ['agent', 'assistant'],
  ['output', 'assistant'],
  ['assistent', 'assistant'],
  ['assitant', 'assistant'],
  ['asistant', 'assistant'],
  ['input', 'user'],
  ['person', 'user'],
  ['customer', 'user'],
  ['prompter', 'user'],
  ['question', 'user'],
  ['answer', 'assistant'],
  ['sys', 'system'],
  ['system_prompt', 'system'],
  ['tool_result', 'tool'],
  ['function_response', 'tool'],
])
/** Words that ShareGPT files use besides the aliases. */
const shareGptWords: ReadonlySet<string> = new Set(['bot', 'input', 'output'])

/** How a role word was understood. */
export interface RoleReading {
  readonly role: Role
  readonly how: 'exact' | 'beyond-basic' | 'alias'
}

const exact: Readonly<Record<Role, RoleReading>> = {
  system: { role: 'system', how: 'exact' },
  user: { role: 'user', how: 'exact' },
  assistant: { role: 'assistant', how: 'exact' },
  tool: { role: 'tool', how: 'exact' },
}

/** Reads the word of a `role` or, in ShareGPT's dialect, a `from`; null when it is not known. */
export function readRole(word: string, isShareGpt: boolean): RoleReading | null {
  switch (word) {
    case 'system':
    case 'user':
    case 'assistant':
      return exact[word]
    case 'tool':
      return isShareGpt ? exact.tool : { role: 'tool', how: 'beyond-basic' }
  }
  const folded = word.length > 40 ? word : word.trim().toLowerCase()
  const openAi = beyondBasic.get(word)
  if (openAi !== undefined) return { role: openAi, how: 'beyond-basic' }
  const alias =
    aliases.get(folded) ?? beyondBasic.get(folded) ?? (isShareGpt && shareGptWords.has(folded) ? guesses.get(folded) : undefined)
  if (alias !== undefined) return isShareGpt && word === folded ? exact[alias] : { role: alias, how: 'alias' }
  switch (folded) {
    case 'system':
    case 'user':
    case 'assistant':
    case 'tool':
      return { role: folded, how: 'alias' }
    default:
      return null
  }
}

/** What an unknown word most likely means; null when that is not clear. */
export function guessRole(word: string): Role | null {
  return guesses.get(word.trim().toLowerCase()) ?? null
}

/** True for the words of a ShareGPT turn whose text is a call in JSON. */
export function isCallWord(word: unknown): boolean {
  return word === 'function_call' || word === 'tool_call'
}
