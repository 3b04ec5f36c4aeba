import type { ByteMarks } from './byte-scan.ts'
import { pointerTo, quoteShort, type FaultSink } from './faults.ts'
import { nameControl } from './json-fault.ts'
import { mapJson, maxDepth, type JsonNode } from './json-spans.ts'

/** What a walk over parsed values met; re-used for all rows. */
export interface ValueScan {
  keys: number
  isTooDeep: boolean
  hasLargeNumber: boolean
}

const surrogate = /\p{Surrogate}/u
/** Control characters but tab, line break and return. */
const strayControl = /[^\P{Cc}\t\n\r\u007F-\u009F]/u
/** A half of a pair without its other half; a backslash that is itself escaped gives a false alarm. */
const escapedHalf = /\\u[dD][89abAB]..(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB]..)\\u[dD][c-fC-F]/
const escapedControl = /(?<!\\)(?:\\\\)*\\(?:[bf]|u00[01])/
const maxPointers = 5

/** Counts keys and looks for large numbers below `value`; allocates nothing. */
export function scanValue(value: unknown, depth: number, scan: ValueScan): void {
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value) && (Number.isInteger(value) || !Number.isFinite(value))) scan.hasLargeNumber = true
    return
  }
  if (typeof value !== 'object' || value === null) return
  if (depth >= maxDepth) {
    scan.isTooDeep = true
    return
  }
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1) scanValue(value[index], depth + 1, scan)
    return
  }
  const object = value as Record<string, unknown>
  for (const key in object) {
    scan.keys += 1
    scanValue(object[key], depth + 1, scan)
  }
}

/** Finds what `JSON.parse` passes over: repeated names, halves of characters, control characters, inexact numbers. */
export function checkJsonText(text: string, value: unknown, marks: ByteMarks, scan: ValueScan, sink: FaultSink): void {
  if (marks.keys !== scan.keys && countKeys(text) !== scan.keys) reportDuplicateKeys(text, sink)
  if (scan.hasLargeNumber) reportLargeNumbers(value, sink)
  if (marks.hasUnicodeEscape && escapedHalf.test(text)) {
    reportStrings(value, surrogate, (pointer, found) => reportSurrogate(pointer, found, sink))
  }
  if ((marks.hasControlEscape || marks.hasUnicodeEscape) && escapedControl.test(text)) {
    reportStrings(value, strayControl, (pointer, found) => reportControl(pointer, found, sink))
  }
}

/** Counts again without the texts that start with a colon, whose opening mark looks like the end of a name. */
function countKeys(text: string): number {
  let keys = 0
  for (let at = text.indexOf('":'); at >= 0; at = text.indexOf('":', at + 2)) {
    const before = text.charCodeAt(at - 1)
    if (before !== 92 && before !== 32 && before !== 58) keys += 1
  }
  return keys
}

function reportDuplicateKeys(text: string, sink: FaultSink): void {
  const visit = (node: JsonNode, pointer: string) => {
    if (node.kind === 'array') node.items.forEach((item, index) => visit(item, pointerTo(pointer, index)))
    if (node.kind !== 'object') return
    const seen = new Set<string>()
    for (const { key, node: child } of node.entries) {
      const at = pointerTo(pointer, key)
      if (seen.has(key)) {
        const message = `The name ${quoteShort(key)} stands twice in one object; only the last value is read.`
        sink.add('json.duplicate-key', at, message, `${quoteShort(key)} again`, 'each name once')
      }
      seen.add(key)
      visit(child, at)
    }
  }
  const root = mapJson(text)
  if (root !== null) visit(root, '')
}

function reportLargeNumbers(value: unknown, sink: FaultSink): void {
  const isInexact = (scalar: unknown) =>
    typeof scalar === 'number' && !Number.isSafeInteger(scalar) && (Number.isInteger(scalar) || !Number.isFinite(scalar))
  forEachMatch(value, isInexact, (pointer, scalar) => {
    const message = 'The number is too large to be exact; its last digits may be lost.'
    sink.add('json.number-too-large', pointer, message, `about ${String(scalar)}`, 'at most 9007199254740991, or text')
  })
}

function reportStrings(value: unknown, pattern: RegExp, report: (pointer: string, found: string) => void): void {
  forEachMatch(
    value,
    (scalar) => typeof scalar === 'string' && pattern.test(scalar),
    (pointer, scalar) => report(pointer, pattern.exec(String(scalar))?.[0] ?? ''),
  )
}

function reportSurrogate(pointer: string, found: string, sink: FaultSink): void {
  const got = `\\u${found.charCodeAt(0).toString(16)}`
  const message = `The text holds half of a character (${got} alone), which tokenizers refuse.`
  sink.add('encoding.lone-surrogate', pointer, message, got, 'whole characters')
}

function reportControl(pointer: string, found: string, sink: FaultSink): void {
  const got = nameControl(found.charCodeAt(0))
  sink.add('content.control-character', pointer, `The text holds an invisible control character (${got}).`, got, 'visible text')
}

/** Visits the values that match, up to a handful; pointers are built only for those. */
function forEachMatch(root: unknown, matches: (scalar: unknown) => boolean, visit: (pointer: string, scalar: unknown) => void): void {
  const path: (string | number)[] = []
  let left = maxPointers
  const walk = (value: unknown, depth: number) => {
    if (left === 0) return
    if (typeof value !== 'object' || value === null) {
      if (!matches(value)) return
      left -= 1
      visit(path.slice(0, depth).reduce<string>(pointerTo, ''), value)
    } else if (depth < maxDepth) {
      const object = value as Readonly<Record<string, unknown>>
      for (const key in object) {
        path[depth] = key
        walk(object[key], depth + 1)
      }
    }
  }
  walk(root, 0)
}
