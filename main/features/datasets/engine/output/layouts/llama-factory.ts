import type { ChatMessage } from '../../../../../../preload/contract/datasets.ts'
import type { RowContent } from '../../row-model.ts'
import { furtherFields } from './further-fields.ts'
import { jsonObject, type LayoutContext, type LayoutPart, type LayoutRow } from './layout-row.ts'
import type { MessageFields } from './message-fields.ts'
import { shareGptRow, shareGptTurn } from './sharegpt.ts'
import { withReasoning } from './reasoning.ts'

/** ShareGPT rows in the strict form that LLaMA-Factory reads; it skips every other row without an error, so those are refused. */
export function toLlamaFactory(content: RowContent, value: unknown, context: LayoutContext, fields: MessageFields): LayoutRow {
  if (content.text !== null) {
    return { json: jsonObject([['text', JSON.stringify(content.text)], ...furtherFields(content, value, context, ['text'])]), part: 'text' }
  }
  const problem = orderProblem(content) ?? callProblem(content.messages)
  if (problem !== null) return { refused: problem }
  const turns = content.messages.map((message, index) => shareGptTurn(withReasoning(message), fields.messages[index] ?? []))
  const further = furtherFields(content, value, context, ['conversations', 'tools', 'system', 'chosen', 'rejected'])
  const rejected = content.rejected?.map(withReasoning) ?? null
  return shareGptRow({ ...content, rejected }, turns, further, fields)
}

/** After a system text, questions and answers must take turns, the question first. */
function orderProblem(content: RowContent): string | null {
  const turns = content.messages[0]?.role === 'system' ? content.messages.slice(1) : content.messages
  for (const [index, turn] of turns.entries()) {
    const isAsking = turn.role === 'user' || turn.role === 'tool'
    const isAnswering = turn.role === 'assistant'
    if (index % 2 === 0 ? !isAsking : !isAnswering) {
      return turn.role === 'system'
        ? 'LLaMA-Factory takes a system text at the start only.'
        : 'LLaMA-Factory needs questions and answers to take turns, the question first.'
    }
  }
  if (turns.length === 0 || turns.length % 2 === 1) return 'LLaMA-Factory needs an answer at the end.'
  return null
}

function callProblem(messages: readonly ChatMessage[]): string | null {
  for (const message of messages) {
    if ((message.toolCalls ?? []).length === 0) continue
    if (message.content !== '' || message.reasoning !== undefined) {
      return 'LLaMA-Factory has no place for text or reasoning next to a tool call.'
    }
  }
  return null
}

/** One data file of an export, as `dataset_info.json` has to describe it. */
export interface LlamaFactoryFile {
  readonly entry: string
  readonly fileName: string
  readonly part: LayoutPart
  /** A column that no row has must not be named. */
  readonly hasTools: boolean
}

/** Content of `dataset_info.json`: one entry per file, ready to be named in `dataset:` of a training configuration. */
export function datasetInfo(files: readonly LlamaFactoryFile[]): string {
  const entries = files.map(({ entry, fileName, part, hasTools }) => {
    if (part === 'text') return [entry, { file_name: fileName, columns: { prompt: 'text' } }]
    const isRanking = part === 'preference'
    const description = {
      file_name: fileName,
      ...(isRanking ? { ranking: true } : {}),
      formatting: 'sharegpt',
      columns: {
        messages: 'conversations',
        ...(isRanking ? { chosen: 'chosen', rejected: 'rejected' } : {}),
        ...(hasTools ? { tools: 'tools' } : {}),
      },
      tags: {
        role_tag: 'from',
        content_tag: 'value',
        user_tag: 'human',
        assistant_tag: 'gpt',
        observation_tag: 'observation',
        function_tag: 'function_call',
        system_tag: 'system',
      },
    }
    return [entry, description]
  })
  return `${JSON.stringify(Object.fromEntries(entries), null, 2)}\n`
}
