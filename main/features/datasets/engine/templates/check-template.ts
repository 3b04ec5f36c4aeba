import type { RowContent } from '../row-model.ts'
import type { TemplateTokens } from './row-tokens.ts'

/** How many rows of a file are enough to trust the fast path with the rest. */
export const templateCheckRows = 200

/** What the comparison of the fast path with Jinja found. */
export interface TemplateCheck {
  readonly rowsChecked: number
  /** Null when both agree on every row. */
  readonly difference: { readonly row: number; readonly fast: string; readonly jinja: string } | null
}

/** Compares the fast path with Jinja on the first rows of a file: the text, the learned spans' tokens and the counts. */
export function checkFastPath(rows: Iterable<RowContent>, rowTokens: TemplateTokens): TemplateCheck {
  if (!rowTokens.isFast || !rowTokens.hasJinja) return { rowsChecked: 0, difference: null }
  let row = 0
  for (const content of rows) {
    if (row >= templateCheckRows) break
    const fast = describe(rowTokens, content, 'fast')
    const jinja = describe(rowTokens, content, 'jinja')
    if (fast !== jinja) return { rowsChecked: row + 1, difference: { row, fast, jinja } }
    row += 1
  }
  return { rowsChecked: row, difference: null }
}

/** Checks a file's first rows and sends the whole file through Jinja when they differ; the answer says whether they did. */
export function settleRoute(rows: Iterable<RowContent>, rowTokens: TemplateTokens): TemplateCheck {
  const check = checkFastPath(rows, rowTokens)
  if (check.difference !== null) rowTokens.useJinja()
  return check
}

function describe(rowTokens: TemplateTokens, content: RowContent, route: 'fast' | 'jinja'): string {
  const rendered = rowTokens.render(content, route)
  if (!rendered.ok) return `refused: ${rendered.problem}`
  const { total, trained } = route === 'fast' ? rowTokens.count(content) : rowTokens.countExactly(content, route)
  return `${total} tokens, ${trained} learned: ${rendered.text}`
}
