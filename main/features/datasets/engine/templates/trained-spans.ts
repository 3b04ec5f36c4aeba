import type { ChatMessage } from '../../../../../preload/contract/datasets.ts'
import type { RowContent, Tokenizer } from '../row-model.ts'
import { TemplateRefusal, type JinjaTemplate } from './jinja.ts'
import { toTemplateMessages, type TemplateMessage } from './template-messages.ts'
import type { RenderOutcome, Span } from './template-types.ts'
import { placeTokens, type PlacedTokens } from './token-offsets.ts'

// The trainer finds the learned part of a row in the same way (trainer/data.py); both change together.

const sentinel = '\ue000\ue001\ue000'
const longestEndToken = 64

interface Conversation {
  readonly messages: readonly TemplateMessage[]
  readonly tools: readonly unknown[] | null
  readonly text: string
}

/** Renders a row with its template and finds what the model learns of it. */
export function renderWithJinja(jinja: JinjaTemplate, tokenizer: Tokenizer, content: RowContent): RenderOutcome {
  const messages = toTemplateMessages(content.messages)
  try {
    if (jinja.hasTags) return renderTagged(jinja, content, messages)
    const conversation = { messages, tools: content.tools, text: jinja.render(messages, content.tools, false) }
    const spans: Span[] = []
    for (const [index, message] of content.messages.entries()) {
      if (!isLearned(message)) continue
      const span = spanByPrefix(jinja, conversation, index) ?? spanBySubstitution(jinja, tokenizer, conversation, index)
      if (span !== null) spans.push(span)
    }
    return { ok: true, text: conversation.text, spans }
  } catch (error) {
    if (error instanceof TemplateRefusal) return { ok: false, problem: error.message }
    throw error
  }
}

function isLearned(message: ChatMessage): boolean {
  return message.role === 'assistant' && message.isTrained !== false
}

function renderTagged(jinja: JinjaTemplate, content: RowContent, messages: readonly TemplateMessage[]): RenderOutcome {
  const { text, spans } = jinja.renderTagged(messages, content.tools)
  const answers = content.messages.filter((message) => message.role === 'assistant')
  // One tagged part for each answer tells which part belongs to an answer that is left out.
  const isMatched = answers.length === spans.length
  return { ok: true, text, spans: isMatched ? spans.filter((_, index) => answers[index]?.isTrained !== false) : spans }
}

/** The answer is what rendering it adds to the prompt, if rendering leaves the past as it was. */
function spanByPrefix(jinja: JinjaTemplate, { messages, tools, text }: Conversation, index: number): Span | null {
  if (index === 0) return null
  const prompt = jinja.render(messages.slice(0, index), tools, true)
  const answered = index + 1 === messages.length ? text : jinja.render(messages.slice(0, index + 1), tools, false)
  return answered.startsWith(prompt) && text.startsWith(answered) ? { start: prompt.length, end: answered.length } : null
}

/** For templates that rewrite earlier turns: the answer is what changes when it is replaced. */
function spanBySubstitution(
  jinja: JinjaTemplate,
  tokenizer: Tokenizer,
  { messages, tools, text }: Conversation,
  index: number,
): Span | null {
  const replaced = messages.map((message, place) => (place === index ? { ...message, content: sentinel } : message))
  const other = jinja.render(replaced, tools, false)
  const start = other.indexOf(sentinel)
  if (start < 0 || text.slice(0, start) !== other.slice(0, start)) return null
  const tail = other.slice(start + sentinel.length)
  const end = text.length - tail.length
  if (end < start || !text.endsWith(tail)) return null
  return { start, end: end + endTokenLength(tokenizer, tail) }
}

function endTokenLength(tokenizer: Tokenizer, tail: string): number {
  const id = tokenizer.encode(tail.slice(0, longestEndToken))[0]
  if (id === undefined || !tokenizer.isSpecial(id)) return 0
  return Buffer.from(tokenizer.bytesOf(id)).toString('utf8').length
}

/** A row as tokens; `learned` says which of them carry loss. */
export interface MarkedTokens extends PlacedTokens {
  readonly learned: Uint8Array
}

/** Encodes a rendered row and marks the learned tokens: those that begin in a span, up to the end-of-turn token. */
export function markTokens(tokenizer: Tokenizer, text: string, spans: readonly Span[]): MarkedTokens {
  const { ids, starts } = placeTokens(tokenizer, text)
  const learned = new Uint8Array(ids.length)
  let first = 0
  for (const { start, end } of spans) {
    while (first < ids.length && (starts[first] ?? 0) < start) first += 1
    let stop = first
    let afterEnd = -1
    for (; stop < ids.length && (starts[stop] ?? 0) < end; stop += 1) if (tokenizer.isSpecial(ids[stop] ?? -1)) afterEnd = stop + 1
    // The first token of a row follows nothing, so it cannot be learned.
    learned.fill(1, Math.max(first, 1), Math.max(afterEnd < 0 ? stop : afterEnd, 1))
  }
  return { ids, starts, learned }
}
