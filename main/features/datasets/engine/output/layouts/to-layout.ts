import type { ExportLayout, RowShape } from '../../../../../../preload/contract/datasets.ts'
import { assertNever } from '../../../../../lib/assert-never.ts'
import type { RowContent } from '../../row-model.ts'
import { isJsonObject } from '../../rows/faults.ts'
import { plainContext, type LayoutContext, type LayoutRow } from './layout-row.ts'
import { toLlamaFactory } from './llama-factory.ts'
import { readMessageFields } from './message-fields.ts'
import { toOpenAi } from './openai.ts'
import { toParquetJson } from './parquet-messages.ts'
import { toAlpaca, toPromptCompletion } from './plain-pairs.ts'
import { toShareGpt } from './sharegpt.ts'

/** Writes one row in a layout, or says why the layout cannot hold all of it. */
export function toLayout(content: RowContent, value: unknown, layout: ExportLayout, context: LayoutContext = plainContext): LayoutRow {
  if (isOwnLayout(content.shape, value, layout)) return { json: ownJson(value, context), part: 'conversations' }
  if (layout === 'openai' && isOpenAiPreference(value)) return { json: ownJson(value, context), part: 'preference' }
  const fields = readMessageFields(content, value, context.mapping)
  if ('refused' in fields) return fields
  switch (layout) {
    case 'openai':
      return toOpenAi(content, value, context, fields)
    case 'sharegpt':
      return toShareGpt(content, value, context, fields)
    case 'alpaca':
      return toAlpaca(content, value, context, fields)
    case 'prompt_completion':
      return toPromptCompletion(content, value, context, fields)
    case 'parquet_messages':
      return toParquetJson(content, value, context, fields)
    case 'llama_factory':
      return toLlamaFactory(content, value, context, fields)
    default:
      return assertNever(layout)
  }
}

/** The layout that rows of a shape are in already; null where every row has to be written anew. */
export function layoutOfShape(shape: RowShape): ExportLayout | null {
  switch (shape) {
    case 'messages':
      return 'openai'
    case 'sharegpt':
      return 'sharegpt'
    case 'alpaca':
      return 'alpaca'
    case 'prompt_completion':
      return 'prompt_completion'
    case 'question_answer':
    case 'text':
    case 'preference':
    case 'turns':
    case 'brightrun':
    case 'conversations':
    case 'mapped':
      return null
    default:
      return assertNever(shape)
  }
}

/** Line breaks in JSON stand between its parts only, so they can become spaces without a change of meaning. */
function ownJson(value: unknown, context: LayoutContext): string {
  return context.source === null
    ? JSON.stringify(value)
    : context
        .source()
        .trim()
        .replaceAll(/[\r\n]+/g, ' ')
}

/** ShareGPT's other list, with one entry per exchange, is understood here but by few others. */
function isOwnLayout(shape: RowShape, value: unknown, layout: ExportLayout): boolean {
  return layoutOfShape(shape) === layout && (layout !== 'sharegpt' || (isJsonObject(value) && Array.isArray(value['conversations'])))
}

function isOpenAiPreference(value: unknown): boolean {
  return isJsonObject(value) && Object.hasOwn(value, 'preferred_output')
}
