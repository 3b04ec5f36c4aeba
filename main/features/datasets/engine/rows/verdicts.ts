import type { RowShape, Verdict } from '../../../../../preload/contract/datasets.ts'
import { consumers, type Consumer } from './consumers.ts'
import { ruleNumbers } from './rule-numbers.ts'
import { rules } from './rules.ts'

/** What one trainer or service would do with a row. */
export type Outcome = Verdict['outcome']

/** Tokens of a row with the base model's tokenizer; `turns` tells whether a long row can lose old turns. */
export interface VerdictTokens {
  readonly total: number
  readonly trained: number
}

const layoutBit = 1 << (ruleNumbers['preference.layout'] - 32)

/**
 * What every consumer (in the order of `consumers`) would do with a row, from its bits alone. `turns` of 3 or less
 * means a single exchange. The list is re-used: read it before the next call.
 */
export function judgeByRules(
  rulesLow: number,
  rulesHigh: number,
  shape: RowShape | null,
  tokens: VerdictTokens | null,
  maxLength: number,
  turns = Number.POSITIVE_INFINITY,
): readonly Outcome[] {
  for (let index = 0; index < consumers.length; index += 1) {
    const consumer = consumers[index]
    if (consumer !== undefined) outcomes[index] = judge(consumer, rulesLow, rulesHigh, shape, tokens, maxLength, turns)
  }
  return outcomes
}

const outcomes: Outcome[] = consumers.map(() => 'kept')

function judge(
  consumer: Consumer,
  low: number,
  high: number,
  shape: RowShape | null,
  tokens: VerdictTokens | null,
  maxLength: number,
  turns: number,
): Outcome {
  if ((low & consumer.rejects.low) !== 0 || (high & consumer.rejects.high) !== 0) return 'rejected'
  if ((low & consumer.drops.low) !== 0 || (high & consumer.drops.high) !== 0) return 'dropped'
  if (shape === null || !readsShape(consumer, shape, high)) return consumer.name === 'tunesmith' ? 'dropped' : 'rejected'
  const limit = limitOf(consumer, maxLength)
  if (tokens === null) return 'kept'
  if (tokens.trained === 0 && dropsUntrained(consumer)) return 'dropped'
  if (limit === null || tokens.total <= limit) return 'kept'
  return consumer.name === 'tunesmith' && turns <= 3 ? 'dropped' : consumer.overLength
}

function readsShape(consumer: Consumer, shape: RowShape, high: number): boolean {
  if (!consumer.shapes.has(shape)) return false
  if (shape !== 'preference' || consumer.pairs === 'both') return true
  return ((high & layoutBit) !== 0) === (consumer.pairs === 'chosen')
}

function limitOf(consumer: Consumer, maxLength: number): number | null {
  return consumer.lengthLimit === undefined ? null : (consumer.lengthLimit ?? maxLength)
}

function dropsUntrained(consumer: Consumer): boolean {
  return consumer.name === 'tunesmith' || consumer.name === 'axolotl'
}

/** The same with a sentence of reason for each; what a row of the browser shows. */
export function judgeRow(
  row: { readonly rulesLow: number; readonly rulesHigh: number; readonly shape: RowShape | null; readonly turns?: number },
  tokens: VerdictTokens | null,
  maxLength: number,
): Verdict[] {
  const { rulesLow, rulesHigh, shape, turns } = row
  return consumers.map((consumer) => {
    const outcome = judge(consumer, rulesLow, rulesHigh, shape, tokens, maxLength, turns ?? Number.POSITIVE_INFINITY)
    const reason = reasonOf(consumer, outcome, rulesLow, rulesHigh, shape, tokens, maxLength)
    return { consumer: consumer.name, title: consumer.title, outcome, reason }
  })
}

function reasonOf(
  consumer: Consumer,
  outcome: Outcome,
  low: number,
  high: number,
  shape: RowShape | null,
  tokens: VerdictTokens | null,
  maxLength: number,
): string {
  const bits = outcome === 'rejected' ? consumer.rejects : consumer.drops
  const cause = rules.find((rule) => hasBit(rule.number, low & bits.low, high & bits.high))
  switch (outcome) {
    case 'kept':
      return 'The whole row is used.'
    case 'rejected':
      if (cause !== undefined) return `${cause.title}: the file is refused or the job stops.`
      return `It does not read this layout${shape === null ? '' : ` (${shape.replaceAll('_', ' ')})`}; export the dataset in a layout it reads.`
    case 'dropped':
      if (cause !== undefined) return `${cause.title}: the row is left out${consumer.name === 'tunesmith' ? '' : ' without a word'}.`
      if (shape !== null && !readsShape(consumer, shape, high))
        return 'It trains conversations, and this row has none; the row is left out.'
      if (tokens !== null && tokens.trained === 0) return 'No token of an answer is learnt, so the row is left out.'
      return tokens === null || shape === null
        ? 'The row is left out.'
        : `${overLimit(consumer, tokens, maxLength)}, so the row is left out.`
    case 'truncated':
      return `${tokens === null ? 'The row is too long' : overLimit(consumer, tokens, maxLength)}; ${
        consumer.name === 'tunesmith' ? 'the oldest turns are left out.' : 'the end of the row, with the answer, is cut.'
      }`
  }
}

function overLimit(consumer: Consumer, tokens: VerdictTokens, maxLength: number): string {
  const limit = limitOf(consumer, maxLength) ?? maxLength
  const over = tokens.total - limit
  const whose = consumer.lengthLimit === null ? 'the chosen length' : 'its default length'
  return `${tokens.total} tokens are ${over} more than ${whose} of ${limit}`
}

function hasBit(rule: number, low: number, high: number): boolean {
  return rule < 32 ? (low & (1 << rule)) !== 0 : (high & (1 << (rule - 32))) !== 0
}
