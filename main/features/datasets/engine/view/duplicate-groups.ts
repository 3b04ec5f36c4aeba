import type { DuplicateKind } from '../../../../../preload/contract/datasets.ts'
import { assertNever } from '../../../../lib/assert-never.ts'
import { rowHashes, sortedByHash } from './equal-rows.ts'
import type { DatasetView } from './dataset-view.ts'

/** Rows that belong together, in file order. */
export type RowGroup = readonly number[]

/** Groups of two or more rows of one kind, largest first; null until the pass that finds them has run. */
export function groupDuplicates(view: DatasetView, of: DuplicateKind, nearGroupOf: Uint32Array | null): RowGroup[] | null {
  const { scan, split, dropped } = view.table
  switch (of) {
    case 'exact': {
      const { low, high, isHashed } = rowHashes(view.table)
      return bySize(equalRows(low, high, isHashed))
    }
    case 'near':
      return nearGroupOf === null ? null : bySize(byNumber(nearGroupOf, (row) => dropped[row] === 0))
    case 'same_prompt': {
      if (scan === null) return null
      const differ = (group: RowGroup) =>
        group.some(
          (row) => scan.contentLow[row] !== scan.contentLow[group[0] ?? 0] || scan.contentHigh[row] !== scan.contentHigh[group[0] ?? 0],
        )
      return bySize(samePrompt(view).filter(differ))
    }
    case 'leakage': {
      if (scan === null || split === null) return null
      return bySize(
        samePrompt(view).filter((group) => group.some((row) => split[row] === 1) && group.some((row) => (split[row] as number) > 1)),
      )
    }
    default:
      return assertNever(of)
  }
}

function samePrompt(view: DatasetView): RowGroup[] {
  const { scan } = view.table
  if (scan === null) return []
  const hasPrompt = (row: number) => view.isUsable(row) && ((scan.promptLow[row] as number) !== 0 || (scan.promptHigh[row] as number) !== 0)
  return equalRows(scan.promptLow, scan.promptHigh, hasPrompt)
}

function equalRows(low: Uint32Array, high: Uint32Array, isChosen: (row: number) => boolean): RowGroup[] {
  const order = sortedByHash(low, high, isChosen)
  const groups: RowGroup[] = []
  for (let from = 0; from < order.length;) {
    const first = order[from] as number
    let to = from + 1
    while (to < order.length && low[order[to] as number] === low[first] && high[order[to] as number] === high[first]) to += 1
    if (to - from > 1) groups.push([...order.subarray(from, to)])
    from = to
  }
  return groups
}

function byNumber(groupOf: Uint32Array, isChosen: (row: number) => boolean): RowGroup[] {
  const groups = new Map<number, number[]>()
  groupOf.forEach((group, row) => {
    if (group === 0 || !isChosen(row)) return
    const known = groups.get(group)
    if (known === undefined) groups.set(group, [row])
    else known.push(row)
  })
  return [...groups.values()].filter((group) => group.length > 1)
}

function bySize(groups: RowGroup[]): RowGroup[] {
  return groups.toSorted((a, b) => b.length - a.length || (a[0] ?? 0) - (b[0] ?? 0))
}
