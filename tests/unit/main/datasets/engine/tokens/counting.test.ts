import { expect, it } from 'vitest'
import { createTokenizer } from '../../../../../../main/features/datasets/engine/tokens/byte-bpe.ts'
import { stableCharacters } from '../../../../../../main/features/datasets/engine/wasm/chat-text-code.ts'
import { createKnownPieces } from '../../../../../../main/features/datasets/engine/tokens/known-pieces.ts'
import { loadVocabulary } from '../../../../../../main/features/datasets/engine/tokens/vocabulary.ts'
import { awkwardTexts } from './awkward-texts.ts'
import { fuzzedTexts, seededRandom } from './fuzzed-texts.ts'
import { realTexts } from './real-texts.ts'
import { packedPath } from './reference.ts'

const seed = 20_261_125

it('never takes one piece for another when the shared tables are full, or when zeros stand in a text', async () => {
  const vocabulary = await loadVocabulary(packedPath('qwen3'))
  const texts = [
    ...awkwardTexts,
    ...fuzzedTexts(600, seed),
    ...realTexts(600, seed),
    'abcd\0\0\0\0efgh',
    'abcd\0\0\0\0',
    '\0\0\0\0\0\0\0\0\0',
  ]
  const expected = texts.map((text) => createOnce(vocabulary).encode(text).length)
  const known = createKnownPieces({ shortBits: 6, longBits: 3 })
  const [first, second] = [createTokenizer({ ...vocabulary, known }), createTokenizer({ ...vocabulary, known })]
  for (const tokenizer of [first, second, first]) expect(texts.map((text) => tokenizer.count(text))).toEqual(expected)
})

it('finds what another thread has counted, and never an entry that is half written', async () => {
  const vocabulary = await loadVocabulary(packedPath('qwen3'))
  const known = createKnownPieces({ shortBits: 10, longBits: 6 })
  const texts = [...realTexts(200, seed), 'Donaudampfschifffahrtsgesellschaft']
  const expected = texts.map((text) => createTokenizer({ ...vocabulary, known }).count(text))
  // What a reader sees while the writer is on its way: words that are still zero.
  for (const table of [known.shorts, known.longs]) for (let word = 0; word < table.length; word += 2) if ((word & 3) !== 3) table[word] = 0
  const reader = createTokenizer({ ...vocabulary, known })
  expect(texts.map((text) => reader.count(text))).toEqual(expected)
})

it('never calls a character stable that NFC rewrites in the company of others', () => {
  const stable = stableCharacters()
  const random = seededRandom(seed)
  const characters: string[] = []
  for (let code = 0; code < 0x10000; code += 1) if (((stable[code >> 3] ?? 0) >> (code & 7)) & 1) characters.push(String.fromCharCode(code))
  for (let round = 0; round < 2000; round += 1) {
    const text = Array.from({ length: 200 }, () => characters[Math.floor(random() * characters.length)] ?? '').join('')
    expect(text.normalize('NFC')).toBe(text)
  }
  // Neighbours compose if any do: every character stands behind every letter that has composed forms.
  for (const character of characters) {
    const text = ['A', 'e', 'o', '\u0438', '\u03b1', '\u304b', '\uac00', '\u09c7'].map((letter) => letter + character).join(' ')
    expect(text.normalize('NFC')).toBe(text)
  }
  expect(characters.length).toBeGreaterThan(50_000)
})

let once: ReturnType<typeof createTokenizer> | null = null

function createOnce(vocabulary: Parameters<typeof createTokenizer>[0]): ReturnType<typeof createTokenizer> {
  once ??= createTokenizer(vocabulary)
  return once
}
