import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { createLibraryTokenizer } from '../../../../../../main/features/datasets/engine/tokens/library-tokenizer.ts'
import { referenceIds, sourcePath } from './reference.ts'

const texts = ["Plain words, it's 2026.", 'Grüße 日本 \u{1f600}\n\n  indented', '<|im_start|>user\nhi<|im_end|>', '']

function open(family: string) {
  const [json, config] = (['tokenizer.json', 'tokenizer_config.json'] as const).map((name): unknown =>
    JSON.parse(readFileSync(sourcePath(family, name), 'utf8')),
  )
  return createLibraryTokenizer(json, config)
}

it.each(['smollm2'])('counts %s otherwise than the reference through the fallback', async (family) => {
  const tokenizer = open(family)
  const expected = await referenceIds(family, texts)
  expect(texts.map((text) => tokenizer.encode(text))).toEqual(expected)
  expect(texts.map((text) => tokenizer.count(text))).toEqual(expected.map((ids) => ids.length))
})

it('shows the bytes of a fallback token as its alphabet spells them', () => {
  const tokenizer = open('smollm2')
  const shown = (text: string) => Buffer.concat(tokenizer.encode(text).map((id) => tokenizer.bytesOf(id))).toString('utf8')
  for (const text of texts) expect(shown(text)).toBe(text)
  expect(tokenizer.encode('<|im_start|>').map((id) => tokenizer.isSpecial(id))).toEqual([true])
})

it('takes a file that is no tokenizer for one', () => {
  expect(() => createLibraryTokenizer({ vocab: {} }, {})).toThrow('cannot be read')
})
