import type { RowDetail, RowSummary, Severity, SplitName, Verdict } from '../../../../../preload/contract/datasets.ts'
import { findPrivate } from '../hygiene/findings.ts'
import { flagIdsOf, flagOf } from '../hygiene/flags.ts'
import type { RowContent } from '../row-model.ts'
import { rules } from '../rows/rules.ts'
import { judgeRow } from '../rows/verdicts.ts'
import type { DatasetView } from './dataset-view.ts'
import { issuesOfRow, type LineOf } from './issue-groups.ts'
import { shapeOfNumber } from './row-facts.ts'

const firstWordsLength = 160
const maxRawCharacters = 200_000
const splitNames: readonly (SplitName | null)[] = [null, 'train', 'validation', 'test']

/** One line of the row browser for each of the rows. */
export function summarizeRows(view: DatasetView, rows: Iterable<number>, lineOf: LineOf): RowSummary[] {
  return [...rows].map((row) => summarizeRow(view, row, lineOf))
}

function summarizeRow(view: DatasetView, row: number, lineOf: LineOf): RowSummary {
  const { columns, tokens, scan, split } = view.table
  const found = rules.filter(({ number }) => {
    const half = number < 32 ? columns.rulesLow : columns.rulesHigh
    return ((half[row] as number) & (1 << (number % 32))) !== 0
  })
  const flags = scan === null ? 0 : (scan.flags[row] as number)
  const state = view.overlay.stateOf(row)
  return {
    row,
    line: lineOf(row),
    shape: shapeOfNumber(columns.shape[row] as number),
    turns: columns.turns[row] as number,
    characters: columns.characters[row] as number,
    tokens: tokens === null || !view.isUsable(row) ? null : (tokens.total[row] as number),
    trained: tokens === null || !view.isUsable(row) ? null : (tokens.trained[row] as number),
    severity: worstOf(found.map(({ severity }) => severity)),
    rules: found.map(({ id }) => id),
    flags: flagIdsOf(flags),
    state: state.isDropped ? 'dropped' : state.text === null ? 'source' : 'edited',
    split: split === null ? null : (splitNames[split[row] as number] ?? null),
    first: firstWords(view, row),
  }
}

function worstOf(severities: readonly Severity[]): Severity | null {
  for (const severity of ['error', 'warning', 'info'] as const) if (severities.includes(severity)) return severity
  return null
}

function firstWords(view: DatasetView, row: number): string {
  const { content } = view.read(row)
  const text =
    content === null
      ? view.textOf(row)
      : (content.text ?? content.messages.find((message) => message.role === 'user')?.content ?? content.messages[0]?.content ?? '')
  return text
    .slice(0, firstWordsLength * 2)
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, firstWordsLength)
}

/** Everything about one row. */
export function describeRow(
  view: DatasetView,
  row: number,
  options: { readonly lineOf: LineOf; readonly fileName: string; readonly maxLength: number },
): RowDetail {
  const { lineOf, fileName, maxLength } = options
  const summary = summarizeRow(view, row, lineOf)
  const raw = view.textOf(row)
  const { value, content } = view.read(row)
  const tokens = summary.tokens === null || summary.trained === null ? null : { total: summary.tokens, trained: summary.trained }
  const verdicts: Verdict[] = judgeRow(view.read(row), tokens, maxLength)
  return {
    row,
    line: summary.line,
    fileName,
    raw: raw.slice(0, maxRawCharacters),
    isRawCut: raw.length > maxRawCharacters,
    shape: summary.shape,
    state: summary.state,
    split: summary.split,
    messages: content === null ? looseMessages(value) : [...content.messages],
    rejected: content?.rejected === null || content === null ? null : [...content.rejected],
    text: content?.text ?? null,
    toolsJson: content?.tools === null || content === null ? null : JSON.stringify(content.tools, null, 2),
    issues: issuesOfRow(view, row, lineOf),
    findings: content === null ? [] : findingsOf(content),
    verdicts,
  }
}

function findingsOf(content: RowContent): RowDetail['findings'] {
  return findPrivate(content).map(({ flag: number, text, pointer }) => {
    const { id, title } = flagOf(number)
    return { flag: id, title, text, pointer }
  })
}

/** What can be shown of a row that cannot be used: the turns that have a known role and a text. */
function looseMessages(value: unknown): RowDetail['messages'] {
  if (typeof value !== 'object' || value === null) return []
  const list = Object.values(value).find((part) => Array.isArray(part))
  if (!Array.isArray(list)) return []
  return list.flatMap((turn: unknown) => {
    if (typeof turn !== 'object' || turn === null || !('role' in turn) || !('content' in turn)) return []
    const { role, content } = turn
    const isKnown = role === 'system' || role === 'user' || role === 'assistant' || role === 'tool'
    return isKnown && typeof content === 'string' ? [{ role, content }] : []
  })
}
