import type { RowContent, RowTokens } from '../row-model.ts'
import { createChatFrames } from './chat-frame.ts'
import { createJinjaTemplate } from './jinja.ts'
import { templateOf } from './known-templates.ts'
import { createCountedParts, createWrittenParts } from './row-parts.ts'
import type { RenderOutcome, TemplateSource } from './template-types.ts'
import { markTokens, renderWithJinja } from './trained-spans.ts'

/** Tokens of one row; `problem` says why the template refuses it, and both counts are 0 then. */
export interface RowTokenCount {
  readonly total: number
  readonly trained: number
  readonly problem: string | null
}

/** Which way rows are counted: `fast` where the template is a known one, `jinja` always by the template itself. */
export type TokenRoute = 'fast' | 'jinja'

/** A model's chat template with its tokenizer, with the ways to look at what it does. */
export interface TemplateTokens extends RowTokens {
  readonly family: string
  readonly tokenizer: TemplateSource['tokenizer']
  /** False where the model's files carry no template, so that there is nothing to check the fast path against. */
  readonly hasJinja: boolean
  /** True while rows can take the fast path. */
  readonly isFast: boolean
  /** Sends every row through Jinja from now on. */
  useJinja(): void
  count(content: RowContent): RowTokenCount
  /** The row as text with its learned spans. */
  render(content: RowContent, route?: TokenRoute): RenderOutcome
  /** Counts by encoding the whole rendered row; slow, and what `count` must agree with. */
  countExactly(content: RowContent, route: TokenRoute): RowTokenCount
}

const noTemplate = 'The app has no chat template of this model for rows with tools or an unusual order of turns.'

/** Creates the counter of one model; the same source gives the same counts on every machine and day. */
export function createRowTokens(source: TemplateSource): TemplateTokens {
  const { tokenizer, specialTokens, family } = source
  const choice = templateOf(family, source.templateText)
  const jinja = createJinjaTemplate(source.templateText, specialTokens)
  const parts = createCountedParts(tokenizer)
  let { fastPath } = choice
  const frameOf = fastPath === null ? null : createChatFrames(fastPath, tokenizer, specialTokens)

  const renderFast = (content: RowContent): RenderOutcome | null => {
    const written = createWrittenParts()
    return fastPath?.(content, written, specialTokens) === true ? { ok: true, ...written.finish() } : null
  }
  const render = (content: RowContent, route: TokenRoute = 'fast'): RenderOutcome => {
    if (content.messages.length === 0) return renderText(content, specialTokens.eos)
    const fast = route === 'fast' ? renderFast(content) : null
    if (fast !== null) return fast
    return choice.hasJinja ? renderWithJinja(jinja, tokenizer, content) : { ok: false, problem: noTemplate }
  }
  const countExactly = (content: RowContent, route: TokenRoute): RowTokenCount => {
    const rendered = render(content, route)
    if (!rendered.ok) return { total: 0, trained: 0, problem: rendered.problem }
    const { learned } = markTokens(tokenizer, rendered.text, rendered.spans)
    return { total: learned.length, trained: learned.reduce((sum, isLearned) => sum + isLearned, 0), problem: null }
  }
  return {
    family,
    tokenizer,
    hasJinja: choice.hasJinja,
    get isFast() {
      return fastPath !== null
    },
    useJinja() {
      if (choice.hasJinja) fastPath = null
    },
    render,
    countExactly,
    count(content) {
      if (content.messages.length === 0) return countText(source, content)
      parts.reset()
      if (fastPath?.(content, parts, specialTokens) === true) return { total: parts.total, trained: parts.trained, problem: null }
      return countExactly(content, 'jinja')
    },
    countPlainChat(row, turns) {
      if (fastPath === null || frameOf === null || tokenizer.countChat === undefined) return null
      const texts = tokenizer.countChat(row, turns)
      if (texts === null) return null
      const { total, answers } = texts
      const frame = frameOf(turns, texts.hasSystem)
      return frame === null ? null : { total: total + frame.total, trained: answers + frame.trained }
    },
    tokens(content) {
      const rendered = render(content)
      if (!rendered.ok) return []
      const { ids, learned } = markTokens(tokenizer, rendered.text, rendered.spans)
      return ids.map((id, index) => ({
        id,
        bytes: tokenizer.bytesOf(id),
        isTrained: learned[index] === 1,
        isSpecial: tokenizer.isSpecial(id),
      }))
    },
  }
}

/** A row that is text alone is learned as a whole, with the token that ends it. */
function renderText({ text }: RowContent, eos: string | null): RenderOutcome {
  if (text === null || text === '') return { ok: true, text: '', spans: [] }
  const ended = text + (eos ?? '')
  return { ok: true, text: ended, spans: [{ start: 0, end: ended.length }] }
}

function countText({ tokenizer, specialTokens }: TemplateSource, { text }: RowContent): RowTokenCount {
  if (text === null || text === '') return { total: 0, trained: 0, problem: null }
  const total = tokenizer.count(text + (specialTokens.eos ?? ''))
  return { total, trained: Math.max(0, total - 1), problem: null }
}
