import type { Tokenizer } from '../row-model.ts'

/** The start and end tokens that a model's tokenizer configuration names; null where it has none. */
export interface SpecialTokens {
  readonly bos: string | null
  readonly eos: string | null
}

/** A model's chat template with what is needed to count its tokens. */
export interface TemplateSource {
  /** Jinja text; empty when the model's files carry none. */
  readonly templateText: string
  readonly specialTokens: SpecialTokens
  readonly family: string
  readonly tokenizer: Tokenizer
}

/** Characters `start` to `end` (exclusive) of a rendered row. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** A row as the model reads it, with the parts that are learned. */
export interface RenderedRow {
  readonly text: string
  readonly spans: readonly Span[]
}

/** What came of rendering: the text, or what the template objected to. */
export type RenderOutcome = ({ readonly ok: true } & RenderedRow) | { readonly ok: false; readonly problem: string }
