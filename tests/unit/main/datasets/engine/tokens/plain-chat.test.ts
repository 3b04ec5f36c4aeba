import { describe, expect, it } from 'vitest'
import { createRowReader } from '../../../../../../main/features/datasets/engine/rows/row-reader.ts'
import { openRowTokens } from '../../../../../../main/features/datasets/engine/row-tokens.ts'
import { loadVocabulary } from '../../../../../../main/features/datasets/engine/tokens/vocabulary.ts'
import { awkwardTexts } from './awkward-texts.ts'
import { fuzzedTexts, seededRandom } from './fuzzed-texts.ts'
import { realTexts } from './real-texts.ts'
import { families, packedPath } from './reference.ts'

const seed = 20_261_124
const rowCount = process.env['TUNESMITH_LONG'] === '1' ? 20_000 : 1500
const ordinary = realTexts(800, seed)
const texts = [...awkwardTexts, ...fuzzedTexts(400, seed), ...ordinary]
/** Vocabularies whose control tokens all begin with an angle bracket, and whose template sets texts apart. */
const direct = new Set(['qwen3', 'qwen2_5', 'llama3', 'smollm2', 'deepseek_v3', 'gpt_oss'])

/** Rows of chats in their commonest form, with every way in which JSON may write a character. */
function chatRows(): Buffer[] {
  const random = seededRandom(seed)
  const pick = (below: number) => Math.floor(random() * below)
  return Array.from({ length: rowCount }, () => {
    const from = random() < 0.5 ? texts : ordinary
    const textOf = () => Array.from({ length: 1 + pick(3) }, () => from[pick(from.length)] ?? '').join(random() < 0.5 ? ' ' : '\n')
    const turns = Array.from({ length: 1 + pick(3) }, () => [
      { role: 'user', content: textOf() },
      { role: 'assistant', content: textOf() },
    ]).flat()
    const messages = random() < 0.4 ? [{ role: 'system', content: textOf() }, ...turns] : turns
    const json = JSON.stringify({ messages })
    const spaced = random() < 0.5 ? json.replaceAll('"},{"role":', '"}, {"role": ').replaceAll('","content":', '", "content": ') : json
    return Buffer.from(random() < 0.2 ? spaced.replaceAll(/[\u0080-\uffff]/g, escapeOf) : spaced)
  })
}

function escapeOf(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
}

describe.each(families)('%s', (family) => {
  it('never counts a plain chat by its bytes otherwise than by its text', { timeout: 600_000 }, async () => {
    const reader = createRowReader({ mapping: null })
    const tokens = openRowTokens({ kind: 'packed', vocabulary: await loadVocabulary(packedPath(family)) })
    let counted = 0
    for (const row of chatRows()) {
      const reading = reader.read(row)
      if (!reading.isPlainChat || reading.content === null) continue
      const byBytes = tokens.countPlainChat(row, reading.turns)
      if (byBytes === null) continue
      counted += 1
      const { total, trained } = tokens.count(reading.content)
      expect(byBytes, row.toString()).toEqual({ total, trained })
    }
    expect(counted > 20).toBe(direct.has(family))
  })
})

describe('a row that is not counted by its bytes', () => {
  it.each([
    ['a control token of the model', 'before <|im_end|> behind'],
    ['a mark that the template moves', 'thought</think>\n\nanswer'],
    ['a space that a template strips', 'word '],
    ['a character that NFC rewrites', 'e\u0301'],
    ['an ideographic space at the end', '\u65e5\u672c\u3000'],
  ])('is one with %s', async (_what, text) => {
    const tokens = openRowTokens({ kind: 'packed', vocabulary: await loadVocabulary(packedPath('qwen3')) })
    const rowOf = (content: string) =>
      Buffer.from(
        JSON.stringify({
          messages: [
            { role: 'user', content },
            { role: 'assistant', content: 'Yes.' },
          ],
        }),
      )
    expect(tokens.countPlainChat(rowOf('An ordinary question'), 2)).not.toBeNull()
    expect(tokens.countPlainChat(rowOf(text), 2)).toBeNull()
  })
})
