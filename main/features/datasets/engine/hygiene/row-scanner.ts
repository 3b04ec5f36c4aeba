import { assertNever } from '../../../../lib/assert-never.ts'
import type { ChatMessage } from '../../../../../preload/contract/datasets.ts'
import type { RowContent } from '../row-model.ts'
import { flagNumbers } from './flags.ts'
import { hintsFor, matchPrivate } from './private-text.ts'
import { endsMidSentence, isRefusal, isVeryShort, textQualityFlags } from './quality.ts'
import { mainScriptOf } from './scripts-of-text.ts'
import { stringsIn } from './strings-in.ts'
import { createTextPass, mixed, type TextFacts } from './text-pass.ts'

/** What the scan pass stores about a row. The scanner re-uses the object. */
export interface RowScan {
  /** Bits of the flag table; `quality.other_script` is set later, when the whole set is known. */
  flags: number
  /** Number in the script table. */
  script: number
  /** 64-bit hash of everything that is trained on, with case and white space folded. */
  contentLow: number
  contentHigh: number
  /** The same of everything before the last assistant turn; 0 and 0 where nothing stands before it. */
  promptLow: number
  promptHigh: number
  /** Hash of the first system turn; 0 where there is none. */
  system: number
  /** Hash of the last answer where it is as short as a label; 0 where it is not. */
  label: number
}

/** An answer of at most so many characters may be a label, as in rows that teach to classify. */
const labelCharacters = 40

/** Scans rows one after another. */
export interface RowScanner {
  scan(content: RowContent): RowScan
}

/** Creates a scanner; one per thread, because its tables are re-used. */
export function createRowScanner(): RowScanner {
  const pass = createTextPass()
  const result: RowScan = { flags: 0, script: 0, contentLow: 0, contentHigh: 0, promptLow: 0, promptHigh: 0, system: 0, label: 0 }
  let low = 0
  let high = 0

  const mix = (tag: number, textLow: number, textHigh: number) => {
    low = Math.imul((low ^ tag ^ textLow) | 0, 0x9e3779b1)
    low = Math.imul(((low << 15) | (low >>> 17)) ^ textHigh, 0x27d4eb2f)
    high = Math.imul((high ^ tag ^ textHigh) | 0, 0x85ebca77)
    high = Math.imul(((high << 13) | (high >>> 19)) ^ textLow, 0x165667b1)
    low ^= high >>> 16
    high ^= low >>> 15
  }
  const read = (text: string, tag: number): TextFacts => {
    const facts = pass.run(text)
    mix(tag, facts.hashLow, facts.hashHigh)
    for (const match of matchPrivate(text, facts)) result.flags |= 1 << match.flag
    return facts
  }
  const readTools = (tools: readonly unknown[]) => {
    const facts = pass.run(JSON.stringify(tools))
    mix(tags.tools, facts.hashLow, facts.hashHigh)
    for (const { text } of stringsIn(tools, '/tools'))
      for (const match of matchPrivate(text, hintsFor(text))) result.flags |= 1 << match.flag
  }
  /** The parts of a turn besides its content. */
  const readRest = (message: ChatMessage) => {
    if (message.reasoning !== undefined) read(message.reasoning, tags.reasoning)
    if (message.name !== undefined) read(message.name, tags.name)
    if (message.toolCalls === undefined) return
    for (const call of message.toolCalls) {
      read(call.name, tags.toolName)
      read(call.arguments, tags.toolArguments)
    }
  }
  const readConversation = (messages: readonly ChatMessage[]) => {
    const last = messages.findLastIndex((message) => message.role === 'assistant')
    let userLow = 0
    let userHigh = 0
    for (const [index, message] of messages.entries()) {
      if (index === last && index > 0) {
        result.promptLow = mixed(low)
        result.promptHigh = mixed(high) || 1
      }
      const facts = read(message.content, roleTag(message.role))
      if (message.role === 'system' && result.system === 0) result.system = facts.hashLow >>> 0 || 1
      if (index === last && message.content.length <= labelCharacters && facts.visible > 0) result.label = facts.hashLow >>> 0 || 1
      if (message.role === 'user') {
        userLow = facts.hashLow
        userHigh = facts.hashHigh
      } else if (message.role === 'assistant' && message.isTrained !== false) {
        result.flags |= textQualityFlags(message.content, facts)
        if (isRefusal(message.content)) result.flags |= 1 << flagNumbers.refusal
        if (facts.visible > 0 && facts.hashLow === userLow && facts.hashHigh === userHigh) result.flags |= 1 << flagNumbers.echo
        if (index === last) result.flags |= lastAnswerFlags(message, facts, mainScriptOf(pass.scriptCounts))
      }
      readRest(message)
    }
  }

  return {
    scan(content) {
      pass.reset()
      result.flags = 0
      result.promptLow = 0
      result.promptHigh = 0
      result.system = 0
      result.label = 0
      low = 0x52dce729
      high = 0x38495ab5
      if (content.tools !== null && content.tools.length > 0) readTools(content.tools)
      readConversation(content.messages)
      if (content.rejected !== null) {
        mix(tags.rejected, 0, 0)
        for (const message of content.rejected) {
          read(message.content, roleTag(message.role))
          readRest(message)
        }
      }
      if (content.text !== null) result.flags |= textQualityFlags(content.text, read(content.text, tags.text))
      result.flags >>>= 0
      result.script = mainScriptOf(pass.scriptCounts)
      result.contentLow = mixed(low)
      result.contentHigh = mixed(high)
      return result
    },
  }
}

/** What keeps a user's words and the same words of an assistant apart in the hash. */
const tags = { reasoning: 17, name: 18, toolName: 19, toolArguments: 20, tools: 21, rejected: 22, text: 23 } as const

function roleTag(role: ChatMessage['role']): number {
  switch (role) {
    case 'system':
      return 1
    case 'user':
      return 2
    case 'assistant':
      return 3
    case 'tool':
      return 4
    default:
      return assertNever(role)
  }
}

function lastAnswerFlags(message: ChatMessage, facts: TextFacts, script: number): number {
  // A turn that calls a function says what it has to say there.
  if (message.toolCalls !== undefined && message.toolCalls.length > 0) return 0
  let flags = 0
  if (isVeryShort(facts)) flags |= 1 << flagNumbers.shortAnswer
  if (endsMidSentence(message.content, facts, script)) flags |= 1 << flagNumbers.truncated
  return flags
}
