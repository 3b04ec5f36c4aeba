import type { ChatMessage } from '../../../../../preload/contract/datasets.ts'
import type { RowContent, Tokenizer } from '../row-model.ts'
import { TemplateRefusal, type JinjaTemplate } from './jinja.ts'
import { toTemplateMessages, type TemplateMessage } from './template-messages.ts'
import type { RenderOutcome, Span } from './template-types.ts'
import { placeTokens, type PlacedTokens } from './token-offsets.ts'

// The trainer finds the learned part of a row in the same way (trainer/data/learned_spans.py); both change together.

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
      const span =
        spanByPrefix(jinja, conversation, index) ??
        spanBySubstitution(jinja, tokenizer, conversation, index) ??
        spanOfSameWords(jinja, tokenizer, conversation, index, spans.at(-1)?.end ?? 0)
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
function spanByPrefix(jinja: JinjaTemplate, conversation: Conversation, index: number): Span | null {
  if (index === 0) return null
  const { messages, tools, text } = conversation
  const prompt = renderPart(jinja, messages.slice(0, index), tools, true)
  const answered = renderUpTo(jinja, conversation, index)
  if (prompt === null || answered === null) return null
  return answered.startsWith(prompt) && text.startsWith(answered) ? { start: prompt.length, end: answered.length } : null
}

/** For templates that rewrite earlier turns: the answer is what changes when another one is put in its place. */
function spanBySubstitution(
  jinja: JinjaTemplate,
  tokenizer: Tokenizer,
  { messages, tools, text }: Conversation,
  index: number,
): Span | null {
  // Calls and reasoning are part of the answer, so first they go too; a template may object to a result without its call.
  const bare = { role: 'assistant', content: sentinel }
  const kept = { ...bare, ...messages[index], content: sentinel }
  for (const replacement of Object.keys(kept).length > 2 ? [bare, kept] : [bare]) {
    const replaced = messages.map((message, place) => (place === index ? replacement : message))
    const other = renderPart(jinja, replaced, tools, false)
    const start = other?.indexOf(sentinel) ?? -1
    if (other === null || start < 0 || text.slice(0, start) !== other.slice(0, start)) continue
    const tail = other.slice(start + sentinel.length)
    const end = text.length - tail.length
    if (end >= start && text.endsWith(tail)) return { start, end: end + endTokenLength(tokenizer, tail) }
  }
  return null
}

/** For templates that move what stands in front of an answer, as Mistral’s does: the same words after the answer before. */
function spanOfSameWords(jinja: JinjaTemplate, tokenizer: Tokenizer, conversation: Conversation, index: number, from: number): Span | null {
  const answered = index === 0 ? null : renderUpTo(jinja, conversation, index)
  if (answered === null) return null
  const shorter = { ...conversation, messages: conversation.messages.slice(0, index + 1), text: answered }
  const span = spanBySubstitution(jinja, tokenizer, shorter, index)
  const said = span === null ? '' : answered.slice(span.start, span.end)
  const start = said === '' ? -1 : conversation.text.indexOf(said, from)
  return start < 0 ? null : { start, end: start + said.length }
}

function renderUpTo(jinja: JinjaTemplate, { messages, tools, text }: Conversation, index: number): string | null {
  return index + 1 === messages.length ? text : renderPart(jinja, messages.slice(0, index + 1), tools, false)
}

/** A template may refuse a part of a conversation that it takes as a whole. */
function renderPart(
  jinja: JinjaTemplate,
  messages: readonly TemplateMessage[],
  tools: readonly unknown[] | null,
  isPrompt: boolean,
): string | null {
  try {
    return jinja.render(messages, tools, isPrompt)
  } catch (error) {
    if (error instanceof TemplateRefusal) return null
    throw error
  }
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
