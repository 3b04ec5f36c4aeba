/** Chosen places of a list as sorted ranges that do not touch; both ends belong to a range. */
export type Selection = readonly (readonly [number, number])[]

/** Nothing chosen. */
export const noRows: Selection = []

/** True when a place is chosen. */
export function isChosen(selection: Selection, place: number): boolean {
  return selection.some(([from, to]) => place >= from && place <= to)
}

/** How many places are chosen. */
export function countChosen(selection: Selection): number {
  return selection.reduce((sum, [from, to]) => sum + to - from + 1, 0)
}

/** Chooses a range as well. */
export function addRange(selection: Selection, one: number, other: number): Selection {
  let from = Math.min(one, other)
  let to = Math.max(one, other)
  const apart: (readonly [number, number])[] = []
  for (const range of selection) {
    if (range[1] < from - 1 || range[0] > to + 1) apart.push(range)
    else {
      from = Math.min(from, range[0])
      to = Math.max(to, range[1])
    }
  }
  return [...apart, [from, to] as const].toSorted((a, b) => a[0] - b[0])
}

/** Chooses a place, or no longer. */
export function togglePlace(selection: Selection, place: number): Selection {
  if (!isChosen(selection, place)) return addRange(selection, place, place)
  return selection.flatMap(([from, to]): (readonly [number, number])[] => {
    if (place < from || place > to) return [[from, to]]
    const parts: (readonly [number, number])[] = []
    if (from < place) parts.push([from, place - 1])
    if (to > place) parts.push([place + 1, to])
    return parts
  })
}

/** Leaves out places that a shorter list no longer has. */
export function clampTo(selection: Selection, total: number): Selection {
  return selection.flatMap(([from, to]) => (from >= total ? [] : [[from, Math.min(to, total - 1)] as const]))
}
