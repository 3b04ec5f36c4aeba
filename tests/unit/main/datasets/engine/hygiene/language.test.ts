import { describe, expect, it } from 'vitest'
import {
  createLanguageSampler,
  loadLanguageDetector,
  sampleRows,
} from '../../../../../../main/features/datasets/engine/hygiene/language.ts'
import type { RowContent } from '../../../../../../main/features/datasets/engine/row-model.ts'

const chat = (user: string, assistant: string): RowContent => ({
  shape: 'messages',
  messages: [
    { role: 'user', content: user },
    { role: 'assistant', content: assistant },
  ],
  rejected: null,
  text: null,
  tools: null,
})

describe('language sample', () => {
  it('names the languages of the answers, most frequent first', async () => {
    const sampler = createLanguageSampler(await loadLanguageDetector())
    const german = 'Der Vertrag ist nichtig, weil niemand die zweite Seite unterschrieben hat.'
    sampler.add(chat('Is the contract valid?', german))
    sampler.add(chat('Und jetzt?', german))
    sampler.add(chat('?', 'Le contrat est nul, car personne n’a signé la deuxième page du document.'))
    sampler.add(chat('?', 'この契約は二ページ目に誰も署名していないため無効です。'))
    sampler.add({
      shape: 'text',
      messages: [],
      rejected: null,
      text: 'The contract is void because nobody has signed the second page of it.',
      tools: null,
    })
    expect(sampler.shares()).toEqual([
      { name: 'de', title: 'German', rows: 2 },
      { name: 'en', title: 'English', rows: 1 },
      { name: 'fr', title: 'French', rows: 1 },
      { name: 'ja', title: 'Japanese', rows: 1 },
    ])
  })

  it('calls code, numbers and single words unclear instead of guessing', async () => {
    const sampler = createLanguageSampler(await loadLanguageDetector())
    for (const text of [
      '```js\nconst message = "The court decided that the contract was void"\n```',
      '42',
      'ok',
      'const a = (b) => { return c[b] + d.e(f) }',
    ]) {
      sampler.add(chat('', text))
    }
    expect(sampler.shares()).toEqual([{ name: 'und', title: 'Not clear (short, code or mixed)', rows: 4 }])
  })

  it('takes the same rows every time, from all parts of the file and not every n-th', () => {
    const sample = sampleRows(198_475)
    expect(sample).toEqual(sampleRows(198_475))
    expect(sample.length).toBe(2000)
    expect(new Set(sample).size).toBe(2000)
    const even = sample.filter((row) => row % 2 === 0).length
    expect(even).toBeGreaterThan(900)
    expect(even).toBeLessThan(1100)
    for (let part = 0; part < 10; part += 1) expect(sample.filter((row) => Math.floor((row * 10) / 198_475) === part).length).toBe(200)
    expect([...sampleRows(5)]).toEqual([0, 1, 2, 3, 4])
    expect([...sampleRows(0)]).toEqual([])
  })
})
