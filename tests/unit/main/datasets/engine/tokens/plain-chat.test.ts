import { describe, expect, it } from 'vitest'
import { createRowReader } from '../../../../../../main/features/datasets/engine/rows/row-reader.ts'
import { openRowTokens } from '../../../../../../main/features/datasets/engine/row-tokens.ts'
import { loadVocabulary } from '../../../../../../main/features/datasets/engine/tokens/vocabulary.ts'
import { chatRows } from './chat-rows.ts'
import { families, packedPath } from './reference.ts'

const rowCount = process.env['TUNESMITH_LONG'] === '1' ? 20_000 : 1500
/** Vocabularies whose control tokens all begin with an angle bracket, and whose template sets texts apart. */
const direct = new Set(['qwen3', 'qwen2_5', 'llama3', 'smollm2', 'deepseek_v3', 'gpt_oss'])

describe.each(families)('%s', (family) => {
  it('never counts a plain chat by its bytes otherwise than by its text', { timeout: 600_000 }, async () => {
    const reader = createRowReader({ mapping: null })
    const tokens = openRowTokens({ kind: 'packed', vocabulary: await loadVocabulary(packedPath(family)) })
    let counted = 0
    for (const row of chatRows(rowCount, 20_261_124)) {
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
    ['more text than is worth the memory', 'word '.repeat(250_000).concat('end')],
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
