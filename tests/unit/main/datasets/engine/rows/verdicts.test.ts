import { describe, expect, it } from 'vitest'
import { verdictSchema, type RowShape } from '../../../../../../preload/contract/datasets.ts'
import { consumers } from '../../../../../../main/features/datasets/engine/rows/consumers.ts'
import { createRowReader } from '../../../../../../main/features/datasets/engine/rows/row-reader.ts'
import { judgeByRules, judgeRow, type VerdictTokens } from '../../../../../../main/features/datasets/engine/rows/verdicts.ts'

const reader = createRowReader({ mapping: null })
const q = { role: 'user', content: 'Q' }
const a = { role: 'assistant', content: 'A' }

function outcomesOf(row: unknown, tokens: VerdictTokens | null = null, maxLength = 4096): Record<string, string> {
  const reading = reader.read(Buffer.from(typeof row === 'string' ? row : JSON.stringify(row)))
  return Object.fromEntries(judgeRow(reading, tokens, maxLength).map(({ consumer, outcome }) => [consumer, outcome]))
}

describe('what each trainer would do with a row', () => {
  it('a plain chat row is kept by all', () => {
    expect(new Set(Object.values(outcomesOf({ messages: [q, a] })))).toEqual(new Set(['kept']))
    expect(consumers.map(({ name }) => name)).toEqual(['openai', 'together', 'fireworks', 'axolotl', 'llama_factory', 'trl', 'tunesmith'])
  })

  it('two users in a row: LLaMA-Factory drops it without a word, Together and Fireworks refuse, OpenAI and we train it', () => {
    expect(outcomesOf({ messages: [q, q, a] })).toEqual({
      openai: 'kept',
      together: 'rejected',
      fireworks: 'rejected',
      axolotl: 'rejected',
      llama_factory: 'dropped',
      trl: 'rejected',
      tunesmith: 'kept',
    })
  })

  it('an extra column is refused by Together alone', () => {
    expect(outcomesOf({ messages: [q, a], id: 1 })).toMatchObject({
      together: 'rejected',
      openai: 'kept',
      fireworks: 'kept',
      tunesmith: 'kept',
    })
  })

  it('broken JSON is refused by the others and left out by us', () => {
    expect(outcomesOf('{"messages":[')).toMatchObject({ openai: 'rejected', trl: 'rejected', tunesmith: 'dropped' })
  })

  it('layouts: Alpaca is not OpenAI, and each kind of pair has its readers', () => {
    expect(outcomesOf({ instruction: 'Q', output: 'A' })).toMatchObject({
      openai: 'rejected',
      axolotl: 'kept',
      llama_factory: 'kept',
      trl: 'rejected',
      tunesmith: 'kept',
    })
    expect(outcomesOf({ prompt: 'Q', chosen: 'A', rejected: 'B' })).toMatchObject({ openai: 'rejected', trl: 'kept', tunesmith: 'kept' })
    expect(outcomesOf({ input: { messages: [q] }, preferred_output: [a], non_preferred_output: [{ ...a, content: 'B' }] })).toMatchObject({
      openai: 'kept',
      trl: 'rejected',
      tunesmith: 'kept',
    })
  })

  it('a long row meets the default length of each: Axolotl drops, TRL and LLaMA-Factory cut, a single exchange is left out here', () => {
    const tokens = { total: 3000, trained: 1000 }
    expect(outcomesOf({ messages: [q, a] }, tokens, 2000)).toMatchObject({
      axolotl: 'dropped',
      trl: 'truncated',
      llama_factory: 'truncated',
      openai: 'kept',
      tunesmith: 'dropped',
    })
    expect(outcomesOf({ messages: [q, a, q, a] }, tokens, 2000)).toMatchObject({ tunesmith: 'truncated' })
    expect(outcomesOf({ messages: [q, a] }, { total: 9, trained: 0 })).toMatchObject({
      tunesmith: 'dropped',
      axolotl: 'dropped',
      trl: 'kept',
    })
  })

  it('totals from bits agree with the verdicts of single rows, and every verdict has a sentence', () => {
    const rows = [
      { messages: [q, a] },
      { messages: [q, q, a] },
      { messages: [a] },
      { messages: [] },
      { text: 'T' },
      { foo: 1 },
      { messages: [q, { ...a, weight: 0 }] },
      { prompt: 'Q', completion: 'A', z: 1 },
    ]
    for (const tokens of [null, { total: 700, trained: 100 }, { total: 5000, trained: 10 }]) {
      for (const row of rows) {
        const { rulesLow, rulesHigh, shape, turns } = reader.read(Buffer.from(JSON.stringify(row)))
        const verdicts = judgeRow({ rulesLow, rulesHigh, shape, turns }, tokens, 2048)
        expect([...judgeByRules(rulesLow, rulesHigh, shape, tokens, 2048, turns)]).toEqual(verdicts.map(({ outcome }) => outcome))
        for (const verdict of verdicts) expect(verdictSchema.parse(verdict).reason).toMatch(/^[A-Z0-9].*\.$/)
      }
    }
  })

  it('an unknown layout is kept by nobody', () => {
    const none: RowShape | null = null
    expect(judgeByRules(0, 0, none, null, 2048)).not.toContain('kept')
  })
})
