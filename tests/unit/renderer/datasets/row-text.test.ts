import fc from 'fast-check'
import { expect, test } from 'vitest'
import { breakJson, compactJson, findJsonProblem, indentJson } from '../../../../renderer/features/datasets/json-text.ts'
import { diffLines } from '../../../../renderer/features/datasets/line-diff.ts'

test('laying a row out and putting it back on one line changes no value', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify(value)
      expect(JSON.parse(indentJson(text))).toEqual(JSON.parse(text))
      expect(compactJson(indentJson(text))).toBe(text)
      expect(JSON.parse(breakJson(text))).toEqual(JSON.parse(text))
    }),
    { seed: 11, numRuns: 300 },
  )
})

test('digits beyond what a number can hold and repeated keys survive the editor', () => {
  const text = '{"id":12345678901234567890,"a":1,"a":2}'
  expect(compactJson(indentJson(text))).toBe(text)
})

test('a broken row is shown as it is, so that repairing it never meets a line break of ours', () => {
  const text = `{'role': 'a, b'}`
  expect(indentJson(text)).toBe(text)
})

test('the editor points at the place that is wrong', () => {
  expect(findJsonProblem('{"a": 1}')).toBeNull()
  expect(findJsonProblem('{\n  "messages": [}\n}')).toBe('This is not JSON yet: look at line 2, character 16.')
  expect(findJsonProblem('{"a": 1,}')).toBe('This is not JSON yet: look at line 1, character 9.')
  expect(findJsonProblem('{"a": NaN}')).toBe('This is not JSON yet: look at line 1, character 7.')
  expect(findJsonProblem('[1]')).toContain('starts with {')
  expect(findJsonProblem('')).toContain('line 1, character 1')
})

test('the search for the wrong place ends on any text', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('{', '}', '[', ']', '"', ',', ':', '\\', '1', 'e', '-', '.', ' ', 'n', 't', '\n'), maxLength: 40 }),
      (text) => {
        expect(typeof (findJsonProblem(text) ?? '')).toBe('string')
      },
    ),
    { seed: 3, numRuns: 2000 },
  )
})

test('a changed word is marked as a whole, and far lines are left out', () => {
  const before = indentJson(JSON.stringify({ a: 1, b: 2, c: 3, d: 4, role: 'bot', e: 5, f: 6, g: 7, h: 8 }))
  const lines = diffLines(before, before.replace('bot', 'assistant'))
  const marked = lines.flatMap(({ kind, parts }) => parts.filter((part) => part.isChanged).map((part) => `${kind} ${part.text}`))
  expect(marked).toEqual(['removed bot', 'added assistant'])
  expect(lines.filter(({ kind }) => kind === 'gap')).toHaveLength(2)
  expect(lines.filter(({ kind }) => kind === 'same')).toHaveLength(4)
})

test('a comparison gives back both texts whole', () => {
  const word = fc.constantFrom('a', 'b', 'c')
  fc.assert(
    fc.property(fc.array(word, { maxLength: 5 }), fc.array(word, { maxLength: 5 }), (left, right) => {
      const lines = diffLines(left.join('\n'), right.join('\n'))
      if (lines.some(({ kind }) => kind === 'gap')) return
      const side = (skipped: string) =>
        lines.filter(({ kind }) => kind !== skipped).map(({ parts }) => parts.map(({ text }) => text).join(''))
      expect(side('added').join('\n')).toBe(left.join('\n'))
      expect(side('removed').join('\n')).toBe(right.join('\n'))
    }),
    { seed: 5, numRuns: 300 },
  )
})
