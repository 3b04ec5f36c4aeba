import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  createSigner,
  groupNearDuplicates,
  signatureLength,
} from '../../../../../../main/features/datasets/engine/hygiene/near-duplicates.ts'
import type { RowContent } from '../../../../../../main/features/datasets/engine/row-model.ts'

const textRow = (text: string): RowContent => ({ shape: 'text', messages: [], rejected: null, text, tools: null })
const chat = (system: string, user: string, assistant: string): RowContent => ({
  shape: 'messages',
  messages: [
    { role: 'system', content: system },
    { role: 'user', content: user },
    { role: 'assistant', content: assistant },
  ],
  rejected: null,
  text: null,
  tools: null,
})

/** Numbers from 0 to 1, always the same ones. */
function createRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let bits = Math.imul(state ^ (state >>> 15), state | 1)
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61)
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Words with the frequencies of a language: few are common, most are rare. */
function createWriter(random: () => number): { word(): string; words(count: number): string[] } {
  const word = () => `w${Math.floor(4000 ** random())}`
  return { word, words: (count) => Array.from({ length: count }, word) }
}

function sign(rows: readonly RowContent[]): Uint32Array {
  const signer = createSigner()
  const signatures = new Uint32Array(rows.length * signatureLength)
  rows.forEach((row, index) => signer.sign(row, signatures, index * signatureLength))
  return signatures
}

const similarity = (a: RowContent, b: RowContent) => {
  const signatures = sign([a, b])
  let equal = 0
  for (let at = 0; at < signatureLength; at += 1) if (signatures[at] === signatures[signatureLength + at]) equal += 1
  return equal / signatureLength
}

describe('signatures', () => {
  it('do not depend on case, punctuation, line breaks or the system message', () => {
    const a = chat('You are a lawyer.', 'What is the term, in days?', 'It is thirty days from the day of service.')
    const b = chat('Be brief.', 'what is the TERM in days', 'It is thirty days\nfrom the day – of service')
    expect(sign([a])).toEqual(sign([b]))
  })

  it('are empty for a row without words and full for one word', () => {
    const signatures = sign([textRow('… !'), textRow('one')])
    expect(signatures.subarray(0, signatureLength).every((value) => value === 0)).toBe(true)
    expect(signatures.subarray(signatureLength).every((value) => value !== 0)).toBe(true)
  })

  it('overwrite what a re-used buffer held', () => {
    const signer = createSigner()
    const out = new Uint32Array(2 * signatureLength).fill(7)
    signer.sign(textRow('one two three four five six'), out, signatureLength)
    expect(out.subarray(0, signatureLength).every((value) => value === 7)).toBe(true)
    expect(out.subarray(signatureLength)).toEqual(sign([textRow('one two three four five six')]))
  })

  it('estimate the exact share of common sequences', () => {
    const random = createRandom(1)
    const writer = createWriter(random)
    let worst = 0
    let sum = 0
    const signer = createSigner()
    for (let round = 0; round < 200; round += 1) {
      const words = writer.words(150)
      const share = random() * 0.1
      const a = textRow(words.join(' '))
      const b = textRow(words.map((word) => (random() < share ? writer.word() : word)).join(' '))
      const error = similarity(a, b) - signer.jaccardOf(a, b)
      worst = Math.max(worst, Math.abs(error))
      sum += error
    }
    expect(worst).toBeLessThan(0.18)
    expect(Math.abs(sum / 200)).toBeLessThan(0.01)
  })

  it('count Chinese by characters, which have no spaces between words', () => {
    const a = '今天天气很好，我们一起去公园散步，然后在湖边吃午饭，下午再去看电影。'
    const signer = createSigner()
    expect(signer.jaccardOf(textRow(a), textRow(a.replace('电影', '演出')))).toBeGreaterThan(0.7)
    expect(signer.jaccardOf(textRow(a), textRow('法院认定合同无效，因为第二页没有人签字。'))).toBe(0)
    expect(signer.jaccardOf(textRow('…'), textRow('…'))).toBe(0)
  })

  it('are the same for a word that crosses the border of a block of characters', () => {
    const long = `${'ab '.repeat(10_922)}abcdefgh ij kl mn op qr`
    const exact = new Set(long.split(' ').slice(-6))
    expect(exact.size).toBe(6)
    expect(sign([textRow(long)])).toEqual(sign([textRow(long.replaceAll(' ', '  ').replace('abcdefgh', ' abcdefgh'))]))
  })
})

describe('near duplicates', () => {
  const random = createRandom(42)
  const writer = createWriter(random)
  /** Rows in random order; rows of one family are copies with 5 % of the words changed. */
  const rows: { family: number; text: string }[] = []
  for (let family = 0; family < 2000; family += 1) {
    const words = writer.words(60 + Math.floor(random() * 300))
    rows.push({ family, text: words.join(' ') })
    if (family % 2 !== 0) continue
    const places = new Set<number>()
    while (places.size < Math.round(words.length * 0.05)) places.add(Math.floor(random() * words.length))
    for (const place of places) words[place] = `changed${writer.word()}`
    rows.push({ family, text: words.join(' ') })
  }
  rows.sort((a, b) => (a.text < b.text ? -1 : 1))
  const signatures = sign(rows.map(({ text }) => textRow(text)))

  it('are found in 95 of 100 cases with 5 % of the words changed, and 99 of 100 finds are right', () => {
    const { groupOf, groups } = groupNearDuplicates(signatures, 0.5)
    const firstOf = new Map<number, number>()
    let right = 0
    let wrong = 0
    groupOf.forEach((group, row) => {
      if (group === 0) return
      const first = firstOf.get(group)
      if (first === undefined) firstOf.set(group, row)
      else if (rows[first]?.family === rows[row]?.family) right += 1
      else wrong += 1
    })
    expect(firstOf.size).toBe(groups)
    expect(right).toBeGreaterThanOrEqual(950)
    expect(right / (right + wrong)).toBeGreaterThanOrEqual(0.99)
  })

  it('are the same however the rows are divided for signing', () => {
    const parts = [0, 1, 700, 701, 1999, rows.length]
    const joined = new Uint32Array(signatures.length)
    for (let part = 1; part < parts.length; part += 1) {
      const from = parts[part - 1] ?? 0
      joined.set(sign(rows.slice(from, parts[part]).map(({ text }) => textRow(text))), from * signatureLength)
    }
    expect(joined).toEqual(signatures)
  })

  it('at a high threshold are only those that are that much alike, each to the first of its group', () => {
    const base = Array.from({ length: 200 }, (_, at) => `base${at}`)
    // Each row changes five more words than the one before: neighbours are alike, the ends are not.
    const chain = Array.from({ length: 12 }, (_, step) =>
      textRow(base.map((word, at) => (at % 40 < step * 2 ? `${word}x${Math.min(step, 99)}` : word)).join(' ')),
    )
    const signed = sign(chain)
    const { groupOf, similarityOf, groups } = groupNearDuplicates(signed, 0.5)
    expect(groups).toBeGreaterThan(0)
    const firsts = new Map<number, number>()
    groupOf.forEach((group, row) => {
      if (group === 0) return
      const first = firsts.get(group)
      if (first === undefined) firsts.set(group, row)
      expect(similarityOf[row]).toBeCloseTo(first === undefined ? 1 : similarity(chain[first] ?? textRow(''), chain[row] ?? textRow('')), 5)
      expect(similarityOf[row]).toBeGreaterThanOrEqual(0.5)
    })
  })

  it('never hold rows without words or rows of the same template with other content', () => {
    const filler = (seed: number) => createWriter(createRandom(seed)).words(60).join(' ')
    const template = (seed: number) =>
      chat('s', `Please summarise the following text in one sentence: ${filler(seed)}`, `The text is about ${filler(seed + 1000)}`)
    const mixed = [textRow(''), textRow('…'), ...Array.from({ length: 50 }, (_, at) => template(at))]
    expect(groupNearDuplicates(sign(mixed), 0.7).groups).toBe(0)
  })

  it('put equal rows into one group whatever their number, and number groups by their first row', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 60 }),
        fc.constantFrom(0.5, 0.7, 0.8, 0.95, 1),
        (kinds, threshold) => {
          const { groupOf } = groupNearDuplicates(
            sign(kinds.map((kind) => textRow(`only text of kind ${kind} x${kind}y a${kind}b c${kind}d`))),
            threshold,
          )
          let groups = 0
          const expected = kinds.map((kind, row) => {
            if (kinds.filter((other) => other === kind).length < 2) return 0
            const first = kinds.indexOf(kind)
            if (first === row) groups += 1
            return kind + 1
          })
          const firstRows = kinds.map((kind, row) => (expected[row] === 0 ? -1 : kinds.indexOf(kind)))
          const order = [...new Set(firstRows)].filter((row) => row >= 0).toSorted((a, b) => a - b)
          expect([...groupOf]).toEqual(firstRows.map((first) => (first < 0 ? 0 : order.indexOf(first) + 1)))
          expect(Math.max(0, ...groupOf)).toBe(groups)
        },
      ),
      { seed: 6, numRuns: 60 },
    )
  })

  it('near the threshold are decided by the exact count where one is given', () => {
    const pairs: [number, number][] = []
    const exact = groupNearDuplicates(signatures, 0.6, (first, second) => {
      pairs.push([first, second])
      return createSigner().jaccardOf(textRow(rows[first]?.text ?? ''), textRow(rows[second]?.text ?? ''))
    })
    expect(pairs.length).toBeGreaterThan(0)
    const jaccard = createSigner()
    const firstOf = new Map<number, number>()
    exact.groupOf.forEach((group, row) => {
      const first = firstOf.get(group)
      if (group === 0) return
      if (first === undefined) firstOf.set(group, row)
      // The estimate is off by 0.08 at most wherever the exact count was not asked for.
      else expect(jaccard.jaccardOf(textRow(rows[first]?.text ?? ''), textRow(rows[row]?.text ?? ''))).toBeGreaterThan(0.5)
    })
  })
})
