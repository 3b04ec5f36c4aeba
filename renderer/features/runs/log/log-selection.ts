/** The chosen lines: from the one where it began to the one that has the keyboard. */
export interface LogSelection {
  readonly anchor: number
  readonly active: number
}

/** First and last chosen line. */
export function rangeOf({ anchor, active }: LogSelection): { readonly first: number; readonly last: number } {
  return { first: Math.min(anchor, active), last: Math.max(anchor, active) }
}

/** Where a key leads in a list; undefined for keys that do not move. */
export function placeAfterKey(key: string, active: number, { total, perPage }: { total: number; perPage: number }): number | undefined {
  const moved = movedBy(key, active, total, perPage)
  return moved === undefined || total === 0 ? undefined : Math.max(0, Math.min(total - 1, moved))
}

function movedBy(key: string, active: number, total: number, perPage: number): number | undefined {
  switch (key) {
    case 'ArrowDown':
      return active + 1
    case 'ArrowUp':
      return active - 1
    case 'PageDown':
      return active + perPage
    case 'PageUp':
      return active - perPage
    case 'Home':
      return 0
    case 'End':
      return total - 1
    default:
      return undefined
  }
}

/** The match after or before a place, going round at the ends; undefined when there is none. */
export function neighbourMatch(places: readonly number[], from: number, direction: 'next' | 'previous'): number | undefined {
  if (direction === 'next') return places.find((place) => place > from) ?? places[0]
  return places.findLast((place) => place < from) ?? places.at(-1)
}

/** A message cut at the matches of a text, so that they can be marked. */
export function cutAtMatches(message: string, text: string): readonly { readonly text: string; readonly isMatch: boolean }[] {
  const wanted = text.toLowerCase()
  const lower = message.toLowerCase()
  // Some letters change their length with their case; then no place can be trusted.
  if (wanted === '' || lower.length !== message.length) return [{ text: message, isMatch: false }]
  const parts: { text: string; isMatch: boolean }[] = []
  let from = 0
  for (let at = lower.indexOf(wanted); at !== -1; at = lower.indexOf(wanted, from)) {
    if (at > from) parts.push({ text: message.slice(from, at), isMatch: false })
    parts.push({ text: message.slice(at, at + wanted.length), isMatch: true })
    from = at + wanted.length
  }
  if (from < message.length) parts.push({ text: message.slice(from), isMatch: false })
  return parts
}
