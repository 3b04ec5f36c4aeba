import type { ChatMessage, ColumnMapping, RowShape, Severity } from '../../../../preload/contract/datasets.ts'

/** A conversation, a text or a preference pair, whatever shape the row had. */
export interface RowContent {
  readonly shape: RowShape
  /** The conversation; for a preference row the prompt followed by the chosen answer; empty for `text`. */
  readonly messages: readonly ChatMessage[]
  /** The rejected answer of a preference row. */
  readonly rejected: readonly ChatMessage[] | null
  /** The text of a continued pre-training row. */
  readonly text: string | null
  /** Function definitions as they stand in the row; parsed where the row keeps them as JSON text. */
  readonly tools: readonly unknown[] | null
}

/** One fault of one row, without its place in the file. */
export interface RowFault {
  /** Number of the rule in the rule table, 0–63. */
  readonly rule: number
  /** RFC 6901 pointer into the row; empty for the row as a whole. */
  readonly pointer: string
  readonly message: string
  readonly got: string
  readonly expected: string
}

/** What one row turned out to be. The reader re-uses this object: copy what is to be kept. */
export interface RowReading {
  /** The parsed JSON; undefined when the bytes are not JSON. It may be parsed on first use: look at it before the next read. */
  readonly value: unknown
  shape: RowShape | null
  /** Null when a fault of severity `error` makes the row unusable. */
  readonly content: RowContent | null
  /** The row holds nothing but "messages", and nothing is wrong with it, which was seen without parsing it. */
  isPlainChat: boolean
  /** A metadata line (`_meta`), which is neither usable nor faulty. */
  isMetadata: boolean
  /** One shared empty list where nothing is wrong. */
  faults: readonly RowFault[]
  /** Bit n of the pair is set when rule n occurs (low: rules 0–31, high: 32–63). */
  rulesLow: number
  rulesHigh: number
  turns: number
  assistantTurns: number
  /** UTF-16 units of all message texts. */
  characters: number
  assistantCharacters: number
}

/** How rows are read. */
export interface RowReadingOptions {
  /** Code of the byte scan that another thread has made. */
  readonly scanCode?: WebAssembly.Module
  readonly mapping: ColumnMapping | null
}

/** The longest row that is read. */
export const maxRowBytes = 32 * 1024 * 1024

/** Reads and checks rows one after another. */
export interface RowReader {
  /** Checks `bytes` (one line without its line break); never throws on bad input. */
  read(bytes: Buffer): RowReading
}

/** One thing that can be wrong. */
export interface Rule {
  /** Number in the table; never re-used, because it is stored as a bit. */
  readonly number: number
  /** Stable name, such as `role.unknown`. */
  readonly id: string
  readonly level: 'json' | 'schema' | 'token' | 'set'
  readonly severity: Severity
  readonly title: string
  readonly advice: string
  /** What the safe bulk fix does, as a button says it; null where there is none. */
  readonly fixLabel: string | null
}

/** Tokens of the texts of a chat row, without those of its template. The tokenizer re-uses the object. */
export interface ChatTexts {
  /** Its first turn is the system's. */
  hasSystem: boolean
  total: number
  /** Of the assistant's turns alone. */
  answers: number
}

/** Exact counts and ids with one vocabulary. */
export interface Tokenizer {
  readonly family: string
  /** Number of tokens of a text; special tokens that stand in the text count as one each. */
  count(text: string): number
  /** Ids of a text, without automatic start or end tokens. */
  encode(text: string): number[]
  /**
   * Tokens of the texts of a row that `RowReading.isPlainChat` is true of, straight from its bytes; null where a text may be
   * rewritten by a normaliser or a template, or holds a control token. Absent where only strings can be counted.
   */
  countChat?(row: Uint8Array, turns: number): ChatTexts | null
  /** Bytes of a token, for showing boundaries; the UTF-8 of its text for special tokens. */
  bytesOf(id: number): Uint8Array
  isSpecial(id: number): boolean
}

/** A model's chat template with its tokenizer. */
export interface RowTokens {
  /** Tokens of the whole row and those that carry loss. */
  count(content: RowContent): { readonly total: number; readonly trained: number }
  /** The same for the bytes of a row that is a plain chat; null where its content has to be counted. */
  countPlainChat(row: Uint8Array, turns: number): { readonly total: number; readonly trained: number } | null
  /** The same, token by token. */
  tokens(
    content: RowContent,
  ): { readonly id: number; readonly bytes: Uint8Array; readonly isTrained: boolean; readonly isSpecial: boolean }[]
}
