/** Rows that were not written, with the reasons. */
export interface Refusals {
  /** All of them. */
  readonly count: number
  /** The first ones. */
  readonly rows: readonly { readonly row: number; readonly reason: string }[]
  /** Most frequent first. */
  readonly reasons: readonly { readonly reason: string; readonly rows: number }[]
}

/** Counts every refusal and keeps the first ones, so that memory stays bounded. */
export interface RefusalLog {
  add(row: number, reason: string): void
  result(): Refusals
}

const maxRows = 1000
const maxReasons = 100
const otherReasons = 'Other reasons.'

/** Creates an empty log. */
export function createRefusalLog(): RefusalLog {
  const rows: { row: number; reason: string }[] = []
  const reasons = new Map<string, number>()
  let count = 0
  return {
    add(row, reason) {
      count += 1
      if (rows.length < maxRows) rows.push({ row, reason })
      const key = reasons.has(reason) || reasons.size < maxReasons ? reason : otherReasons
      reasons.set(key, (reasons.get(key) ?? 0) + 1)
    },
    result: () => ({
      count,
      rows,
      reasons: [...reasons].map(([reason, total]) => ({ reason, rows: total })).toSorted((left, right) => right.rows - left.rows),
    }),
  }
}
