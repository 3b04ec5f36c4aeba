/** One line of a comparison; `parts` marks what differs within a changed line. */
export interface DiffLine {
  readonly kind: 'same' | 'removed' | 'added' | 'gap'
  readonly parts: readonly { readonly text: string; readonly isChanged: boolean }[]
}

const contextLines = 2
/** Longer texts are compared as a whole: the table of the comparison grows with the square. */
const maxLines = 600

/** Compares two texts line by line; equal stretches are shortened to a little context. */
export function diffLines(before: string, after: string): readonly DiffLine[] {
  const left = before.split('\n')
  const right = after.split('\n')
  const lines = left.length > maxLines || right.length > maxLines ? wholeDiff(left, right) : walk(left, right)
  return shorten(markWithin(lines))
}

function line(kind: DiffLine['kind'], text: string, isChanged = kind !== 'same'): DiffLine {
  return { kind, parts: [{ text, isChanged }] }
}

function wholeDiff(left: readonly string[], right: readonly string[]): DiffLine[] {
  return [...left.map((text) => line('removed', text)), ...right.map((text) => line('added', text))]
}

function walk(left: readonly string[], right: readonly string[]): DiffLine[] {
  const width = right.length + 1
  const common = new Uint16Array((left.length + 1) * width)
  const at = (i: number, j: number) => common[i * width + j] ?? 0
  for (let i = left.length - 1; i >= 0; i -= 1) {
    for (let j = right.length - 1; j >= 0; j -= 1) {
      common[i * width + j] = left[i] === right[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
    }
  }
  const lines: DiffLine[] = []
  let i = 0
  let j = 0
  while (i < left.length || j < right.length) {
    const old = left[i]
    const next = right[j]
    if (old !== undefined && old === next) {
      lines.push(line('same', old))
      i += 1
      j += 1
    } else if (old !== undefined && (next === undefined || at(i + 1, j) >= at(i, j + 1))) {
      lines.push(line('removed', old))
      i += 1
    } else {
      lines.push(line('added', next ?? ''))
      j += 1
    }
  }
  return lines
}

/** Where as many lines came as went, only what differs within each is marked. */
function markWithin(lines: readonly DiffLine[]): DiffLine[] {
  const out = [...lines]
  let start = 0
  while (start < out.length) {
    const removed = countKind(out, start, 'removed')
    const added = countKind(out, start + removed, 'added')
    if (removed > 0 && removed === added) {
      for (let n = 0; n < removed; n += 1) {
        const pair = markPair(textOf(out[start + n]), textOf(out[start + removed + n]))
        out[start + n] = { kind: 'removed', parts: pair[0] }
        out[start + removed + n] = { kind: 'added', parts: pair[1] }
      }
    }
    start += Math.max(1, removed + added)
  }
  return out
}

function countKind(lines: readonly DiffLine[], from: number, kind: DiffLine['kind']): number {
  let count = 0
  while (lines[from + count]?.kind === kind) count += 1
  return count
}

function textOf(entry: DiffLine | undefined): string {
  return entry?.parts.map(({ text }) => text).join('') ?? ''
}

function markPair(before: string, after: string): readonly [DiffLine['parts'], DiffLine['parts']] {
  const shorter = Math.min(before.length, after.length)
  let head = 0
  while (head < shorter && before[head] === after[head]) head += 1
  // Whole words are marked, so that “bot” and “assistant” do not share a letter.
  while (head > 0 && isWordBreakInside(before, head)) head -= 1
  let tail = 0
  while (tail < shorter - head && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail += 1
  while (tail > 0 && isWordBreakInside(before, before.length - tail)) tail -= 1
  const cut = (text: string) =>
    [
      { text: text.slice(0, head), isChanged: false },
      { text: text.slice(head, text.length - tail), isChanged: true },
      { text: text.slice(text.length - tail), isChanged: false },
    ].filter((part) => part.text !== '')
  return [cut(before), cut(after)]
}

function isWordBreakInside(text: string, at: number): boolean {
  return /[\p{L}\p{N}]/u.test(text.charAt(at - 1)) && /[\p{L}\p{N}]/u.test(text.charAt(at))
}

function shorten(lines: readonly DiffLine[]): readonly DiffLine[] {
  const isNear = lines.map((_entry, index) =>
    lines.slice(Math.max(0, index - contextLines), index + contextLines + 1).some(({ kind }) => kind !== 'same'),
  )
  return lines.flatMap((entry, index) => {
    if (isNear[index] === true) return [entry]
    return index > 0 && isNear[index - 1] !== true ? [] : [{ kind: 'gap' as const, parts: [{ text: '…', isChanged: false }] }]
  })
}
