import { isUtf8 } from 'node:buffer'
import { maxRowBytes, type RowContent, type RowReader, type RowReading, type RowReadingOptions } from '../row-model.ts'
import { createRowScan, type ByteMarks, type PlainChat } from './byte-scan.ts'
import { createFaultSink, describeValue, isJsonObject, quoteShort, type FaultSink, type JsonObject } from './faults.ts'
import { checkJsonText, type ValueScan } from './json-checks.ts'
import { explainJson } from './json-fault.ts'
import { maxDepth } from './json-spans.ts'
import { createRowCheck, reportSpecialTokens } from './row-check.ts'
import { buildContent } from './row-content.ts'
import { errorRulesHigh, errorRulesLow } from './rules.ts'
import { shapeOf } from './shapes.ts'
import { mayHoldSpecialToken } from './special-tokens.ts'
import { createTurnChecker } from './turn-check.ts'

/** Below this size even a row of brackets alone costs little memory. */
const depthCheckedFromBytes = 256 * 1024

/** Creates a reader for the rows of one dataset; the values and contents are built only when they are asked for. */
export function createRowReader(options: RowReadingOptions): RowReader {
  return createReader(options, options.mapping === null)
}

/** A reader that parses every row, which the usual one must agree with. */
export function createParsingReader(options: RowReadingOptions): RowReader {
  return createReader(options, false)
}

function createReader({ mapping, scanCode }: RowReadingOptions, knowsPlainChat: boolean): RowReader {
  const sink = createFaultSink()
  const scan: ValueScan = { keys: 0, isTooDeep: false, hasLargeNumber: false }
  const rowScan = createRowScan(scanCode)
  const turns = createTurnChecker(sink, scan)
  const checkRow = createRowCheck(turns, scan, sink)
  let parsed: unknown
  let built: RowContent | null = null
  let isPlain = false
  let isAscii = false

  const reading: RowReading = {
    get value() {
      if (parsed === undefined && reading.isPlainChat) parsed = JSON.parse(rowScan.text(isAscii))
      return parsed
    },
    shape: null,
    get content() {
      if (built !== null) return built
      if (reading.shape === null || hasError(reading)) return null
      const { value } = reading
      if (!isJsonObject(value)) return null
      built = buildContent(value, reading.shape, mapping, isPlain)
      return built
    },
    isPlainChat: false,
    isMetadata: false,
    faults: sink.faults,
    rulesLow: 0,
    rulesHigh: 0,
    turns: 0,
    assistantTurns: 0,
    characters: 0,
    assistantCharacters: 0,
  }
  const reset = () => {
    sink.clear()
    parsed = undefined
    built = null
    isPlain = false
    reading.isPlainChat = false
    reading.shape = null
    reading.isMetadata = false
    reading.turns = 0
    reading.assistantTurns = 0
    reading.characters = 0
    reading.assistantCharacters = 0
    scan.keys = 0
    scan.isTooDeep = false
    scan.hasLargeNumber = false
  }
  const takeCounts = (counts: Pick<RowReading, 'turns' | 'assistantTurns' | 'characters' | 'assistantCharacters'>) => {
    reading.turns = counts.turns
    reading.assistantTurns = counts.assistantTurns
    reading.characters = counts.characters
    reading.assistantCharacters = counts.assistantCharacters
  }
  /** True when the bytes alone tell that the row is a chat without faults. */
  const takePlainChat = (chat: PlainChat, bytes: Buffer): boolean => {
    if (!chat.isAscii && !isUtf8(bytes)) return false
    if (chat.hasAngleToken || chat.hasSquareToken) {
      if (mayHoldSpecialToken(rowScan.text(chat.isAscii), chat.hasAngleToken, chat.hasSquareToken)) return false
    }
    isAscii = chat.isAscii
    isPlain = true
    reading.isPlainChat = true
    reading.shape = 'messages'
    takeCounts(chat)
    return true
  }
  const readText = (text: string, marks: ByteMarks) => {
    const value = parseRow(text, sink)
    if (value === undefined) return
    parsed = value
    if (!isJsonObject(value)) {
      reportNotObject(value, sink)
      return
    }
    const shape = shapeOf(value, mapping)
    if (shape === null) {
      if (Object.hasOwn(value, '_meta')) reading.isMetadata = true
      else reportUnknownShape(value, sink)
      return
    }
    reading.shape = shape
    checkRow(value, shape, mapping)
    isPlain = turns.walk.isPlain
    takeCounts(turns.walk)
    if (scan.isTooDeep) {
      reportDepth(sink)
      return
    }
    checkJsonText(text, value, marks, scan, sink)
    if (mayHoldToken(marks, text)) reportSpecialTokens(value, shape, mapping, sink)
  }
  const readBytes = (bytes: Buffer) => {
    rowScan.load(bytes)
    const chat = knowsPlainChat ? rowScan.plainChat() : null
    if (chat !== null && takePlainChat(chat, bytes)) return
    const marks = rowScan.marks()
    if (marks.isAscii || isUtf8(bytes)) readText(rowScan.text(marks.isAscii), marks)
    else reportEncoding(bytes, sink)
  }

  return {
    read(bytes) {
      reset()
      // A row of this size is refused before it can cost memory.
      if (bytes.length <= depthCheckedFromBytes || checkSize(bytes, sink)) readBytes(bytes)
      reading.faults = sink.faults
      reading.rulesLow = sink.rulesLow >>> 0
      reading.rulesHigh = sink.rulesHigh >>> 0
      return reading
    },
  }
}

const escapedToken = /\\u(?:003[cC]|[fF][fF]5[cC])/

/** Python never escapes what a control token is made of; some JSON writers do. */
function mayHoldToken(marks: ByteMarks, text: string): boolean {
  const { hasAngleToken, hasSquareToken } = marks
  if ((hasAngleToken || hasSquareToken) && mayHoldSpecialToken(text, hasAngleToken, hasSquareToken)) return true
  return marks.hasUnicodeEscape && escapedToken.test(text)
}

function hasError(reading: RowReading): boolean {
  return (reading.rulesLow & errorRulesLow) !== 0 || (reading.rulesHigh & errorRulesHigh) !== 0
}

/** The parsed row; undefined after a fault was added. */
function parseRow(text: string, sink: FaultSink): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  if (text.charCodeAt(0) === 0xfeff) {
    const value = parseRow(text.slice(1), sink)
    if (value !== undefined) sink.add('encoding.bom', '', 'An invisible mark (BOM) stands before the row.', 'U+FEFF', 'the row alone')
    return value
  }
  const fault = explainJson(text)
  const near = text.slice(Math.max(0, fault.position - 20), fault.position + 20)
  const place = `character ${fault.position + 1}, near ${quoteShort(near)}`
  sink.add(fault.rule, '', `The row is not valid JSON: ${fault.message} (${place}).`, quoteShort(near), fault.expected)
  return undefined
}

function reportNotObject(value: unknown, sink: FaultSink): void {
  const isList = Array.isArray(value) && value.some(isJsonObject)
  const message = isList ? 'The line holds a list instead of one conversation.' : 'The line must be an object in curly brackets.'
  sink.add(isList ? 'json.array-in-line' : 'row.not-object', '', message, describeValue(value), 'an object')
}

/** Layouts that hold no conversation; naming them tells the user what the file is. */
const foreignShapes: readonly (readonly [key: string, name: string])[] = [
  ['input_ids', 'text that is already cut into tokens'],
  ['segments', 'segments with labels'],
  ['training_pairs', 'an enriched conversation file'],
  ['instruction', 'Alpaca without its "output"'],
  ['prompt', 'a prompt without its answer'],
  ['question', 'a question without its answer'],
]

function reportUnknownShape(row: JsonObject, sink: FaultSink): void {
  const keys = Object.keys(row)
  const named = keys
    .slice(0, 6)
    .map((key) => quoteShort(key, 24))
    .join(', ')
  const got = keys.length === 0 ? 'an empty object' : `${named}${keys.length > 6 ? ' and more' : ''}`
  const foreign = foreignShapes.find(([key]) => Object.hasOwn(row, key))
  const hint = foreign === undefined ? '' : ` It looks like ${foreign[1]}.`
  sink.add('shape.unknown', '', `The row holds ${got}, which is no known layout.${hint}`, got, 'a known layout, such as "messages"')
}

function reportDepth(sink: FaultSink): void {
  sink.add(
    'row.deeply-nested',
    '',
    `The row nests more than ${maxDepth} levels of brackets.`,
    `more than ${maxDepth} levels`,
    'a few levels',
  )
}

/** False when a long row is too long or nests too deeply to be parsed safely. */
function checkSize(bytes: Buffer, sink: FaultSink): boolean {
  if (bytes.length > maxRowBytes) {
    const megabytes = Math.ceil(bytes.length / (1024 * 1024))
    sink.add('row.too-large', '', `The row is ${megabytes} MB long.`, `${megabytes} MB`, `at most ${maxRowBytes / (1024 * 1024)} MB`)
    return false
  }
  if (!nestsDeeperThan(bytes, maxDepth)) return true
  reportDepth(sink)
  return false
}

function reportEncoding(bytes: Buffer, sink: FaultSink): void {
  const offset = firstInvalidByte(bytes)
  const got = `byte 0x${(bytes[offset] ?? 0).toString(16).padStart(2, '0')}`
  const zeros = bytes.includes(0) ? ' Zero bytes beside it suggest UTF-16.' : ''
  sink.add('encoding.invalid', '', `The row is not UTF-8: ${got} at position ${offset + 1}.${zeros}`, got, 'UTF-8')
}

/** Halves the row until the first byte that UTF-8 does not allow is found. */
function firstInvalidByte(bytes: Buffer): number {
  let good = 0
  let end = bytes.length
  while (end - good > 1) {
    const middle = characterStart(bytes, (good + end) >> 1, good)
    if (middle > good && isUtf8(bytes.subarray(good, middle))) good = middle
    else if (middle > good) end = middle
    else break
  }
  while (good < end && isUtf8(bytes.subarray(good, good + sequenceLength(bytes[good] ?? 0)))) good += sequenceLength(bytes[good] ?? 0)
  return good
}

function characterStart(bytes: Buffer, at: number, from: number): number {
  let start = at
  while (start > from && ((bytes[start] ?? 0) & 0xc0) === 0x80) start -= 1
  return start
}

function sequenceLength(first: number): number {
  return first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
}

function nestsDeeperThan(bytes: Buffer, limit: number): boolean {
  let depth = 0
  let inString = false
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index]
    if (inString) {
      if (byte === 0x5c) index += 1
      else if (byte === 0x22) inString = false
    } else if (byte === 0x22) inString = true
    else if (byte === 0x7b || byte === 0x5b) {
      depth += 1
      if (depth > limit) return true
    } else if (byte === 0x7d || byte === 0x5d) depth -= 1
  }
  return false
}
