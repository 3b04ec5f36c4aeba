import { countElements, outlineObject, scanValue, type ObjectOutline } from './json-outline.ts'
import type { ListLayout, UnreadableReason } from './source-types.ts'

/** How the rows stand in a JSON file. */
export type JsonFindings =
  | { readonly format: 'jsonl'; readonly evidence: string[] }
  | { readonly format: 'json_array'; readonly list: ListLayout; readonly evidence: string[] }
  | { readonly format: null; readonly problem: UnreadableReason }

const sampleLines = 200

/** Keys under which a row keeps a list of its own; such an object is a row, not the frame around rows. */
const rowKeys = new Set(
  'messages conversation conversations turns history tools chosen rejected segments images videos audios input_ids labels attention_mask prompt completion preferred_output non_preferred_output functions choices'.split(
    ' ',
  ),
)
const messageKeys = new Set(['role', 'from', 'content', 'value', 'human', 'assistant', 'user', 'gpt'])

/** Recognises JSON in the beginning of a text; null where it is something else. */
export function detectJson(text: string, isWhole: boolean): JsonFindings | null {
  const start = text.search(/\S/)
  const first = text[start]
  const lines = sampleOf(text, isWhole)
  const objectLines = lines.filter((line) => isObjectLine(line)).length
  if (first === '[') return detectArray(text, start, lines, isWhole)
  if (first === '{') return detectObjects(text, start, lines, objectLines, isWhole)
  if (objectLines >= 2 && objectLines >= lines.length / 2) return linesFound(objectLines, lines.length)
  return null
}

function sampleOf(text: string, isWhole: boolean): string[] {
  const lines = text.split('\n')
  // The last one may be cut off.
  if (!isWhole && lines.length > 1) lines.pop()
  return lines
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .slice(0, sampleLines)
}

function isObjectLine(line: string): boolean {
  return line.startsWith('{') && scanValue(line, 0) === line.length
}

function linesFound(objectLines: number, lines: number): JsonFindings {
  if (lines === 1) return { format: 'jsonl', evidence: ['The first line is a JSON object.'] }
  const evidence =
    objectLines === lines
      ? `Each of the first ${lines} lines is a JSON object.`
      : `${objectLines} of the first ${lines} lines are JSON objects.`
  return { format: 'jsonl', evidence: [evidence] }
}

function detectArray(text: string, start: number, lines: readonly string[], isWhole: boolean): JsonFindings {
  const end = scanValue(text, start)
  const listLines = lines.filter((line) => line.startsWith('[') && scanValue(line, 0) === line.length).length
  if (lines.length > 1 && listLines === lines.length) {
    return { format: 'jsonl', evidence: [`Each of the first ${lines.length} lines is a JSON list.`] }
  }
  const values = countElements(text, start)
  if (values === 0 && end > 0 && isWhole && text.slice(end).trim() === '') {
    return { format: null, problem: { message: 'The file holds an empty list.', suggestion: 'Choose a file that holds rows.' } }
  }
  const evidence = isWhole
    ? `The file starts with [ and holds ${values} ${values === 1 ? 'value' : 'values separated by commas'}.`
    : `The file starts with [ and its first part holds ${values} ${values === 1 ? 'value' : 'values separated by commas'}.`
  return { format: 'json_array', list: { kind: 'array', property: null }, evidence: [evidence] }
}

function detectObjects(text: string, start: number, lines: readonly string[], objectLines: number, isWhole: boolean): JsonFindings {
  const outline = outlineObject(text, start)
  const isAlone = outline.end === null ? !isWhole || lines.length > 1 : text.slice(outline.end).trim() === '' && isWhole
  const property = isAlone ? listProperty(outline, lines.length > 1) : null
  if (property !== null) {
    const others = outline.members.filter(({ key }) => key !== property).map(({ key }) => key)
    const left = others.length === 0 ? [] : [`Its other properties are left out: ${others.slice(0, 8).join(', ')}.`]
    const found = `The file is one JSON object whose list “${property}” holds the rows.`
    return { format: 'json_array', list: { kind: 'property', property }, evidence: [found, ...left] }
  }
  if (objectLines > 0 && objectLines >= lines.length / 2) return linesFound(objectLines, lines.length)
  const isSpread =
    outline.end === null ? looksIndented(lines) : text.slice(start, outline.end).includes('\n') || isFollowedByMore(text, outline.end)
  if (!isSpread) return linesFound(objectLines, lines.length)
  const values = countSequence(text, start)
  const where = isWhole ? '' : ' in the first part of the file'
  const evidence =
    values === 1
      ? 'The file starts with a JSON object that is spread over several lines.'
      : `${values} JSON objects${where} follow one another, but not one per line.`
  return { format: 'json_array', list: { kind: 'sequence', property: null }, evidence: [evidence] }
}

function looksIndented(lines: readonly string[]): boolean {
  const second = lines[1]
  return second !== undefined && !second.startsWith('{')
}

/** True for `{…}, {…}` and `{…}{…}`. */
function isFollowedByMore(text: string, end: number): boolean {
  return /^[ \t]*(?:,[ \t]*)?[{\r]|^[ \t]*,[ \t]*\r?\n/.test(text.slice(end, end + 200))
}

function countSequence(text: string, start: number): number {
  let count = 0
  let at = start
  while (at < text.length) {
    while (at < text.length && /[\s,]/.test(text[at] ?? '')) at += 1
    const end = scanValue(text, at)
    if (end < 0) break
    count += 1
    at = end
  }
  return Math.max(1, count)
}

const frameKeys = new Set(
  'data examples rows items records train training test validation dataset samples training_pairs instances entries results'.split(' '),
)

/** The key whose list holds the rows, when the object is a frame around them. */
function listProperty(outline: ObjectOutline, isMultiLine: boolean): string | null {
  const lists = outline.members.filter((member) => member.kind === 'list')
  const [list] = lists
  if (list === undefined || lists.length > 1 || list.firstElement === null) return null
  const looksLikeMessages = list.firstElementKeys.some((key) => messageKeys.has(key))
  if (looksLikeMessages || list.firstElementKeys.length === 0) return null
  if (frameKeys.has(list.key)) return list.key
  if (rowKeys.has(list.key)) return isOwnRow(list.firstElementKeys) ? list.key : null
  const othersAreShort = outline.members.every((member) => member === list || member.kind !== 'text' || member.length < 200)
  return isMultiLine && othersAreShort && list.elements >= 2 ? list.key : null
}

/** `{"conversations": [{"messages": […]}]}` is a frame although rows have that key, too. */
function isOwnRow(keys: readonly string[]): boolean {
  return keys.some((key) => rowKeys.has(key))
}
