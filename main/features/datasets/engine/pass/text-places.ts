import { createNeedleScan } from './needle-scan.ts'
import type { TextMatcher } from './text-matcher.ts'

/** Finds the places in the bytes of many rows where a text may stand, and counts the lines on the way. */
export interface TextPlaces {
  /** The memory in which the bytes have to stand, of at least this size; what was in it stays. */
  room(bytes: number): Buffer
  /** Goes to another part of the memory; the count of lines starts anew. */
  start(from: number, to: number): void
  /** The next place that may hold the text, from here on; -1 when there is none. */
  next(from: number): number
  /** Line breaks from the start to the place found last, or to the end. */
  lines(): number
}

const newline = 10

/** Creates the search for the places of one text. */
export function createTextPlaces(text: string, matcher: TextMatcher): TextPlaces {
  return matcher.isPlainAscii ? createAsciiPlaces(text.toLowerCase()) : createPatternPlaces(matcher.pattern)
}

function createAsciiPlaces(wanted: string): TextPlaces {
  const scan = createNeedleScan(wanted)
  let memory = scan.room(0)
  let end = 0
  let lines = 0
  return {
    room: (bytes) => (memory = scan.room(bytes)),
    start(_from, to) {
      end = to
      lines = 0
    },
    next(from) {
      for (let at = from; at < end; at += 1) {
        at = scan.next(at, end)
        lines += scan.passedLines()
        if (at + wanted.length <= end && memory.toString('latin1', at, at + wanted.length).toLowerCase() === wanted) return at
      }
      return -1
    },
    lines: () => lines,
  }
}

function createPatternPlaces(pattern: RegExp): TextPlaces {
  let memory = Buffer.alloc(0)
  let letters = ''
  let base = 0
  let counted = 0
  let lines = 0
  const countTo = (place: number) => {
    for (let at = memory.indexOf(newline, counted); at >= 0 && at < place; at = memory.indexOf(newline, at + 1)) lines += 1
    counted = place
  }
  return {
    room(bytes) {
      if (memory.length < bytes) memory = Buffer.concat([memory], bytes)
      return memory
    },
    start(from, to) {
      letters = memory.toString('latin1', from, to)
      base = from
      counted = from
      lines = 0
    },
    next(from) {
      pattern.lastIndex = from - base
      const found = pattern.exec(letters)
      countTo(found === null ? base + letters.length : base + found.index)
      return found === null ? -1 : base + found.index
    },
    lines: () => lines,
  }
}
