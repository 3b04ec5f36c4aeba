import type { SourceFormat } from '../../../../../preload/contract/datasets.ts'

/** Why a file cannot be read, with what to do about it. */
export interface UnreadableReason {
  readonly message: string
  readonly suggestion: string
}

/** How the cells of a table are told apart. */
export interface TableDialect {
  /** The byte between two cells. */
  readonly delimiter: number
  readonly hasHeader: boolean
}

/** Where the rows of a JSON file stand that is not JSON Lines. */
export interface ListLayout {
  /** `array`: elements of one outer list; `sequence`: values one after another; `property`: the list under one key of an outer object. */
  readonly kind: 'array' | 'sequence' | 'property'
  readonly property: string | null
}

/** What the bytes of a file turned out to be, and all that is needed to read its rows. */
export interface SourceSniff extends SourceFormat {
  readonly sizeBytes: number
  /** Columns of a table, in order; null for JSON. */
  readonly columns: string[] | null
  readonly table: TableDialect | null
  readonly list: ListLayout | null
  /** Plain UTF-8 JSON Lines, which the passes can read where it stands. */
  readonly isPlain: boolean
  /** Set when the file cannot be read; `format` then says nothing. */
  readonly problem: UnreadableReason | null
}

/** Kinds of things that were met while a source was read and that its user should know. */
export type SourceProblemKind =
  | 'row_too_long'
  | 'list_cut_off'
  | 'list_not_found'
  | 'text_after_list'
  | 'properties_left_out'
  | 'line_break_in_text'
  | 'cells_missing'
  | 'cells_extra'
  | 'quote_open'
  | 'quote_stray'
  | 'character_replaced'
  | 'number_not_finite'
  | 'bytes_as_base64'

/** One such thing with its true place. */
export interface SourceProblem {
  /** Number of the source in the list that was given. */
  readonly source: number
  /** 1-based line of the source; the row for Parquet. */
  readonly line: number
  readonly kind: SourceProblemKind
  readonly message: string
  readonly suggestion: string
}

/** A reader that is fed with a source's bytes as UTF-8, in chunks of any size. */
export interface SourceReader {
  /** Reads on from `start`; answers where it stopped, which is before the end when the writer is full. */
  push(chunk: Buffer, start: number): number
  /** Says that nothing more follows. */
  end(): void
}
