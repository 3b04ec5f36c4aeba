import { describe, expect, it } from 'vitest'
import { createTokenizer } from '../../../../../../main/features/datasets/engine/tokens/byte-bpe.ts'
import { loadVocabulary } from '../../../../../../main/features/datasets/engine/tokens/vocabulary.ts'
import { awkwardTexts } from './awkward-texts.ts'
import { fuzzedTexts } from './fuzzed-texts.ts'
import { realTexts } from './real-texts.ts'
import { families, packedPath, referenceIds } from './reference.ts'

const isLong = process.env['TUNESMITH_LONG'] === '1'
const seed = 20_261_123
const texts = [...awkwardTexts, ...fuzzedTexts(isLong ? 6000 : 1000, seed), ...realTexts(isLong ? 6000 : 1000, seed)]

describe.each(families)('%s', (family) => {
  it('never gives other ids, or another cached count, than the reference tokeniser', { timeout: 600_000 }, async () => {
    const tokenizer = createTokenizer(await loadVocabulary(packedPath(family)))
    const expected = await referenceIds(family, texts)
    const differing = texts.flatMap((text, index) => {
      const ids = expected[index] ?? []
      const got = tokenizer.encode(text)
      // Counted twice: merged at first, out of the cache after that.
      const counts = [tokenizer.count(text), tokenizer.count(text)]
      const isSame = got.join() === ids.join() && counts.every((count) => count === ids.length)
      return isSame ? [] : [{ text, got, counts, ids }]
    })
    expect(differing).toEqual([])
    expect(expected.flat().length).toBeGreaterThan(texts.length)
  })

  it('never loses or invents bytes when tokens are shown one by one', async () => {
    const tokenizer = createTokenizer(await loadVocabulary(packedPath(family)))
    for (const text of ['Grüße an alle, 日本 \u{1f600}!\n\n  x = 12', 'plain words only']) {
      const bytes = Buffer.concat(tokenizer.encode(text).map((id) => tokenizer.bytesOf(id)))
      expect(bytes.toString('utf8')).toBe(text)
    }
  })
})
