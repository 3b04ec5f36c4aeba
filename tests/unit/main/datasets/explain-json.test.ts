import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { explainJson } from '../../../../main/features/datasets/explain-json.ts'

describe('why a line is not JSON', () => {
  it.each([
    ['{"a":"cut of', 12, 'ends in the middle'],
    ['{"a":[1,2', 9, 'ends in the middle'],
    ['{"a":"x\\', 8, 'ends in the middle'],
    ["{'a':1}", 1, 'single quotation marks'],
    ['{"a":NaN}', 5, 'NaN is not JSON'],
    ['{"a":-Infinity}', 5, '-Infinity is not JSON'],
    ['{"a":None}', 5, 'None is not JSON'],
    ['{"a":hello}', 5, 'outside quotation marks'],
    ['{"a":1,}', 7, 'a comma stands before the closing }'],
    ['[1,]', 3, 'a comma stands before the closing ]'],
    ['{"a":1}{"b":2}', 7, 'second conversation'],
    ['{"a":1} x', 8, 'more text follows'],
    ['{"a":"x\ty"}', 7, 'raw control character'],
    ['{"a":"\\x41"}', 6, 'a backslash before "x"'],
    ['{"a" 1}', 5, 'expected a colon'],
    ['{"a":"say "hi""}', 11, 'expected a comma or the closing }'],
    ['{a:1}', 1, 'expected a name in double quotation marks'],
    ['{"a":01}', 6, 'expected a comma or the closing }'],
    ['hello', 0, 'outside quotation marks'],
    ['', 0, 'ends in the middle'],
  ])('%j', (text, position, message) => {
    expect(() => void JSON.parse(text)).toThrow(SyntaxError)
    const fault = explainJson(text)
    expect(fault.position).toBe(position)
    expect(fault.message).toContain(message)
  })

  it('always ends, inside the text, for valid JSON damaged anywhere', () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(), fc.string({ maxLength: 2 }), (json, at, inserted) => {
        const cut = at % (json.length + 1)
        const text = json.slice(0, cut) + inserted + json.slice(cut + 1)
        const { position } = explainJson(text)
        expect(position).toBeGreaterThanOrEqual(0)
        expect(position).toBeLessThanOrEqual(text.length)
      }),
      { numRuns: 1000 },
    )
  })

  it('finds a stray brace after any valid JSON exactly there', () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        expect(explainJson(`${json}}`).position).toBe(json.length)
      }),
      { numRuns: 300 },
    )
  })

  it('walks 5 million brackets without a stack overflow', () => {
    expect(explainJson('['.repeat(5_000_000)).position).toBe(5_000_000)
  })
})
