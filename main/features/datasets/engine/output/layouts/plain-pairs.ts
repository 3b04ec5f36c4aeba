import type { ChatMessage } from '../../../../../../preload/contract/datasets.ts'
import type { RowContent } from '../../row-model.ts'
import { furtherFields } from './further-fields.ts'
import { jsonObject, jsonOf, type LayoutContext, type LayoutRow } from './layout-row.ts'
import type { MessageFields } from './message-fields.ts'
import { withReasoning } from './reasoning.ts'

/** Alpaca rows: the last question and answer, with earlier pairs in `history`. */
export function toAlpaca(content: RowContent, value: unknown, context: LayoutContext, fields: MessageFields): LayoutRow {
  const pairs = readPairs(content, fields, 'Alpaca')
  if ('refused' in pairs) return pairs
  const last = pairs.pairs.at(-1)
  if (last === undefined) return { refused: 'Alpaca rows need a question and an answer.' }
  const history = pairs.pairs.slice(0, -1)
  return {
    json: jsonObject([
      ['instruction', JSON.stringify(last[0])],
      ['input', '""'],
      ['output', JSON.stringify(last[1])],
      ['system', jsonOf(pairs.system)],
      ['history', history.length === 0 ? undefined : JSON.stringify(history)],
      ...furtherFields(content, value, context, ['instruction', 'input', 'output', 'system', 'history']),
    ]),
    part: 'conversations',
  }
}

/** Prompt/completion rows with plain texts, the form that every reader of this layout takes. */
export function toPromptCompletion(content: RowContent, value: unknown, context: LayoutContext, fields: MessageFields): LayoutRow {
  const pairs = readPairs(content, fields, 'Prompt/completion')
  if ('refused' in pairs) return pairs
  if (pairs.system !== undefined) return { refused: 'Prompt/completion rows have no place for a system text.' }
  const [pair, second] = pairs.pairs
  if (pair === undefined) return { refused: 'Prompt/completion rows need a question and an answer.' }
  if (second !== undefined) return { refused: 'Prompt/completion rows hold one question and one answer; this row has more.' }
  return {
    json: jsonObject([
      ['prompt', JSON.stringify(pair[0])],
      ['completion', JSON.stringify(pair[1])],
      ...furtherFields(content, value, context, ['prompt', 'completion']),
    ]),
    part: 'conversations',
  }
}

interface Pairs {
  readonly system: string | undefined
  readonly pairs: readonly (readonly [string, string])[]
}

/** Questions with their answers, or the first thing that a layout of plain texts would lose. */
function readPairs(content: RowContent, fields: MessageFields, title: string): Pairs | { readonly refused: string } {
  if (content.text !== null) return { refused: `${title} rows are questions with answers; this row is plain text.` }
  if (content.rejected !== null) return { refused: `${title} rows have one answer; this row has a preferred and a rejected one.` }
  if (content.tools !== null && content.tools.length > 0) return { refused: `${title} rows have no place for tool definitions.` }
  for (const [index, message] of content.messages.entries()) {
    const lost = lostPart(message, fields.messages[index] ?? [])
    if (lost !== null) return { refused: `${title} rows have no place for ${lost}.` }
  }
  const first = content.messages[0]
  const system = first?.role === 'system' ? first.content : undefined
  const turns = system === undefined ? content.messages : content.messages.slice(1)
  const pairs: (readonly [string, string])[] = []
  for (let index = 0; index < turns.length; index += 2) {
    const question = turns[index]
    const answer = turns[index + 1]
    if (question?.role !== 'user' || answer?.role !== 'assistant') {
      return { refused: `${title} rows need questions and answers that take turns, the answer last.` }
    }
    pairs.push([question.content, withReasoning(answer).content])
  }
  return { system, pairs }
}

function lostPart(message: ChatMessage, further: readonly (readonly [string, string])[]): string | null {
  if (message.role === 'tool' || (message.toolCalls ?? []).length > 0) return 'tool calls'
  if (message.isTrained === false) return 'an answer that is not to be learnt'
  if (message.name !== undefined) return 'names of speakers'
  if (message.role !== 'assistant' && message.reasoning !== undefined) return 'reasoning outside an answer'
  const key = further[0]?.[0]
  return key === undefined ? null : `the field "${key}" of a message`
}
