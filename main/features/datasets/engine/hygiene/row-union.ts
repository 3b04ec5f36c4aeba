/** Rows that are joined step by step into groups. */
export interface RowUnion {
  /** The first row of the group. */
  rootOf(row: number): number
  join(a: number, b: number): void
}

/** Creates a union in which every row stands alone. */
export function createRowUnion(rows: number): RowUnion {
  const parents = new Uint32Array(rows)
  for (let row = 0; row < rows; row += 1) parents[row] = row

  const rootOf = (row: number): number => {
    let at = row
    while ((parents[at] as number) !== at) {
      // Halves the way for the next who asks.
      const grandparent = parents[parents[at] as number] as number
      parents[at] = grandparent
      at = grandparent
    }
    return at
  }

  return {
    rootOf,
    join(a, b) {
      const rootA = rootOf(a)
      const rootB = rootOf(b)
      // The lower row stays the root: the answer does not depend on the order of joins.
      if (rootA < rootB) parents[rootB] = rootA
      else parents[rootA] = rootB
    },
  }
}
