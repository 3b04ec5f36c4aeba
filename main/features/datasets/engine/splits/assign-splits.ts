import type { SplitSettings } from '../../../../../preload/contract/datasets.ts'
import { shareOut } from './quotas.ts'
import { groupRows, type GroupingColumns, type RowGroups } from './row-groups.ts'
import { orderGroups } from './seeded-order.ts'

/** Numbers in `splitOf`. */
export const splitNumbers = { none: 0, train: 1, validation: 2, test: 3 } as const

/** What a division is made from. */
export interface SplitInput extends GroupingColumns {
  readonly stratum: Uint16Array | null
  readonly settings: SplitSettings
}

/** A finished division of the rows. */
export interface SplitAssignment {
  /** 0 none, 1 train, 2 validation, 3 test. */
  readonly splitOf: Uint8Array
  readonly counts: { readonly train: number; readonly validation: number; readonly test: number }
  /** Groups of two or more rows, each on one side as a whole. */
  readonly groups: number
}

/** Divides the usable rows; the result depends on the seed and the rows, not on their order. */
export function assignSplits(input: SplitInput): SplitAssignment {
  const groups = groupRows(input)
  const splitOfGroup = new Uint8Array(groups.count).fill(splitNumbers.train)
  const order = orderGroups(groups, input.settings.seed)
  const stratumOf = stratumOfGroups(groups, input)
  const total = groups.size.reduce((sum, size) => sum + size, 0)
  // Validation is filled from the front and test from the back, so that changing one share leaves the other alone.
  const fromFront = listStrata(order, groups, stratumOf)
  fillSplit(splitOfGroup, groups, fromFront, input.settings.validationShare, total, splitNumbers.validation)
  const fromBack = listStrata(order.toReversed(), groups, stratumOf)
  fillSplit(splitOfGroup, groups, fromBack, input.settings.testShare, total, splitNumbers.test)
  return spread(input, groups, splitOfGroup)
}

interface Stratum {
  readonly number: number
  /** In seeded order. */
  readonly groups: readonly number[]
  readonly rows: number
  readonly largest: number
}

/** A group belongs to the stratum of most of its rows, or to the first of several such. */
function stratumOfGroups(groups: RowGroups, input: SplitInput): Uint16Array {
  const stratumOf = new Uint16Array(groups.count)
  const { stratum } = input
  if (stratum === null) return stratumOf
  const votes = new Map<number, number>()
  const best = new Uint32Array(groups.count)
  for (let row = 0; row < input.rows; row += 1) {
    if (input.usable[row] !== 1) continue
    const group = groups.groupOf[row] as number
    const number = stratum[row] as number
    if (groups.size[group] === 1) {
      stratumOf[group] = number
      continue
    }
    const key = group * 65_536 + number
    const count = (votes.get(key) ?? 0) + 1
    votes.set(key, count)
    const most = best[group] as number
    if (count > most || (count === most && number < (stratumOf[group] as number))) {
      best[group] = count
      stratumOf[group] = number
    }
  }
  return stratumOf
}

/** Strata with the largest groups come first, so that those with small ones can even out the rest. */
function listStrata(order: Uint32Array, groups: RowGroups, stratumOf: Uint16Array): Stratum[] {
  const lists = new Map<number, number[]>()
  for (const group of order) {
    const number = stratumOf[group] as number
    const list = lists.get(number)
    if (list === undefined) lists.set(number, [group])
    else list.push(group)
  }
  const strata = [...lists].map(([number, list]) => {
    let rows = 0
    let largest = 0
    for (const group of list) {
      const size = groups.size[group] as number
      rows += size
      if (size > largest) largest = size
    }
    return { number, groups: list, rows, largest }
  })
  return strata.toSorted((left, right) => right.largest - left.largest || left.number - right.number)
}

/** Gives one split its share of every stratum, in whole groups; what one stratum cannot give, the next ones do. */
function fillSplit(
  splitOfGroup: Uint8Array,
  groups: RowGroups,
  strata: readonly Stratum[],
  share: number,
  total: number,
  split: number,
): void {
  if (share === 0 || total === 0) return
  const quotas = shareOut(
    strata.map((stratum) => stratum.rows),
    share,
  )
  let trainRows = 0
  for (let group = 0; group < groups.count; group += 1) {
    if (splitOfGroup[group] === splitNumbers.train) trainRows += groups.size[group] as number
  }
  let owed = 0
  for (const [index, stratum] of strata.entries()) {
    owed += quotas[index] ?? 0
    const isFree = (group: number) => splitOfGroup[group] === splitNumbers.train && trainRows > (groups.size[group] as number)
    const take = (group: number) => {
      const size = groups.size[group] as number
      splitOfGroup[group] = split
      trainRows -= size
      owed -= size
    }
    for (const group of stratum.groups) {
      if (owed <= 0) break
      if ((groups.size[group] as number) <= owed && isFree(group)) take(group)
    }
    const nearest = nearestFit(stratum.groups, groups, owed, isFree)
    if (nearest !== null) take(nearest)
  }
}

/** The group that overshoots least, if taking it comes nearer to what is owed than leaving it. */
function nearestFit(list: readonly number[], groups: RowGroups, owed: number, isFree: (group: number) => boolean): number | null {
  if (owed <= 0) return null
  let nearest: number | null = null
  let size = 2 * owed
  for (const group of list) {
    const candidate = groups.size[group] as number
    if (candidate >= size || !isFree(group)) continue
    nearest = group
    size = candidate
  }
  return nearest
}

function spread(input: SplitInput, groups: RowGroups, splitOfGroup: Uint8Array): SplitAssignment {
  const splitOf = new Uint8Array(input.rows)
  const counts = new Uint32Array(4)
  for (let row = 0; row < input.rows; row += 1) {
    if (input.usable[row] !== 1) continue
    const split = splitOfGroup[groups.groupOf[row] as number] as number
    splitOf[row] = split
    counts[split] = (counts[split] as number) + 1
  }
  return {
    splitOf,
    counts: { train: counts[1] ?? 0, validation: counts[2] ?? 0, test: counts[3] ?? 0 },
    groups: groups.size.reduce((sum, size) => sum + (size > 1 ? 1 : 0), 0),
  }
}
