import type { RowShape } from '../../../../../preload/contract/datasets.ts'
import { ruleNumbers, type RuleId } from './rule-numbers.ts'
import { errorRulesHigh, errorRulesLow } from './rules.ts'

/** Bits of rules, as in a row reading. */
interface RuleBits {
  readonly low: number
  readonly high: number
}

/** A trainer or service with what it accepts, and what it does with the rest. */
export interface Consumer {
  readonly name: string
  readonly title: string
  /** Layouts it reads as they are. */
  readonly shapes: ReadonlySet<RowShape>
  /** Rules that make it refuse the file or stop the job. */
  readonly rejects: RuleBits
  /** Rules that make it leave the row out without stopping. */
  readonly drops: RuleBits
  /** Tokens it keeps by default; null = the length chosen for the run, undefined = not known. */
  readonly lengthLimit: number | null | undefined
  readonly overLength: 'truncated' | 'dropped'
  /** Preference pairs it reads: OpenAI's layout, or chosen and rejected. */
  readonly pairs: 'openai' | 'chosen' | 'both' | 'none'
}

const brokenJson: RuleId[] = [
  'json.invalid',
  'json.truncated',
  'json.trailing-comma',
  'json.single-quotes',
  'json.python-literal',
  'json.array-in-line',
  'json.multiple-objects',
  'json.spread-over-lines',
  'json.control-character',
  'encoding.invalid',
  'encoding.nul',
  'encoding.bom',
  'row.not-object',
  'row.deeply-nested',
  'shape.unknown',
]
const brokenTurns: RuleId[] = ['field.missing', 'field.type', 'messages.empty', 'role.unknown', 'content.type', 'messages.as-text']
const wrongOrder: RuleId[] = [
  'role.repeated',
  'role.first-not-user',
  'role.last-not-assistant',
  'role.system-not-first',
  'role.tool-misplaced',
]
const chatShapes: RowShape[] = ['messages', 'preference']

/** Everyone a row is judged for, in the order they are shown. */
export const consumers: readonly Consumer[] = [
  {
    name: 'openai',
    title: 'OpenAI',
    shapes: new Set(chatShapes),
    rejects: bitsOf([
      ...brokenJson,
      ...brokenTurns,
      'row.too-large',
      'role.alias',
      'assistant.missing',
      'weight.invalid',
      'weight.none-trained',
      'message.key-unknown',
      'tool.arguments-object',
      'tools.not-schema',
      'tool.call-unanswered',
      'tool.call-id-unknown',
      'preference.answer-count',
      'preference.ends-with-assistant',
    ]),
    drops: bitsOf(['content.image-unsupported']),
    lengthLimit: undefined,
    overLength: 'truncated',
    pairs: 'openai',
  },
  {
    name: 'together',
    title: 'Together',
    shapes: new Set<RowShape>([...chatShapes, 'prompt_completion', 'text']),
    rejects: bitsOf([
      ...brokenJson,
      ...brokenTurns,
      'columns.extra',
      'role.alias',
      'role.beyond-basic',
      'role.repeated',
      'assistant.missing',
      'weight.invalid',
      'preference.answer-count',
      'preference.ends-with-assistant',
    ]),
    drops: bitsOf([]),
    lengthLimit: undefined,
    overLength: 'truncated',
    pairs: 'openai',
  },
  {
    name: 'fireworks',
    title: 'Fireworks',
    shapes: new Set(chatShapes),
    rejects: bitsOf([
      ...brokenJson,
      ...brokenTurns,
      ...wrongOrder,
      'role.alias',
      'assistant.missing',
      'content.empty',
      'content.blank',
      'content.image-unsupported',
      'preference.answer-count',
      'preference.ends-with-assistant',
    ]),
    drops: bitsOf([]),
    lengthLimit: undefined,
    overLength: 'truncated',
    pairs: 'openai',
  },
  {
    name: 'axolotl',
    title: 'Axolotl',
    shapes: new Set<RowShape>([...chatShapes, 'sharegpt', 'conversations', 'alpaca', 'text']),
    rejects: bitsOf([
      ...brokenJson,
      'field.missing',
      'field.type',
      'role.unknown',
      'content.type',
      'role.first-not-user',
      'role.repeated',
      'tool.arguments-not-json',
      'token.template-refuses',
      'encoding.lone-surrogate',
    ]),
    drops: bitsOf(['assistant.missing', 'weight.none-trained', 'token.none-trained', 'messages.empty', 'content.empty']),
    lengthLimit: 512,
    overLength: 'dropped',
    pairs: 'chosen',
  },
  {
    name: 'llama_factory',
    title: 'LLaMA-Factory',
    shapes: new Set<RowShape>([...chatShapes, 'sharegpt', 'conversations', 'alpaca', 'text']),
    rejects: bitsOf([
      ...brokenJson,
      'field.missing',
      'field.type',
      'role.unknown',
      'role.alias',
      'content.type',
      'messages.as-text',
      'image.count-mismatch',
      'encoding.lone-surrogate',
    ]),
    drops: bitsOf([
      'role.repeated',
      'role.first-not-user',
      'role.last-not-assistant',
      'role.system-not-first',
      'role.tool-misplaced',
      'messages.empty',
      'assistant.missing',
    ]),
    lengthLimit: 2048,
    overLength: 'truncated',
    pairs: 'chosen',
  },
  {
    name: 'trl',
    title: 'TRL',
    shapes: new Set<RowShape>([...chatShapes, 'sharegpt', 'prompt_completion', 'text']),
    rejects: bitsOf([
      ...brokenJson,
      ...brokenTurns,
      'role.first-not-user',
      'role.repeated',
      'token.template-refuses',
      'encoding.lone-surrogate',
    ]),
    drops: bitsOf([]),
    lengthLimit: 1024,
    overLength: 'truncated',
    pairs: 'chosen',
  },
  {
    name: 'tunesmith',
    title: 'Tunesmith',
    shapes: new Set<RowShape>([
      'messages',
      'sharegpt',
      'alpaca',
      'prompt_completion',
      'question_answer',
      'preference',
      'turns',
      'brightrun',
      'conversations',
      'mapped',
    ]),
    rejects: bitsOf([]),
    drops: { low: errorRulesLow, high: errorRulesHigh },
    lengthLimit: null,
    overLength: 'truncated',
    pairs: 'both',
  },
]

function bitsOf(ids: readonly RuleId[]): RuleBits {
  let low = 0
  let high = 0
  for (const id of ids) {
    const rule = ruleNumbers[id]
    if (rule < 32) low |= 1 << rule
    else high |= 1 << (rule - 32)
  }
  return { low, high }
}
