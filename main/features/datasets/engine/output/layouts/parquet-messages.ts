import type { RowContent } from '../../row-model.ts'
import { furtherFields } from './further-fields.ts'
import { jsonObject, type LayoutContext, type LayoutRow } from './layout-row.ts'
import type { MessageFields } from './message-fields.ts'

/** One message as a Parquet structure; absent parts are null there. */
export interface ParquetMessage {
  readonly role: string
  readonly content: string
  readonly name?: string
  readonly reasoning_content?: string
  readonly tool_calls?: readonly {
    readonly id: string
    readonly type: 'function'
    readonly function: { readonly name: string; readonly arguments: string }
  }[]
  readonly tool_call_id?: string
  readonly weight?: number
  /** Further fields of the message as JSON text. */
  readonly extra?: string
}

/** One row of a Parquet file in Hugging Face's `messages` form; what has no fixed type is JSON text. */
export interface ParquetRow {
  readonly messages: readonly ParquetMessage[]
  readonly tools?: string
  /** Further fields of the row as JSON text. */
  readonly extra?: string
}

/** Turns a row into its Parquet structure. */
export function toParquetRow(
  content: RowContent,
  value: unknown,
  context: LayoutContext,
  fields: MessageFields,
): ParquetRow | { readonly refused: string } {
  if (content.text !== null) return { refused: 'The messages column holds conversations; this row is plain text.' }
  if (content.rejected !== null) return { refused: 'The messages column holds one answer; this row has a preferred and a rejected one.' }
  if (holdsHalfCharacter(content)) return { refused: 'A text holds half a character (a lone surrogate), which Parquet cannot store.' }
  const further = furtherFields(content, value, context, [])
  return {
    messages: content.messages.map((message, index) => {
      const extra = fields.messages[index] ?? []
      return {
        role: message.role,
        content: message.content,
        ...(message.name === undefined ? {} : { name: message.name }),
        ...(message.reasoning === undefined ? {} : { reasoning_content: message.reasoning }),
        ...(message.toolCalls === undefined
          ? {}
          : {
              tool_calls: message.toolCalls.map((call) => ({
                id: call.id,
                type: 'function' as const,
                function: { name: call.name, arguments: call.arguments },
              })),
            }),
        ...(message.toolCallId === undefined ? {} : { tool_call_id: message.toolCallId }),
        ...(message.isTrained === undefined ? {} : { weight: message.isTrained ? 1 : 0 }),
        ...(extra.length === 0 ? {} : { extra: jsonObject(extra) }),
      }
    }),
    ...(content.tools === null ? {} : { tools: JSON.stringify(content.tools) }),
    ...(further.length === 0 ? {} : { extra: jsonObject(further) }),
  }
}

function holdsHalfCharacter({ messages }: RowContent): boolean {
  return messages.some((message) => {
    const calls = (message.toolCalls ?? []).flatMap((call) => [call.id, call.name, call.arguments])
    return [message.content, message.reasoning, message.name, message.toolCallId, ...calls].some((text) =>
      /\p{Surrogate}/u.test(text ?? ''),
    )
  })
}

/** The same as one line of JSON, for previews. */
export function toParquetJson(content: RowContent, value: unknown, context: LayoutContext, fields: MessageFields): LayoutRow {
  const row = toParquetRow(content, value, context, fields)
  return 'refused' in row ? row : { json: JSON.stringify(row), part: 'conversations' }
}
