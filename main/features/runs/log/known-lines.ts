/** A line with the mark its worker's log gave it. */
export interface MarkedLine {
  readonly mark: string
  readonly message: string
}

/** Where and when a worker wrote a line; together with its text this tells it from others. */
export function markOf(source: 'system' | 'container', atMs: number | null): string {
  return `${source}@${atMs ?? ''}`
}

/**
 * Tells the lines that are kept already from new ones when a log is read again from its tail.
 * A line that was written twice is kept twice, so each kept one stands for one that comes again.
 */
export function createKnownLines(kept: readonly MarkedLine[]): { isNew(line: MarkedLine): boolean } {
  const left = new Map<string, number>()
  for (const line of kept) left.set(keyOf(line), (left.get(keyOf(line)) ?? 0) + 1)
  let isBeyond = false
  return {
    isNew(line) {
      // Without a time, equal lines can only be told apart by their place: before or after the first new one.
      const count = isBeyond && line.mark.endsWith('@') ? 0 : (left.get(keyOf(line)) ?? 0)
      if (count === 0) {
        isBeyond = true
        return true
      }
      left.set(keyOf(line), count - 1)
      return false
    },
  }
}

function keyOf({ mark, message }: MarkedLine): string {
  return `${mark}\n${message}`
}
