import type { ChatMessage } from '../../../../../preload/contract/datasets.ts'

/** A message as chat templates expect it. */
export type TemplateMessage = Readonly<Record<string, unknown>> & { readonly role: string; readonly content: string }

/** The messages of a row under the names that templates read; tool arguments become objects, as templates write them as JSON. */
export function toTemplateMessages(messages: readonly ChatMessage[]): TemplateMessage[] {
  return messages.map((message) => {
    const built: TemplateMessage & Record<string, unknown> = { role: message.role, content: message.content }
    if (message.name !== undefined) built['name'] = message.name
    if (message.reasoning !== undefined) {
      built['reasoning_content'] = message.reasoning
      // gpt-oss reads its reasoning under this name.
      built['thinking'] = message.reasoning
    }
    if (message.toolCallId !== undefined) built['tool_call_id'] = message.toolCallId
    if (message.toolCalls !== undefined) {
      built['tool_calls'] = message.toolCalls.map((call) => ({
        id: call.id,
        type: 'function',
        function: { name: call.name, arguments: argumentsOf(call.arguments) },
      }))
    }
    return built
  })
}

function argumentsOf(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : text
  } catch (error) {
    // Arguments that are no JSON are a fault of their own; the template shows them as they stand.
    if (error instanceof SyntaxError) return text
    throw error
  }
}
