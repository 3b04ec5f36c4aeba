import type { ColumnMapping, RowShape } from '../../../../../preload/contract/datasets.ts'
import type { RowFault } from '../row-model.ts'
import { describeValue, isJsonObject, lastStep, ownValue, pointerTo, quoteShort, type FaultSink, type JsonObject } from './faults.ts'
import { scanValue, type ValueScan } from './json-checks.ts'
import { layOut, type RowLayout, type Segment } from './layout.ts'
import { ruleNumbers } from './rule-numbers.ts'
import { findSpecialToken } from './special-tokens.ts'
import { checkTools, parseJson } from './tool-check.ts'
import type { TurnChecker } from './turn-check.ts'

/** Checks a row of a known shape; what it counts is in the turn checker's walk. */
export type RowCheck = (row: JsonObject, shape: RowShape, mapping: ColumnMapping | null) => void

/** Columns that Together reads, by shape; other shapes it does not read at all. */
const readColumns: Partial<Record<RowShape, ReadonlySet<string>>> = {
  messages: new Set(['messages', 'tools', 'parallel_tool_calls', 'functions']),
  prompt_completion: new Set(['prompt', 'completion']),
  text: new Set(['text']),
}
const mediaColumns = ['images', 'videos', 'audios'] as const

/** Creates the check of whole rows, whatever their shape. */
export function createRowCheck(turns: TurnChecker, scan: ValueScan, sink: FaultSink): RowCheck {
  const reportExtras = createExtrasReport(sink)

  const checkSegments = (segments: readonly Segment[], from: number, to: number) => {
    for (let index = from; index < to; index += 1) {
      const segment = segments[index]
      if (segment === undefined) continue
      if (segment.kind === 'turn') turns.checkTurn(segment.role, segment.content, segment.pointer)
      else checkListSegment(segment.list, segment.pointer, segment.isShareGpt)
    }
  }
  const checkListSegment = (list: unknown, pointer: string, isShareGpt: boolean) => {
    let found = list
    if (typeof list === 'string' && list.trimStart().startsWith('[')) {
      found = parseJson(list)
      if (Array.isArray(found)) {
        turns.walk.isPlain = false
        sink.add('messages.as-text', pointer, 'The turns stand in the row as JSON text.', 'a text', 'a list of turns')
      }
    }
    const name = quoteShort(lastStep(pointer))
    if (list === undefined) sink.add('field.missing', pointer, `The row has no ${name}.`, 'nothing', 'a list of turns')
    else if (!Array.isArray(found))
      sink.add('field.type', pointer, `${name} must be a list of turns.`, describeValue(list), 'a list of turns')
    else if (found.length === 0)
      sink.add('messages.empty', pointer, `${name} is an empty list.`, 'an empty list', 'a question and an answer')
    else turns.checkList(found, pointer, isShareGpt)
  }
  /** The rejected answer is checked like the chosen one, but counted nowhere. */
  const checkRejected = (layout: RowLayout) => {
    if (layout.rejected === null) return
    turns.start(layout.chosenFrom > 0, false)
    checkSegments(layout.rejected, 0, layout.rejected.length)
    if (!hasBlockingFault(sink)) turns.finish(layout.rejected[0]?.pointer ?? '')
  }
  const checkConversation = (layout: RowLayout, shape: RowShape) => {
    turns.start(false, shape === 'messages')
    checkSegments(layout.segments, 0, layout.chosenFrom)
    if (layout.chosenFrom < layout.segments.length) {
      if (layout.chosenFrom > 0 && turns.endPrompt()) {
        const pointer = layout.segments[layout.chosenFrom - 1]?.pointer ?? ''
        sink.add('preference.ends-with-assistant', pointer, 'The prompt ends with an assistant turn.', 'assistant', 'user')
      }
      checkSegments(layout.segments, layout.chosenFrom, layout.segments.length)
    }
    if (!hasBlockingFault(sink)) turns.finish(layout.pointer)
  }

  return (row, shape, mapping) => {
    if (shape === 'messages' && checkPlainChat(row, turns, scan, reportExtras, sink)) return
    scanValue(row, 0, scan)
    turns.start(false, false)
    if (scan.isTooDeep) return
    const layout = layOut(row, shape, mapping)
    reportExtras(shape, row)
    checkMarks(row, shape, sink)
    checkMedia(row, layout, sink)
    if (layout.tools !== null) checkTools(layout.tools.value, layout.tools.pointer, sink)
    if (layout.text !== null) {
      checkPlainText(layout.text.value, layout.text.pointer, turns, sink)
      return
    }
    if (shape === 'preference') checkPair(row, layout, sink)
    checkRejected(layout)
    checkConversation(layout, shape)
  }
}

/** The usual chat row, without laying it out; false when it is more than a list of turns and plain columns. */
function checkPlainChat(row: JsonObject, turns: TurnChecker, scan: ValueScan, reportExtras: ExtrasReport, sink: FaultSink): boolean {
  const list = row['messages']
  if (!Array.isArray(list) || list.length === 0) return false
  let columns = 0
  for (const _ in row) columns += 1
  if (columns > 1) {
    if (row['tools'] !== undefined || row['label'] !== undefined || row['kto_tag'] !== undefined) return false
    if (row['images'] !== undefined || row['videos'] !== undefined || row['audios'] !== undefined) return false
    for (const key in row) if (key !== 'messages') scanValue(row[key], 1, scan)
    reportExtras('messages', row)
  }
  scan.keys += columns
  turns.start(false, true)
  turns.checkList(list, '/messages', false)
  if (!hasBlockingFault(sink)) turns.finish('/messages')
  return true
}

const blockingLow = (1 << ruleNumbers['field.missing']) | (1 << ruleNumbers['field.type']) | (1 << ruleNumbers['messages.empty'])

/** One fault about a missing part is enough; that there is then no answer follows from it. */
function hasBlockingFault(sink: FaultSink): boolean {
  return (sink.rulesLow & blockingLow) !== 0
}

function checkPlainText(value: unknown, pointer: string, turns: TurnChecker, sink: FaultSink): void {
  turns.start(false, false)
  turns.walk.isPlain = false
  const name = quoteShort(lastStep(pointer))
  if (value === undefined) sink.add('field.missing', pointer, `The row has no ${name}.`, 'nothing', 'a text')
  else if (typeof value !== 'string') sink.add('content.type', pointer, `${name} must be a text.`, describeValue(value), 'a text')
  else if (value.trim() === '') {
    sink.add(
      'content.empty',
      pointer,
      'The text is empty, so there is nothing to learn from it.',
      value === '' ? 'an empty text' : 'only white space',
      'a text',
    )
  } else turns.walk.characters = value.length
}

/** An answer that its row calls bad must not be taught. */
function checkMarks(row: JsonObject, shape: RowShape, sink: FaultSink): void {
  const isLabelled = (shape === 'messages' || shape === 'prompt_completion') && ownValue(row, 'label') === false
  const key = ownValue(row, 'kto_tag') === false ? 'kto_tag' : isLabelled ? 'label' : null
  if (key === null) return
  sink.add('preference.undesired', pointerTo('', key), 'The row marks its answer as not wanted.', `"${key}": false`, 'an answer to learn')
}

function checkMedia(row: JsonObject, layout: RowLayout, sink: FaultSink): void {
  for (const column of mediaColumns) {
    const media = ownValue(row, column)
    if (!Array.isArray(media)) continue
    const pointer = `/${column}`
    const what = column.slice(0, -1)
    if (media.length > 0) {
      sink.add(
        'content.image-unsupported',
        pointer,
        `The row holds ${column}; only text can be trained.`,
        describeValue(media),
        'text only',
      )
    }
    const placeholders =
      JSON.stringify(layout.segments.map((segment) => (segment.kind === 'list' ? segment.list : segment.content))).split(`<${what}>`)
        .length - 1
    // Rows with typed parts place their images by those, not by words in the text.
    if (placeholders === media.length || (placeholders === 0 && hasMediaParts(layout))) continue
    sink.add(
      'image.count-mismatch',
      pointer,
      `The text has ${placeholders} × <${what}>, the list ${media.length}.`,
      `${media.length} for ${placeholders}`,
      'one entry for each placeholder',
    )
  }
}

function hasMediaParts(layout: RowLayout): boolean {
  return layout.segments.some(
    (segment) =>
      segment.kind === 'list' &&
      Array.isArray(segment.list) &&
      segment.list.some((turn) => isJsonObject(turn) && Array.isArray(turn['content'])),
  )
}

function checkPair(row: JsonObject, layout: RowLayout, sink: FaultSink): void {
  const isOpenAi = Object.hasOwn(row, 'preferred_output') || Object.hasOwn(row, 'non_preferred_output')
  const [better, worse] = isOpenAi ? ['preferred_output', 'non_preferred_output'] : ['chosen', 'rejected']
  const chosen = ownValue(row, better)
  const rejected = ownValue(row, worse)
  if (!isOpenAi)
    sink.add(
      'preference.layout',
      `/${better}`,
      'The pair is written as chosen and rejected.',
      '"chosen" and "rejected"',
      'input, preferred_output and non_preferred_output, for some services',
    )
  if (chosen !== undefined && JSON.stringify(chosen) === JSON.stringify(rejected)) {
    sink.add('preference.same-answers', `/${worse}`, 'Both answers are the same.', 'the same answer twice', 'two different answers')
  }
  if (layout.chosenFrom === 0) return
  for (const [key, answer] of [
    [better, chosen],
    [worse, rejected],
  ] as const) {
    if (!Array.isArray(answer) || answer.length <= 1) continue
    sink.add('preference.answer-count', `/${key}`, `The answer has ${answer.length} turns.`, `${answer.length} turns`, 'one assistant turn')
  }
}

type ExtrasReport = (shape: RowShape, row: JsonObject) => void

/** Reports columns nobody reads; a set has the same ones in every row, so the fault is made once. */
function createExtrasReport(sink: FaultSink): ExtrasReport {
  let knownKeys = ''
  let made: RowFault | null = null
  return (shape, row) => {
    const read = readColumns[shape]
    if (read === undefined) return
    let keys = ''
    let first = ''
    for (const key in row) {
      if (read.has(key)) continue
      first ||= key
      keys += `\n${key}`
    }
    if (keys === '') return
    if (made === null || keys !== knownKeys) {
      const named = keys
        .slice(1)
        .split('\n')
        .map((key) => quoteShort(key, 24))
      const got = named.length > 6 ? `${named.slice(0, 6).join(', ')} and ${named.length - 6} more` : named.join(', ')
      knownKeys = keys
      made = {
        rule: ruleNumbers['columns.extra'],
        pointer: pointerTo('', first),
        message: `The row has columns that are not trained: ${got}.`,
        got,
        expected: [...read].join(', '),
      }
    }
    sink.addMade(made)
  }
}

/** Reports control tokens in the texts of a row; called only when its bytes could hold one. */
export function reportSpecialTokens(row: JsonObject, shape: RowShape, mapping: ColumnMapping | null, sink: FaultSink): void {
  // A text row often is a whole conversation with its control tokens, which is meant so.
  if (shape === 'text') return
  const visit = (value: unknown, pointer: string) => {
    if (typeof value === 'string') {
      const token = findSpecialToken(value)
      if (token !== null)
        sink.add(
          'token.special-in-content',
          pointer,
          `The text holds ${token}, a control token of a model.`,
          token,
          'text without control tokens',
        )
    } else if (Array.isArray(value)) value.forEach((item, index) => visit(item, pointerTo(pointer, index)))
    else if (isJsonObject(value)) {
      for (const key of ['content', 'value', 'text', 'reasoning_content', 'reasoning']) visit(ownValue(value, key), pointerTo(pointer, key))
    }
  }
  const layout = layOut(row, shape, mapping)
  for (const segment of [...layout.segments, ...(layout.rejected ?? [])])
    visit(segment.kind === 'list' ? segment.list : segment.content, segment.pointer)
}
