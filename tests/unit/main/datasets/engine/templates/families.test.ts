import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { chatMessageSchema } from '../../../../../../preload/contract/datasets.ts'
import type { RowContent } from '../../../../../../main/features/datasets/engine/row-model.ts'
import { openRowTokens } from '../../../../../../main/features/datasets/engine/row-tokens.ts'
import { checkFastPath, settleRoute } from '../../../../../../main/features/datasets/engine/templates/check-template.ts'
import { templateOf } from '../../../../../../main/features/datasets/engine/templates/known-templates.ts'
import { createRowTokens, type TemplateTokens } from '../../../../../../main/features/datasets/engine/templates/row-tokens.ts'
import { loadVocabulary } from '../../../../../../main/features/datasets/engine/tokens/vocabulary.ts'
import { families, packedPath } from '../tokens/reference.ts'
import { createLetterTokenizer } from './letter-tokenizer.ts'
import { chatRow, oddConversation, plainConversation } from './made-conversations.ts'

const isLong = process.env['TUNESMITH_LONG'] === '1'
const plainRows = fc.sample(plainConversation, { numRuns: isLong ? 5000 : 250, seed: 20_261_123 })
const oddRows = fc.sample(oddConversation, { numRuns: isLong ? 1000 : 60, seed: 20_261_124 })
const realFiles = [
  'resources/samples/allotment-notes.jsonl',
  'tests/fixtures/datasets/messages.jsonl',
  'tests/fixtures/datasets/unicode.jsonl',
]
const rowSchema = z.object({ messages: z.array(chatMessageSchema) })
const realRows = realFiles
  .flatMap((path) => readFileSync(new URL(`../../../../../../${path}`, import.meta.url), 'utf8').split('\n'))
  .filter((line) => line.trim() !== '')
  .map((line) => chatRow(rowSchema.parse(JSON.parse(line)).messages))

const opened = new Map<string, Promise<TemplateTokens>>()
function open(family: string): Promise<TemplateTokens> {
  const known = opened.get(family) ?? loadVocabulary(packedPath(family)).then((vocabulary) => openRowTokens({ kind: 'packed', vocabulary }))
  opened.set(family, known)
  return known
}

/** What the count of a row must be: the whole rendered row encoded, learned tokens by their place in it. */
function expectedOf(tokens: TemplateTokens, row: RowContent): ReturnType<TemplateTokens['count']> {
  return tokens.countExactly(row, tokens.hasJinja ? 'jinja' : 'fast')
}

describe.each(families)('%s', (family) => {
  it('has no fast path, so that a large file takes minutes', async () => {
    expect((await open(family)).isFast).toBe(true)
  })

  it.each([
    ['real', realRows],
    ['made', plainRows],
    ['odd', oddRows],
  ])('counts other tokens, or learns others, than the template and a whole encoding do on %s rows', async (_name, rows) => {
    const tokens = await open(family)
    const differing = rows.flatMap((row) => {
      const got = tokens.count(row)
      const expected = expectedOf(tokens, row)
      return got.total === expected.total && got.trained === expected.trained && got.problem === expected.problem
        ? []
        : [{ row, got, expected }]
    })
    expect(differing).toEqual([])
    expect(rows.length).toBeGreaterThan(20)
  })

  it('shows other tokens in the preview than it counts', async () => {
    const tokens = await open(family)
    for (const row of plainRows.slice(0, 50)) {
      const shown = tokens.tokens(row)
      expect({ total: shown.length, trained: shown.filter(({ isTrained }) => isTrained).length }).toEqual({
        total: tokens.count(row).total,
        trained: tokens.count(row).trained,
      })
    }
  })

  it('renders another text than the template does', async () => {
    const tokens = await open(family)
    const check = checkFastPath([...realRows.slice(0, 50), ...plainRows], tokens)
    expect(check.difference).toBeNull()
    expect(check.rowsChecked).toBe(tokens.hasJinja ? 200 : 0)
  })
})

describe('Qwen3', () => {
  const learned = async (row: RowContent): Promise<string> => {
    const tokens = (await open('qwen3')).tokens(row).filter(({ isTrained }) => isTrained)
    return Buffer.concat(tokens.map(({ bytes }) => bytes)).toString()
  }

  it('forgets the empty think block of the last answer, or keeps the thoughts of earlier ones', async () => {
    const row = chatRow([
      { role: 'user', content: 'a' },
      { role: 'assistant', content: '<think>\nhm\n</think>\n\nb' },
      { role: 'user', content: 'c' },
      { role: 'assistant', content: 'd' },
    ])
    expect(await learned(row)).toBe('b<|im_end|><think>\n\n</think>\n\nd<|im_end|>')
  })

  it('learns the reasoning that stands beside the answer', async () => {
    const row = chatRow([
      { role: 'user', content: 'a' },
      { role: 'assistant', content: 'd', reasoning: 'because' },
    ])
    expect(await learned(row)).toBe('<think>\nbecause\n</think>\n\nd<|im_end|>')
  })

  it('learns a line break of the header where an answer begins with line breaks', async () => {
    const row = chatRow([
      { role: 'user', content: 'a' },
      { role: 'assistant', content: '\n\n b' },
      { role: 'user', content: 'c' },
    ])
    expect(await learned(row)).toBe(' b<|im_end|>')
  })

  it('loses learned tokens where the tokenizer puts combining marks in another order', async () => {
    const row = chatRow([
      { role: 'user', content: 'a' },
      { role: 'assistant', content: '\u0301\u0338x <think>\u0301\u0338' },
      { role: 'user', content: 'c' },
    ])
    const tokens = await open('qwen3')
    expect(await learned(row)).toBe('\u0338\u0301x <think>\u0338\u0301<|im_end|>')
    expect(tokens.countExactly(row, 'jinja')).toEqual(tokens.count(row))
  })
})

describe('the choice of a path', () => {
  it('takes a fast path for a template that differs in one character', async () => {
    const { chatTemplate } = (await loadVocabulary(packedPath('qwen3'))).header
    if (chatTemplate === null) throw new Error('The vocabulary carries no template.')
    expect(templateOf('qwen3', chatTemplate).fastPath).not.toBeNull()
    expect(templateOf('qwen3', `${chatTemplate} `).fastPath).toBeNull()
    expect(templateOf('qwen3', '')).toEqual({ fastPath: null, hasJinja: false })
  })

  it('keeps a fast path that disagrees with the template', () => {
    const tokens = createRowTokens({
      templateText: `{% for m in messages %}{{ m.content }}<end>{% endfor %}`,
      specialTokens: { bos: null, eos: null },
      family: 'letters',
      tokenizer: createLetterTokenizer(),
    })
    let isFast = true
    const disagreeing: TemplateTokens = {
      ...tokens,
      get isFast() {
        return isFast
      },
      useJinja() {
        isFast = false
      },
      count: () => ({ total: 1, trained: 1, problem: null }),
    }
    const check = settleRoute(plainRows, disagreeing)
    expect(check).toMatchObject({ rowsChecked: 1, difference: { row: 0 } })
    expect(disagreeing.isFast).toBe(false)
  })
})
