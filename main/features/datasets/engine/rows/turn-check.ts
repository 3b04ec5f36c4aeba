import { checkContent } from './content-check.ts'
import { describeValue, isJsonObject, ownValue, pointerTo, quoteShort, type FaultSink, type JsonObject } from './faults.ts'
import { scanValue, type ValueScan } from './json-checks.ts'
import { guessRole, isCallWord, readRole, type Role } from './roles.ts'
import { checkCalls, checkCallText, type PendingCall } from './tool-check.ts'
import { callsTool, hasTwoKeys, isTurnTrained } from './turn-facts.ts'
import { reportOrder, speaker, speakerNames, speakerRole, type Speaker } from './turn-order.ts'

/** Keys of a turn that OpenAI knows. */
const openAiTurnKeys: ReadonlySet<string> = new Set([
  'role',
  'content',
  'name',
  'weight',
  'refusal',
  'tool_calls',
  'tool_call_id',
  'function_call',
])

/** Counts and findings over the turns of one conversation. */
export interface TurnWalk {
  turns: number
  assistantTurns: number
  characters: number
  assistantCharacters: number
  /** True while every turn is exactly a role and a text. */
  isPlain: boolean
  /** True once a tool, function or developer turn was met. */
  isBeyondBasic: boolean
}

/** Checks the turns of one row after another. */
export interface TurnChecker {
  readonly walk: TurnWalk
  /** Forgets the row before. `isAfterPrompt` starts as if a user had just spoken. */
  start(isAfterPrompt: boolean, wantsOpenAiKeys: boolean): void
  checkList(list: readonly unknown[], pointer: string, isShareGpt: boolean): void
  checkTurn(role: Role, content: unknown, pointer: string): void
  /** True when the last turn so far is the assistant's; the next one then counts as the first after a prompt. */
  endPrompt(): boolean
  finish(pointer: string): void
}

/** Creates the checker that a reader re-uses for all its rows. */
export function createTurnChecker(sink: FaultSink, scan: ValueScan): TurnChecker {
  const walk: TurnWalk = { turns: 0, assistantTurns: 0, characters: 0, assistantCharacters: 0, isPlain: true, isBeyondBasic: false }
  let previous: Speaker = speaker.nobody
  let hasTalked = false
  let unknownRoles = 0
  let trainedTurns = 0
  let knowsOpenAiKeys = false
  let hasReportedKeys = false
  let lastPointer = ''
  let firstWeightPointer = ''
  let pending: PendingCall[] = []

  const count = (now: Speaker, length: number) => {
    walk.turns += 1
    walk.characters += length
    if (now !== speaker.assistant) return
    walk.assistantTurns += 1
    walk.assistantCharacters += length
  }
  const follow = (now: Speaker, pointer: string) => {
    if (pending.length > 0 && (now === speaker.user || now === speaker.assistant)) reportUnanswered(pending.splice(0), sink)
    reportOrder(previous, now, hasTalked, pointer, sink)
    if (now !== speaker.system) hasTalked = true
    previous = now
    lastPointer = pointer
  }
  const readSpeaker = (turn: JsonObject, roleKey: string, pointer: string, isShareGpt: boolean): Speaker => {
    const value = ownValue(turn, roleKey)
    const at = pointerTo(pointer, roleKey)
    if (value === undefined || value === null) {
      sink.add(
        'field.missing',
        at,
        `The turn has no "${roleKey}", so it is not known who speaks.`,
        describeValue(value),
        'user or assistant',
      )
      return speaker.unknown
    }
    if (typeof value !== 'string') {
      sink.add('field.type', at, `"${roleKey}" must be a text.`, describeValue(value), 'system, user, assistant or tool')
      return speaker.unknown
    }
    const reading = readRole(value, isShareGpt)
    if (reading === null) {
      const guess = guessRole(value)
      const expected = guess === null ? 'system, user, assistant or tool' : `"${guess}"`
      sink.add('role.unknown', at, `The role ${quoteShort(value)} is not known.`, quoteShort(value), expected)
      return speaker.unknown
    }
    if (reading.how === 'alias')
      sink.add('role.alias', at, `The role ${quoteShort(value)} is read as ${reading.role}.`, quoteShort(value), `"${reading.role}"`)
    if (reading.how === 'beyond-basic') reportBeyondBasic(at, value)
    return speaker[reading.role]
  }
  const reportBeyondBasic = (pointer: string, got: string) => {
    if (walk.isBeyondBasic) return
    walk.isBeyondBasic = true
    const isTool = got !== 'developer'
    const message = isTool ? 'The conversation uses tools.' : 'The conversation uses the developer role.'
    sink.add('role.beyond-basic', pointer, message, quoteShort(got), 'system, user or assistant, for some services')
  }
  /** Reads the marks that take an answer out of training; they must not be silently turned round. */
  const readWeight = (turn: JsonObject, pointer: string): boolean => {
    const weight = ownValue(turn, 'weight')
    if (weight !== undefined && weight !== null) {
      firstWeightPointer ||= pointerTo(pointer, 'weight')
      if (weight !== 0 && weight !== 1)
        sink.add('weight.invalid', pointerTo(pointer, 'weight'), 'The weight is neither 0 nor 1.', describeValue(weight), '0 or 1')
    }
    return isTurnTrained(turn)
  }
  const checkKeys = (turn: JsonObject, pointer: string) => {
    if (!knowsOpenAiKeys || hasReportedKeys) return
    for (const key in turn) {
      if (openAiTurnKeys.has(key)) continue
      hasReportedKeys = true
      sink.add(
        'message.key-unknown',
        pointerTo(pointer, key),
        `The turn has the extra entry ${quoteShort(key)}.`,
        quoteShort(key),
        'role, content and what OpenAI knows',
      )
      return
    }
  }
  const answerCall = (turn: JsonObject, pointer: string) => {
    const id = ownValue(turn, 'tool_call_id')
    if (typeof id !== 'string') {
      pending.shift()
      return
    }
    const index = pending.findIndex((call) => call.id === id)
    if (index >= 0) pending.splice(index, 1)
    else {
      const expected = pending.flatMap((call) => (call.id === null ? [] : [quoteShort(call.id)])).join(' or ')
      sink.add(
        'tool.call-id-unknown',
        pointerTo(pointer, 'tool_call_id'),
        `No open call has the id ${quoteShort(id)}.`,
        quoteShort(id),
        expected || 'the id of an open call',
      )
    }
  }
  const checkRichTurn = (value: unknown, pointer: string, isShareGptList: boolean) => {
    walk.isPlain = false
    if (!isJsonObject(value)) {
      sink.add('field.type', pointer, 'A turn must be an object with a role and content.', describeValue(value), 'an object')
      unknownRoles += 1
      follow(speaker.unknown, pointer)
      return
    }
    scanValue(value, 3, scan)
    const isShareGpt = !Object.hasOwn(value, 'role') && (isShareGptList || Object.hasOwn(value, 'from'))
    const roleKey = isShareGpt ? 'from' : 'role'
    const contentKey =
      (isShareGpt && !Object.hasOwn(value, 'content')) || (!Object.hasOwn(value, 'content') && Object.hasOwn(value, 'value'))
        ? 'value'
        : 'content'
    const now = readSpeaker(value, roleKey, pointer, isShareGpt)
    const isTrained = now === speaker.assistant && readWeight(value, pointer)
    if (now === speaker.unknown) unknownRoles += 1
    if (isTrained) trainedTurns += 1
    checkKeys(value, pointer)
    const content = ownValue(value, contentKey)
    const contentPointer = pointerTo(pointer, contentKey)
    const length = checkContent(
      content,
      contentPointer,
      { role: now === speaker.unknown ? null : speakerRole(now), isTrained, callsTool: callsTool(value) },
      sink,
    )
    // An empty system text says the same as none.
    if (now === speaker.system && length === 0) return
    follow(now, pointerTo(pointer, roleKey))
    count(now, length)
    if (now === speaker.tool) answerCall(value, pointer)
    if (now !== speaker.assistant) return
    if (callsTool(value))
      reportBeyondBasic(pointerTo(pointer, Object.hasOwn(value, 'tool_calls') ? 'tool_calls' : 'function_call'), 'tool call')
    if (isShareGpt && isCallWord(ownValue(value, roleKey))) checkCallText(content, contentPointer, pending, sink)
    else checkCalls(value, pointer, pending, sink)
  }

  return {
    walk,
    start(isAfterPrompt, wantsOpenAiKeys) {
      walk.turns = 0
      walk.assistantTurns = 0
      walk.characters = 0
      walk.assistantCharacters = 0
      walk.isPlain = true
      walk.isBeyondBasic = false
      previous = isAfterPrompt ? speaker.user : speaker.nobody
      hasTalked = isAfterPrompt
      unknownRoles = 0
      trainedTurns = 0
      knowsOpenAiKeys = wantsOpenAiKeys
      hasReportedKeys = false
      lastPointer = ''
      firstWeightPointer = ''
      if (pending.length > 0) pending = []
    },
    checkList(list, pointer, isShareGpt) {
      for (let index = 0; index < list.length; index += 1) {
        const turn = list[index] as Record<string, unknown> | null
        if (typeof turn === 'object' && turn !== null && pending.length === 0) {
          const content = turn['content']
          const role = turn['role']
          if (typeof content === 'string' && isVisible(content.charCodeAt(0)) && hasTwoKeys(turn)) {
            // The usual order is settled here without a pointer; everything else is looked at again below.
            let now: Speaker = speaker.nobody
            if (role === 'user') {
              if (previous === speaker.assistant || previous === speaker.nobody || previous === speaker.system) now = speaker.user
            } else if (role === 'assistant') {
              if (previous === speaker.user && isVisible(content.charCodeAt(content.length - 1))) now = speaker.assistant
            } else if (role === 'system' && previous === speaker.nobody) now = speaker.system
            if (now !== speaker.nobody) {
              scan.keys += 2
              previous = now
              walk.turns += 1
              walk.characters += content.length
              if (now !== speaker.system) hasTalked = true
              if (now === speaker.assistant) {
                walk.assistantTurns += 1
                walk.assistantCharacters += content.length
                trainedTurns += 1
              } else lastPointer = ''
              continue
            }
          }
        }
        checkRichTurn(turn, pointerTo(pointer, index), isShareGpt)
      }
      if (lastPointer === '' && list.length > 0) lastPointer = `${pointer}/${list.length - 1}/${isShareGpt ? 'from' : 'role'}`
    },
    checkTurn(role, content, pointer) {
      walk.isPlain = false
      const isAnswer = role === 'assistant'
      const length = checkContent(content, pointer, { role, isTrained: isAnswer, callsTool: false }, sink)
      if (isAnswer) trainedTurns += 1
      follow(speaker[role], pointer)
      count(speaker[role], length)
    },
    endPrompt() {
      const endsWithAnswer = previous === speaker.assistant
      if (endsWithAnswer) previous = speaker.user
      return endsWithAnswer
    },
    finish(pointer) {
      if (unknownRoles > 0) return
      if (walk.assistantTurns === 0) {
        sink.add(
          'assistant.missing',
          pointer,
          'The conversation has no answer, so there is nothing to learn.',
          `${walk.turns} turns without an answer`,
          'an assistant turn',
        )
      } else if (trainedTurns === 0) {
        sink.add(
          'weight.none-trained',
          firstWeightPointer || pointer,
          'Every answer is marked as not to be learnt.',
          'weight 0 for every answer',
          'an answer with weight 1',
        )
      } else if (previous !== speaker.assistant) {
        const name = speakerNames[previous]
        sink.add('role.last-not-assistant', lastPointer, `The conversation ends with a ${name} turn.`, name, 'assistant')
      }
    },
  }
}

function reportUnanswered(calls: readonly PendingCall[], sink: FaultSink): void {
  for (const call of calls) {
    const got = call.id === null ? 'no reply' : `no reply to ${quoteShort(call.id)}`
    sink.add('tool.call-unanswered', call.pointer, 'The next turn is not the reply of the tool.', got, 'a tool turn')
  }
}

/** False for everything that JavaScript trims, and for a few codes near it, which the slower check then looks at. */
function isVisible(code: number): boolean {
  if (code < 0xa0) return code > 32
  return code !== 0xa0 && code !== 0x1680 && code !== 0x3000 && code !== 0xfeff && (code < 0x2000 || code > 0x205f)
}
