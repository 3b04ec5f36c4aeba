import type { Tokenizer } from '../row-model.ts'
import { isSpaceLike } from './python-strings.ts'
import type { RenderedRow, Span } from './template-types.ts'
import { placeTokens } from './token-offsets.ts'

/** Takes a row piece by piece; every piece begins and ends where a control token parts the text, so pieces are tokenised independently. */
export interface RowParts {
  /** One of the template's own texts. */
  fixed(text: string, isTrained: boolean): void
  /** A text of the row between two control tokens, after one of the template's own texts; `lead` ends with a line break or is empty. */
  body(lead: string, text: string, isLeadTrained: boolean, isTrained: boolean): void
}

/** Counts the tokens of rows. */
export interface CountedParts extends RowParts {
  /** Starts the next row. */
  reset(): void
  readonly total: number
  readonly trained: number
}

/** Creates a counter; the template's own texts are counted once. */
export function createCountedParts(tokenizer: Tokenizer): CountedParts {
  const known = new Map<string, number>()
  let total = 0
  let trained = 0
  const countOf = (text: string): number => {
    let count = known.get(text)
    if (count === undefined) known.set(text, (count = text === '' ? 0 : tokenizer.count(text)))
    return count
  }
  const add = (count: number, isTrained: boolean): void => {
    total += count
    if (isTrained) trained += count
  }
  return {
    get total() {
      return total
    },
    get trained() {
      return trained
    },
    reset() {
      total = 0
      trained = 0
    },
    fixed: (text, isTrained) => add(countOf(text), isTrained),
    body(lead, text, isLeadTrained, isTrained) {
      if (lead === '' || text === '' || !isSpaceLike(text.charCodeAt(0))) {
        // No word splitter joins a line break to what follows unless that is white space.
        if (lead !== '') add(countOf(lead), isLeadTrained)
        if (text !== '') add(tokenizer.count(text), isTrained)
      } else if (isLeadTrained === isTrained) add(tokenizer.count(lead + text), isTrained)
      else {
        const border = tokensBefore(tokenizer, lead, text)
        add(border, isLeadTrained)
        add(tokenizer.count(lead + text) - border, isTrained)
      }
    },
  }
}

/** More than any control token has. */
const longestControlToken = 64

/** Tokens that begin in `lead`; white space after it may belong to its last token, but nothing beyond the next word or control token. */
function tokensBefore(tokenizer: Tokenizer, lead: string, text: string): number {
  let end = 0
  while (end < text.length && isSpaceLike(text.charCodeAt(end))) end += 1
  const { ids, starts } = placeTokens(tokenizer, lead + text.slice(0, end + longestControlToken))
  let border = 0
  while (border < ids.length && (starts[border] ?? 0) < lead.length) border += 1
  return border
}

/** Writes a row out with its learned spans. */
export interface WrittenParts extends RowParts {
  finish(): RenderedRow
}

/** Creates a writer for one row. */
export function createWrittenParts(): WrittenParts {
  const spans: Span[] = []
  let text = ''
  const add = (piece: string, isTrained: boolean): void => {
    const start = text.length
    text += piece
    if (!isTrained || piece === '') return
    const last = spans.at(-1)
    if (last?.end === start) spans[spans.length - 1] = { start: last.start, end: text.length }
    else spans.push({ start, end: text.length })
  }
  return {
    fixed: add,
    body(lead, piece, isLeadTrained, isTrained) {
      add(lead, isLeadTrained)
      add(piece, isTrained)
    },
    finish: () => ({ text, spans }),
  }
}
