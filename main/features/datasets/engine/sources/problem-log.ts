import type { SourceProblem, SourceProblemKind } from './source-types.ts'

/** Collects problems: exact counts, bounded examples. */
export interface ProblemLog {
  add(source: number, line: number, kind: SourceProblemKind): void
  readonly problems: readonly SourceProblem[]
  readonly counts: Partial<Record<SourceProblemKind, number>>
}

const examplesPerKind = 1000

const texts: Readonly<Record<SourceProblemKind, readonly [message: string, suggestion: string]>> = {
  row_too_long: ['The row is longer than 64 MB and was left out.', 'Shorten the row or split it into several rows.'],
  list_cut_off: ['The file ends before its list does; the last row may be incomplete.', 'Save or download the file again.'],
  list_not_found: ['The list of rows was not found in the file.', 'Save the rows as JSON Lines: one per line.'],
  text_after_list: ['There is more text after the end of the list; it was read as further rows.', 'Check the rows from this line on.'],
  properties_left_out: [
    'The object around the list of rows has other properties; they were left out.',
    'Copy them into the rows if they matter for training.',
  ],
  line_break_in_text: [
    'A text holds a line break that is not escaped; it was kept as \\n.',
    'Check the text; a closing quote may be missing.',
  ],
  cells_missing: ['The row has fewer cells than the table has columns.', 'Check that no delimiter or closing quote is missing.'],
  cells_extra: [
    'The row has more cells than the table has columns; the others were kept under a column number.',
    'Put cells that hold the delimiter in quotes.',
  ],
  quote_open: ['A quoted cell begins here and never ends; the rest of the file became part of it.', 'Add the closing quote.'],
  quote_stray: ['Text follows the closing quote of a cell; it was kept as part of the cell.', 'Double the quotes inside quoted cells.'],
  character_replaced: ['A character is damaged and was replaced by �.', 'Save the file as UTF-8 again from its original.'],
  number_not_finite: [
    'A number is NaN or infinite, which JSON cannot hold; it became null.',
    'Check that the column is not needed for training.',
  ],
  bytes_as_base64: [
    'A column holds bytes that are not text; they were kept as Base64.',
    'Check that the column is not needed for training.',
  ],
}

/** Creates an empty log. */
export function createProblemLog(): ProblemLog {
  const problems: SourceProblem[] = []
  const counts: Partial<Record<SourceProblemKind, number>> = {}
  return {
    problems,
    counts,
    add(source, line, kind) {
      const count = (counts[kind] ?? 0) + 1
      counts[kind] = count
      const [message, suggestion] = texts[kind]
      if (count <= examplesPerKind) problems.push({ source, line, kind, message, suggestion })
    },
  }
}
