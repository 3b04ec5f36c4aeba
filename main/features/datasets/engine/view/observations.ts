import type { DatasetOverview } from '../../../../../preload/contract/datasets.ts'
import type { DatasetView } from './dataset-view.ts'

type Observation = NonNullable<DatasetOverview['observations']>[number]

/** Below this number of rows nothing can be said about shares. */
const fewestRows = 10
/** A system prompt is worth a word when it stands in so many of the rows. */
const promptShare = 0.5
/** Answers are labels when nearly all rows have short ones and there are few different ones. */
const labelledShare = 0.9
const mostLabels = 50
/** How unequal labels may be. */
const imbalance = 50
const shownCharacters = 80

/** What stands out in the set as a whole, beyond faults of single rows; null before the rows were scanned. */
export function observe(view: DatasetView, usable: readonly number[]): Observation[] | null {
  const { scan } = view.table
  if (scan === null) return null
  if (usable.length < fewestRows) return []
  return [...observeSystemPrompt(view, usable, scan.system), ...observeLabels(view, usable, scan.label)]
}

function observeSystemPrompt(view: DatasetView, usable: readonly number[], hashes: Uint32Array): Observation[] {
  const [common] = groupsOf(usable, hashes)
  if (common === undefined || common.rows < usable.length * promptShare) return []
  const text = view.read(common.first).content?.messages.find(({ role }) => role === 'system')?.content ?? ''
  const others = usable.length - common.rows
  return [
    {
      kind: 'system-prompt',
      severity: 'info',
      title: others === 0 ? 'One system prompt in all rows' : `One system prompt in ${percent(common.rows, usable.length)} of the rows`,
      message: `“${shorten(text)}” opens ${common.rows} of ${usable.length} rows. The adapter learns to answer after it: use the same text when you chat.`,
      row: common.first,
    },
  ]
}

function observeLabels(view: DatasetView, usable: readonly number[], hashes: Uint32Array): Observation[] {
  const groups = groupsOf(usable, hashes)
  const labelled = groups.reduce((sum, { rows }) => sum + rows, 0)
  const [common] = groups
  const rare = groups.at(-1)
  if (common === undefined || rare === undefined || groups.length < 2 || groups.length > mostLabels) return []
  if (labelled < usable.length * labelledShare || common.rows <= rare.rows * imbalance) return []
  const answerOf = (row: number) => view.read(row).content?.messages.findLast(({ role }) => role === 'assistant')?.content ?? ''
  const [many, few] = [shorten(answerOf(common.first)), shorten(answerOf(rare.first))]
  return [
    {
      kind: 'label-imbalance',
      severity: 'warning',
      title: 'One answer is far more frequent than another',
      message: `“${many}” is the answer in ${common.rows} rows, “${few}” in ${rare.rows}. The model may learn to give the frequent answer always: add rows of the rare one.`,
      row: rare.first,
    },
  ]
}

/** Rows by hash without those of none, the largest group first. */
function groupsOf(rows: readonly number[], hashes: Uint32Array): { readonly first: number; readonly rows: number }[] {
  const groups = new Map<number, { first: number; rows: number }>()
  for (const row of rows) {
    const hash = hashes[row] as number
    if (hash === 0) continue
    const known = groups.get(hash)
    if (known === undefined) groups.set(hash, { first: row, rows: 1 })
    else known.rows += 1
  }
  return [...groups.values()].toSorted((a, b) => b.rows - a.rows || a.first - b.first)
}

function percent(part: number, whole: number): string {
  return `${Math.floor((part / whole) * 100)} %`
}

function shorten(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim()
  return line.length <= shownCharacters ? line : `${line.slice(0, shownCharacters - 1)}…`
}
