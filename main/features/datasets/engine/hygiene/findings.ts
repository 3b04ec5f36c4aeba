import type { ChatMessage } from '../../../../../preload/contract/datasets.ts'
import type { RowContent } from '../row-model.ts'
import { hintsFor, matchPrivate } from './private-text.ts'
import { stringsIn, type PointedString } from './strings-in.ts'

/** A piece of personal data or a secret in a row. */
export interface RowFinding {
  /** Number in the flag table. */
  readonly flag: number
  /** Place of the turn in `messages` or `rejected`; -1 for the text or the tools of the row. */
  readonly messageIndex: number
  /** RFC 6901 pointer into the row as it is read: `/messages/3/content`, `/text`. */
  readonly pointer: string
  /** Where it stands in that string, in UTF-16 units. */
  readonly start: number
  readonly end: number
  readonly text: string
}

/** Lists the private data of a row: exactly what the scanner raised its privacy and secret flags for. */
export function findPrivate(content: RowContent): RowFinding[] {
  const findings: RowFinding[] = []
  const search = (messageIndex: number, { pointer, text }: PointedString) => {
    for (const { flag, start, end } of matchPrivate(text, hintsFor(text))) {
      findings.push({ flag, messageIndex, pointer, start, end, text: text.slice(start, end) })
    }
  }
  for (const [index, message] of content.messages.entries()) {
    for (const part of stringsOf(message, `/messages/${index}`)) search(index, part)
  }
  for (const [index, message] of (content.rejected ?? []).entries()) {
    for (const part of stringsOf(message, `/rejected/${index}`)) search(index, part)
  }
  if (content.text !== null) search(-1, { pointer: '/text', text: content.text })
  if (content.tools !== null) for (const part of stringsIn(content.tools, '/tools')) search(-1, part)
  return findings
}

function stringsOf(message: ChatMessage, pointer: string): PointedString[] {
  const parts: PointedString[] = [{ pointer: `${pointer}/content`, text: message.content }]
  if (message.reasoning !== undefined) parts.push({ pointer: `${pointer}/reasoning`, text: message.reasoning })
  if (message.name !== undefined) parts.push({ pointer: `${pointer}/name`, text: message.name })
  for (const [index, call] of (message.toolCalls ?? []).entries()) {
    parts.push({ pointer: `${pointer}/toolCalls/${index}/name`, text: call.name })
    parts.push({ pointer: `${pointer}/toolCalls/${index}/arguments`, text: call.arguments })
  }
  return parts
}
