import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findPrivate } from '../../../../../../main/features/datasets/engine/hygiene/findings.ts'
import { flagIdsOf, flagTable, maskOf, privateFlagsMask } from '../../../../../../main/features/datasets/engine/hygiene/flags.ts'
import { createRowScanner } from '../../../../../../main/features/datasets/engine/hygiene/row-scanner.ts'
import { commonScriptOf, scriptTable } from '../../../../../../main/features/datasets/engine/hygiene/scripts-of-text.ts'
import type { RowContent } from '../../../../../../main/features/datasets/engine/row-model.ts'
import type { ChatMessage } from '../../../../../../preload/contract/datasets.ts'

const scanner = createRowScanner()
const turn = (role: ChatMessage['role'], content: string): ChatMessage => ({ role, content })
const chat = (...messages: ChatMessage[]): RowContent => ({ shape: 'messages', messages, rejected: null, text: null, tools: null })
const pair = (user: string, assistant: string) => chat(turn('user', user), turn('assistant', assistant))
const textRow = (text: string): RowContent => ({ shape: 'text', messages: [], rejected: null, text, tools: null })
const scan = (content: RowContent) => ({ ...scanner.scan(content) })
const contentHash = (content: RowContent) => {
  const { contentLow, contentHigh } = scan(content)
  return `${contentLow}:${contentHigh}`
}
const promptHash = (content: RowContent) => {
  const { promptLow, promptHigh } = scan(content)
  return `${promptLow}:${promptHigh}`
}
const qualityOf = (content: RowContent) => flagIdsOf(scan(content).flags).filter((id) => id.startsWith('quality.'))
const sentence = 'The court decided that the contract was void because nobody had signed the second page of it. '

describe('flag table', () => {
  it('keeps every flag at its own bit and its id unique', () => {
    expect(flagTable.map(({ number }) => number)).toEqual(flagTable.map((_, index) => index))
    expect(flagTable.length).toBeLessThanOrEqual(32)
    expect(new Set(flagTable.map(({ id }) => id)).size).toBe(flagTable.length)
    expect(flagIdsOf(maskOf(['secret.jwt', 'privacy.email', 'no.such']))).toEqual(['privacy.email', 'secret.jwt'])
    expect(flagIdsOf(privateFlagsMask).every((id) => !id.startsWith('quality.'))).toBe(true)
  })
})

describe('hash of the conversation', () => {
  it('is the same for other case and white space', () => {
    const base = contentHash(pair('What is ÄÖ ΣΟΦΟΣ Привет?', 'It is\nso.'))
    expect(contentHash(pair('  what IS\täö  σοφος\u00a0ПРИВЕТ? ', 'it IS so.\r\n'))).toBe(base)
    expect(contentHash(pair('what is äö σοφοσ привет?', 'it is  so.'))).toBe(base)
  })

  it('differs when a word, a break between words, a role or the place of a turn differs', () => {
    const variants = [
      pair('a b c', 'd'),
      pair('a bc', 'd'),
      pair('a b', 'c d'),
      pair('d', 'a b c'),
      pair('a b c', 'd.'),
      chat(turn('system', 'a b c'), turn('assistant', 'd')),
      chat(turn('assistant', 'a b c'), turn('user', 'd')),
      chat(turn('user', 'a b c'), turn('assistant', ''), turn('assistant', 'd')),
      chat(turn('user', 'a b c'), { ...turn('assistant', 'd'), reasoning: 'x' }),
      chat(turn('user', 'a b c'), { ...turn('assistant', 'd'), name: 'x' }),
      { ...pair('a b c', 'd'), rejected: [turn('assistant', 'e')] },
      { ...pair('a b c', 'd'), tools: [{ name: 'f' }] },
      textRow('a b c d'),
    ]
    expect(new Set(variants.map(contentHash)).size).toBe(variants.length)
  })

  it('does not collide on 300,000 texts that differ in a digit or a letter, in either half of the hash', () => {
    const low = new Set<number>()
    const both = new Set<string>()
    for (let number = 0; number < 300_000; number += 1) {
      const { contentLow, contentHigh } = scanner.scan(textRow(`row ${number.toString(36)} of the file`))
      low.add(contentLow)
      both.add(`${contentLow}:${contentHigh}`)
    }
    expect(both.size).toBe(300_000)
    // 2^32 values: about 10 of 300,000 coincide by chance, and far more if the words were badly mixed.
    expect(low.size).toBeGreaterThan(300_000 - 40)
  })

  it('gives rows with the same question the same prompt hash whatever the answer is', () => {
    expect(promptHash(pair('Why?', 'Because.'))).toBe(promptHash(pair('why? ', 'No reason.')))
    expect(promptHash(pair('Why?', 'Because.'))).not.toBe(promptHash(pair('How?', 'Because.')))
    const two = chat(turn('user', 'Why?'), turn('assistant', 'A'), turn('user', 'And?'), turn('assistant', 'B'))
    expect(promptHash(two)).not.toBe(promptHash(pair('Why?', 'A')))
    expect(promptHash({ ...pair('Why?', 'A'), tools: [{ name: 'f' }] })).not.toBe(promptHash(pair('Why?', 'A')))
  })

  it('leaves the prompt hash empty where nothing comes before an answer', () => {
    for (const row of [textRow('abc'), chat(turn('assistant', 'a')), chat(turn('user', 'a'))]) expect(promptHash(row)).toBe('0:0')
  })

  it('does not depend on the row that was scanned before', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string({ unit: 'binary' }), fc.string()), { minLength: 1, maxLength: 5 }), (texts) => {
        const rows = texts.map(([user, assistant]) => pair(user, assistant))
        expect(rows.map(scan)).toEqual(rows.map((row) => createRowScanner().scan(row)))
      }),
      { seed: 3, numRuns: 10 },
    )
  })
})

describe('writing system', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['latin', 'Plain English, 12 words.'],
    ['latin', 'Tiếng Việt có dấu'],
    ['cyrillic', 'Сегодня хорошая погода'],
    ['greek', 'Καλημέρα κόσμε'],
    ['arabic', 'مرحبا بالعالم'],
    ['hebrew', 'שלום עולם'],
    ['devanagari', 'नमस्ते दुनिया'],
    ['thai', 'สวัสดีชาวโลก'],
    ['han', '今天天气很好 ok'],
    ['kana', '今日は良い天気ですね'],
    ['hangul', '안녕하세요 세계'],
    ['tamil', 'வணக்கம் உலகம்'],
    ['none', '… — 🙂'],
  ]
  it.each(cases)('of a row is %s: %s', (name, text) => {
    expect(scriptTable[scan(textRow(text)).script]?.name).toBe(name)
  })

  it('of most rows ignores rows without letters', () => {
    expect(commonScriptOf(Uint8Array.of(0, 0, 0, 2, 1, 2, 2))).toEqual({ script: 2, share: 0.75 })
    expect(commonScriptOf(new Uint8Array(3))).toEqual({ script: 0, share: 0 })
  })
})

describe('quality flags', () => {
  const long = sentence.repeat(1) + 'A second sentence follows, so that the answer is of usual length. It ends properly.'
  const cases: readonly (readonly [string, RowContent, readonly string[]])[] = [
    ['nothing for a sound answer', pair('Q?', long), []],
    ['a stock refusal', pair('Q?', `As an AI language model, I cannot do that. ${long}`), ['quality.refusal']],
    ['a refusal with a curly apostrophe', pair('Q?', `I’m sorry, but I can’t help with that request today. ${long}`), ['quality.refusal']],
    ['a German refusal', pair('Q?', `Als KI-Sprachmodell habe ich dazu keine Meinung. ${long}`), ['quality.refusal']],
    ['no refusal where the topic is AI', pair('Q?', `Companies use AI to assist their staff. ${long}`), []],
    ['an answer that repeats the prompt', pair('Tell me MORE about it.', 'tell me more  about it.'), ['quality.echo']],
    ['a very short answer', pair('Q?', 'Yes.'), ['quality.short_answer']],
    ['no short answer in Chinese', pair('Q?', '今天天气很好'), []],
    [
      'no short answer before a function call',
      chat(turn('user', 'Q?'), { ...turn('assistant', ''), toolCalls: [{ id: 'a', name: 'f', arguments: '{}' }] }),
      [],
    ],
    ['an open code block', pair('Q?', '```js\nconst a = 1\n'), ['quality.code_fence']],
    [
      'no open block when it is closed, inline or nested',
      pair('Q?', 'Use ``` for code.\n\n```js\na\n```\n\n````md\n```\nb\n```\n````\n'),
      [],
    ],
    ['garbled UTF-8', pair('Q?', 'Itâ€™s a cafÃ© near the park.'), ['quality.mojibake']],
    ['a replacement character', pair('Q?', 'Caf\ufffd near the park.'), ['quality.mojibake']],
    ['no garbled text in French, Portuguese or Vietnamese', pair('Q?', 'Âge, NÃO, âme, ÃO, đã Âu, ‘à’ – «Ça».'), []],
    ['HTML in prose', pair('Q?', 'First line.<br/>Second&nbsp;line.'), ['quality.html']],
    ['no HTML in code', pair('Q?', 'Write `<br>` or\n```html\n<p>Hi</p>\n```\nand a < b && c > d.'), []],
    ['a loop', pair('Q?', 'I do not know what to say about this. '.repeat(30)), ['quality.repetition']],
    ['a Chinese loop', pair('Q?', '我不知道该说什么才好。'.repeat(40)), ['quality.repetition']],
    [
      'repeated lines',
      pair(
        'Q?',
        Array.from({ length: 40 }, (_, line) =>
          line % 2 === 0 ? `Line ${line} says something new, namely ${line * 7919}.` : 'The same long line comes once more here.',
        ).join('\n'),
      ),
      ['quality.repetition'],
    ],
    ['an answer that stops in mid-sentence', pair('Q?', `${sentence}${sentence.slice(0, 90)}`), ['quality.truncated']],
    [
      'no cut in a list, a heading or a signature',
      pair('Q?', `${sentence}${sentence}\n\n- one more thing that has to be said about the case here and now`),
      [],
    ],
    ['many symbols', pair('Q?', '+-+-+-=|'.repeat(20)), ['quality.symbols']],
  ]
  it.each(cases)('report %s', (_what, row, expected) => {
    expect(qualityOf(row).filter((id) => expected.length === 0 || id !== 'quality.repetition' || expected.includes(id))).toEqual(expected)
  })

  it('leave turns alone that the row excludes from training', () => {
    const row = chat(
      turn('user', 'Q?'),
      { ...turn('assistant', 'As an AI language model, I cannot.'), isTrained: false },
      turn('user', 'Q?'),
      turn('assistant', 'A sound answer.'),
    )
    expect(qualityOf(row)).toEqual([])
  })
})

describe('privacy flags', () => {
  const pieces = fc.oneof(
    fc.constantFrom(
      'a@b.org',
      '+1 415 555 0123',
      '1-800-555-0100',
      '93.184.216.34',
      'DE89 3704 0044 0532 0130 00',
      '4111 1111 1111 1111',
      '123-45-6789',
    ),
    fc.constantFrom('1 85 05 78 006 084 91', '12345678Z', '111.444.777-35', '(', '+', '-', '.', '@', 'Tel.: ', '<', '--', '1', '22', '7 '),
    fc.constantFrom(' ', ', ', '\n', 'word ', '0', 'ß'),
    fc.string({ maxLength: 4 }),
  )
  it('are raised for exactly what the findings list, whatever stands next to it', () => {
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 14 }), fc.array(pieces, { maxLength: 6 }), (user, call) => {
        const row: RowContent = {
          ...chat(turn('user', user.join('')), {
            ...turn('assistant', 'ok'),
            toolCalls: [{ id: 'c', name: 'f', arguments: call.join('') }],
          }),
          rejected: [turn('assistant', call.join(' '))],
          tools: [{ description: user.join(' ') }],
        }
        let flags = 0
        for (const finding of findPrivate(row)) flags |= 1 << finding.flag
        expect(flagIdsOf(scan(row).flags & privateFlagsMask)).toEqual(flagIdsOf(flags))
      }),
      { seed: 4, numRuns: 1500 },
    )
  })

  it('point at the string and the stretch in it', () => {
    const row: RowContent = {
      ...chat(turn('user', 'Mail a@b.org'), {
        ...turn('assistant', 'ok'),
        toolCalls: [{ id: 'c', name: 'f', arguments: '{"to":"c@d.org"}' }],
      }),
      rejected: [turn('assistant', 'x e@f.org')],
      tools: [{ 'a/b': ['g@h.org'] }],
    }
    expect(findPrivate(row).map(({ pointer, text, messageIndex }) => [pointer, text, messageIndex])).toEqual([
      ['/messages/0/content', 'a@b.org', 0],
      ['/messages/1/toolCalls/0/arguments', 'c@d.org', 1],
      ['/rejected/0/content', 'e@f.org', 0],
      ['/tools/0/a~1b/0', 'g@h.org', -1],
    ])
    expect(findPrivate(textRow('see i@j.org'))[0]).toMatchObject({ pointer: '/text', start: 4, end: 11 })
  })
})
