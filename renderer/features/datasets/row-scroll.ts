/** Browsers cut elements off near 33 million device pixels; lists stay well below it and are mapped from there on. */
export const maxListHeight = 15_000_000

/** A list of equal rows behind a window of a given height. */
export interface ListGeometry {
  readonly total: number
  readonly rowHeight: number
  readonly viewHeight: number
}

/** Height of the element that scrolls. */
export function listHeight({ total, rowHeight }: ListGeometry): number {
  return Math.min(total * rowHeight, maxListHeight)
}

/** True when the scroll bar stands for more pixels than the element has. */
export function isMapped({ total, rowHeight }: ListGeometry): boolean {
  return total * rowHeight > maxListHeight
}

function scale(list: ListGeometry): number {
  const reach = listHeight(list) - list.viewHeight
  return reach <= 0 ? 1 : (list.total * list.rowHeight - list.viewHeight) / reach
}

/** Where in the whole list a scroll position is. */
export function toOffset(list: ListGeometry, scrollTop: number): number {
  return clampOffset(list, isMapped(list) ? scrollTop * scale(list) : scrollTop)
}

/** The scroll position for a place in the whole list. */
export function toScrollTop(list: ListGeometry, offset: number): number {
  return isMapped(list) ? offset / scale(list) : offset
}

/** An offset that exists. */
export function clampOffset(list: ListGeometry, offset: number): number {
  return Math.min(Math.max(0, offset), Math.max(0, list.total * list.rowHeight - list.viewHeight))
}

/** First and last row in the window at an offset. */
export function visibleRows(list: ListGeometry, offset: number): { readonly first: number; readonly last: number } {
  const first = Math.floor(offset / list.rowHeight)
  const last = Math.ceil((offset + list.viewHeight) / list.rowHeight) - 1
  return { first: Math.max(0, first), last: Math.max(0, Math.min(list.total - 1, last)) }
}

/** The nearest offset at which a row is wholly in the window. */
export function offsetToShow(list: ListGeometry, row: number, offset: number): number {
  const top = row * list.rowHeight
  const bottom = top + list.rowHeight
  if (top < offset) return clampOffset(list, top)
  if (bottom > offset + list.viewHeight) return clampOffset(list, bottom - list.viewHeight)
  return offset
}
