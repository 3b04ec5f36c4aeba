import { sortByHash } from '../hash-order.ts'

/** What makes rows belong together. A hash of zero, or near-duplicate group 0, ties a row to no other. */
export interface GroupingColumns {
  readonly rows: number
  /** 1 for rows that take part. */
  readonly usable: Uint8Array
  readonly contentLow: Uint32Array
  readonly contentHigh: Uint32Array
  readonly promptLow: Uint32Array
  readonly promptHigh: Uint32Array
  readonly nearGroup: Uint32Array | null
}

/** Groups of usable rows, numbered from 0 in the order of their first rows. */
export interface RowGroups {
  readonly count: number
  /** Group of each usable row; meaningless for the others. */
  readonly groupOf: Uint32Array
  readonly size: Uint32Array
  /** Smallest content hash of the group, which names it whatever the order of the rows. */
  readonly nameLow: Uint32Array
  readonly nameHigh: Uint32Array
}

/** Unites rows with the same conversation, the same prompt or the same near-duplicate group. */
export function groupRows(columns: GroupingColumns): RowGroups {
  const members = usableRows(columns)
  const parent = new Uint32Array(columns.rows)
  for (let row = 0; row < columns.rows; row += 1) parent[row] = row
  uniteEqualHashes(parent, members, columns.contentLow, columns.contentHigh)
  uniteEqualHashes(parent, members, columns.promptLow, columns.promptHigh)
  if (columns.nearGroup !== null) uniteNearGroups(parent, members, columns.nearGroup)
  return numberGroups(parent, members, columns)
}

function usableRows(columns: GroupingColumns): Uint32Array<ArrayBuffer> {
  const members = new Uint32Array(columns.rows)
  let count = 0
  for (let row = 0; row < columns.rows; row += 1) {
    if (columns.usable[row] !== 1) continue
    members[count] = row
    count += 1
  }
  return members.slice(0, count)
}

function uniteEqualHashes(parent: Uint32Array, members: Uint32Array<ArrayBuffer>, low: Uint32Array, high: Uint32Array): void {
  const order = sortByHash(members, low, high)
  for (let index = 1; index < order.length; index += 1) {
    const row = order[index] as number
    const before = order[index - 1] as number
    if (low[row] !== low[before] || high[row] !== high[before]) continue
    if (low[row] === 0 && high[row] === 0) continue
    unite(parent, before, row)
  }
}

function uniteNearGroups(parent: Uint32Array, members: Uint32Array, nearGroup: Uint32Array): void {
  const firstRow = new Map<number, number>()
  for (let index = 0; index < members.length; index += 1) {
    const row = members[index] as number
    const group = nearGroup[row] as number
    if (group === 0) continue
    const first = firstRow.get(group)
    if (first === undefined) firstRow.set(group, row)
    else unite(parent, first, row)
  }
}

function rootOf(parent: Uint32Array, row: number): number {
  let at = row
  while (parent[at] !== at) {
    const next = parent[parent[at] as number] as number
    parent[at] = next
    at = next
  }
  return at
}

/** The smaller row becomes the root, so roots are first rows. */
function unite(parent: Uint32Array, left: number, right: number): void {
  const leftRoot = rootOf(parent, left)
  const rightRoot = rootOf(parent, right)
  if (leftRoot < rightRoot) parent[rightRoot] = leftRoot
  else if (rightRoot < leftRoot) parent[leftRoot] = rightRoot
}

function numberGroups(parent: Uint32Array, members: Uint32Array, columns: GroupingColumns): RowGroups {
  const groupOf = new Uint32Array(columns.rows)
  const size = new Uint32Array(members.length)
  const nameLow = new Uint32Array(members.length)
  const nameHigh = new Uint32Array(members.length)
  let count = 0
  for (let index = 0; index < members.length; index += 1) {
    const row = members[index] as number
    const root = rootOf(parent, row)
    if (root === row) {
      groupOf[row] = count
      count += 1
    } else groupOf[row] = groupOf[root] as number
    const group = groupOf[row]
    let low = columns.contentLow[row] as number
    const high = columns.contentHigh[row] as number
    // A row without a content hash has only its number to be told apart by.
    if (low === 0 && high === 0) low = row + 1
    const isFirst = size[group] === 0
    const knownHigh = nameHigh[group] as number
    if (isFirst || high < knownHigh || (high === knownHigh && low < (nameLow[group] as number))) {
      nameLow[group] = low
      nameHigh[group] = high
    }
    size[group] = (size[group] as number) + 1
  }
  return { count, groupOf, size: size.slice(0, count), nameLow: nameLow.slice(0, count), nameHigh: nameHigh.slice(0, count) }
}
