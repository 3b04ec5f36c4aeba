import { describe, expect, it } from 'vitest'
import { openRowTokens } from '../../../../../../main/features/datasets/engine/row-tokens.ts'
import { createRowReader } from '../../../../../../main/features/datasets/engine/rows/row-reader.ts'
import { rules } from '../../../../../../main/features/datasets/engine/rows/rules.ts'
import { loadVocabulary } from '../../../../../../main/features/datasets/engine/tokens/vocabulary.ts'
import { realRows, realSets, type RealSet } from '../../../../../support/datasets/real-rows.ts'
import { families, packedPath, referenceIds } from '../tokens/reference.ts'

const isLong = process.env['TUNESMITH_LONG'] === '1'
const portion = 500

/** Every row of the sets for one family in the long version; a sample of them otherwise. */
function stepOf(family: string, set: RealSet): number {
  if (isLong) return family === 'qwen3' ? 1 : 20
  return set === 'sample' ? 6 : set === 'verses' ? 700 : 60
}

function* chosenLines(set: RealSet, step: number): Generator<string> {
  let at = 0
  for (const row of realRows(set)) {
    if (at % step === 0) yield JSON.stringify(row)
    at += 1
  }
}

describe.each(realSets)('the set of %s', (set) => {
  it('has no row that is called faulty though nothing is wrong with it', { timeout: 600_000 }, () => {
    const reader = createRowReader({ mapping: null })
    const faulty: string[] = []
    for (const line of chosenLines(set, isLong ? 1 : 10)) {
      const { content, faults } = reader.read(Buffer.from(line))
      const errors = faults.filter(({ rule }) => rules[rule]?.severity === 'error')
      if (content === null || errors.length > 0) faulty.push(line.slice(0, 200))
    }
    expect(faulty).toEqual([])
  })

  it.each(families)('is never counted otherwise than Jinja and the reference tokeniser do: %s', { timeout: 1_200_000 }, async (family) => {
    const tokens = openRowTokens({ kind: 'packed', vocabulary: await loadVocabulary(packedPath(family)) })
    const reader = createRowReader({ mapping: null })
    const differing: unknown[] = []
    let texts: string[] = []
    let counted: number[] = []
    let rows = 0
    const compare = async () => {
      const expected = await referenceIds(family, texts)
      texts.forEach((text, index) => {
        if (expected[index]?.length !== counted[index])
          differing.push({ text: text.slice(0, 200), counted: counted[index], expected: expected[index]?.length })
      })
      texts = []
      counted = []
    }
    for (const line of chosenLines(set, stepOf(family, set))) {
      const { content } = reader.read(Buffer.from(line))
      if (content === null) continue
      const rendered = tokens.render(content, tokens.hasJinja ? 'jinja' : 'fast')
      const { total, trained, problem } = tokens.count(content)
      if (!rendered.ok) {
        if (problem === null) differing.push({ text: line.slice(0, 200), problem: rendered.problem })
        continue
      }
      const exact = tokens.countExactly(content, tokens.hasJinja ? 'jinja' : 'fast')
      if (trained !== exact.trained) differing.push({ text: line.slice(0, 200), trained, exact: exact.trained })
      texts.push(rendered.text)
      counted.push(total)
      rows += 1
      if (texts.length === portion) await compare()
    }
    await compare()
    expect(differing).toEqual([])
    expect(rows).toBeGreaterThan(0)
  })
})
