import { describe, expect, it } from 'vitest'
import { cutRow } from '../../../../../../main/features/datasets/engine/templates/cut-row.ts'
import { displayTexts, previewRow } from '../../../../../../main/features/datasets/engine/templates/preview.ts'
import { createRowTokens } from '../../../../../../main/features/datasets/engine/templates/row-tokens.ts'
import { createLetterTokenizer } from './letter-tokenizer.ts'
import { chatRow } from './made-conversations.ts'

const tokens = createRowTokens({
  templateText: `{% for m in messages %}<{{ m.role }}>{{ m.content }}<end>{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}`,
  specialTokens: { bos: null, eos: '<end>' },
  family: 'letters',
  tokenizer: createLetterTokenizer(),
})
const row = chatRow([
  { role: 'system', content: 'S' },
  { role: 'user', content: 'one' },
  { role: 'assistant', content: 'uno' },
  { role: 'user', content: 'two' },
  { role: 'assistant', content: 'due' },
])

describe('a row that is too long', () => {
  it('loses its latest turns instead of its oldest, or its system text', () => {
    const cut = cutRow(tokens, row, 20)
    expect(cut.kept?.messages.map(({ content }) => content)).toEqual(['S', 'two', 'due'])
    expect(cut).toMatchObject({ removedMessages: 2, total: 13, trained: 4 })
  })

  it('is kept although its last exchange alone does not fit', () => {
    expect(cutRow(tokens, row, 12)).toEqual({ kept: null, removedMessages: 5, total: 0, trained: 0 })
  })

  it('is cut down to a question without an answer', () => {
    const open = chatRow([...row.messages, { role: 'user', content: 'three' }])
    expect(cutRow(tokens, open, 22).kept?.messages.map(({ content }) => content)).toEqual(['S', 'two', 'due', 'three'])
    expect(cutRow(tokens, open, 15).kept).toBeNull()
  })

  it('is cut although it is exactly as long as allowed', () => {
    expect(cutRow(tokens, row, 23)).toMatchObject({ kept: row, removedMessages: 0, total: 23, trained: 8 })
  })
})

describe('the token list', () => {
  it('shows tokens that the trainer cuts off as trained', () => {
    const preview = previewRow(tokens, row, 20)
    expect(preview).toMatchObject({ total: 23, trained: 4, cutAt: 13, isListCut: true })
    expect(preview.tokens.map(({ text }) => text).join('')).toBe('<system>S<end><user>two<end><assistant>due<end>')
    expect(preview.tokens.filter(({ isTrained }) => isTrained).map(({ text }) => text)).toEqual(['d', 'u', 'e', '<end>'])
  })

  it('shows a row that the trainer leaves out as trained', () => {
    const preview = previewRow(tokens, row, 5)
    expect(preview).toMatchObject({ total: 23, trained: 0, cutAt: 0, isListCut: false })
    expect(preview.tokens.some(({ isTrained }) => isTrained)).toBe(false)
  })

  it('shows broken characters where a character is spread over tokens', () => {
    const bytes = [...Buffer.from('aé😀')].map((byte) => Uint8Array.of(byte))
    expect(displayTexts(bytes)).toEqual(['a', 'é', '⋯', '😀', '⋯', '⋯', '⋯'])
    expect(displayTexts([Buffer.from('x\u{1f600}').subarray(0, 3), Buffer.from('\u{1f600}y').subarray(2)])).toEqual(['x😀', '⋯y'])
  })

  it('shows an empty list for a row that the template refuses, without saying why', () => {
    const refusing = createRowTokens({
      templateText: `{{ raise_exception('Turns must alternate.') }}`,
      specialTokens: { bos: null, eos: null },
      family: 'letters',
      tokenizer: createLetterTokenizer(),
    })
    expect(() => previewRow(refusing, row, 100)).toThrow(/Turns must alternate\./)
  })
})
