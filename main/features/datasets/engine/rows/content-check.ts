import { describeValue, isJsonObject, lastStep, ownValue, pointerTo, quoteShort, type FaultSink } from './faults.ts'
import type { Role } from './roles.ts'

/** What is known about a turn before its content is looked at; role null = not understood. */
interface TurnFacts {
  readonly role: Role | null
  readonly isTrained: boolean
  readonly callsTool: boolean
}

const textTypes: ReadonlySet<unknown> = new Set([undefined, 'text', 'input_text', 'output_text', 'refusal'])
/** Parts of other formats that have a meaning in a conversation without being its text. */
const otherTypes: ReadonlySet<unknown> = new Set(['tool_use', 'tool_result', 'thinking', 'reasoning', 'redacted_thinking'])
const mediaType = /image|audio|video|file|document|media/

/** Checks the content of a turn; answers the length of its text. */
export function checkContent(value: unknown, pointer: string, turn: TurnFacts, sink: FaultSink): number {
  if (typeof value === 'string') return checkText(value, pointer, turn, sink)
  if ((value === undefined || value === null) && turn.callsTool) return 0
  const key = quoteShort(lastStep(pointer))
  if (value === undefined) {
    sink.add('field.missing', pointer, `The row has no ${key} here.`, 'nothing', 'the text of the turn')
    return 0
  }
  if (Array.isArray(value)) return checkParts(value, pointer, turn, sink)
  if (value === null && turn.role === 'system') return checkText('', pointer, turn, sink)
  sink.add('content.type', pointer, `${key} must be a text.`, describeValue(value), 'a text')
  return 0
}

function checkText(text: string, pointer: string, turn: TurnFacts, sink: FaultSink): number {
  if (!startsOrEndsBlank(text)) return text.length
  if (text.trim() !== '') {
    if (turn.isTrained) {
      const got = text.trimStart() === text ? 'white space after the answer' : 'white space before the answer'
      sink.add('content.untrimmed', pointer, 'The answer has white space around it.', got, 'the answer alone')
    }
    return text.length
  }
  reportBlank(text === '' ? 'an empty text' : 'only white space', pointer, turn, sink)
  return turn.role === 'system' ? 0 : text.length
}

function reportBlank(got: string, pointer: string, turn: TurnFacts, sink: FaultSink): void {
  if (turn.callsTool || turn.role === 'tool') return
  if (turn.isTrained) sink.add('content.empty', pointer, 'The answer is empty, so there is nothing to learn from it.', got, 'the answer')
  else sink.add('content.blank', pointer, `The ${turn.role ?? 'turn’s'} text is empty.`, got, 'the text of the turn')
}

function checkParts(parts: readonly unknown[], pointer: string, turn: TurnFacts, sink: FaultSink): number {
  let length = 0
  let isBlank = true
  let isWhole = true
  for (let index = 0; index < parts.length; index += 1) {
    const part = parts[index]
    const type = isJsonObject(part) ? ownValue(part, 'type') : undefined
    const text = typeof part === 'string' ? part : isJsonObject(part) ? (ownValue(part, 'text') ?? ownValue(part, 'refusal')) : undefined
    if (textTypes.has(type) && typeof text === 'string') {
      length += text.length
      if (text.trim() !== '') isBlank = false
    } else if (otherTypes.has(type)) {
      isBlank = false
    } else {
      isWhole = false
      reportPart(part, type, pointerTo(pointer, index), sink)
    }
  }
  if (isBlank && isWhole) reportBlank(parts.length === 0 ? 'an empty list' : 'only white space', pointer, turn, sink)
  return length
}

function reportPart(part: unknown, type: unknown, pointer: string, sink: FaultSink): void {
  const keys = isJsonObject(part) ? Object.keys(part).join(' ') : ''
  if (mediaType.test(typeof type === 'string' ? type : keys)) {
    const got = typeof type === 'string' ? `a part of type ${quoteShort(type)}` : 'an image or a file'
    sink.add('content.image-unsupported', pointer, 'The turn holds an image, sound or file; only text can be trained.', got, 'text parts')
    return
  }
  const got = typeof type === 'string' ? `a part of type ${quoteShort(type)}` : describeValue(part)
  sink.add('content.type', pointer, 'A part of the content must be a text.', got, 'a text part')
}

function startsOrEndsBlank(text: string): boolean {
  return text.length === 0 || isSpace(text.charCodeAt(0)) || isSpace(text.charCodeAt(text.length - 1))
}

/** White space as `trim` sees it; the rare ones are told by trimming one character. */
function isSpace(code: number): boolean {
  return code <= 32 || (code >= 160 && String.fromCharCode(code).trim() === '')
}
