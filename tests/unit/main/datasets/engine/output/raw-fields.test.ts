import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readRawFields } from '../../../../../../main/features/datasets/engine/output/layouts/raw-fields.ts'

describe('readRawFields', () => {
  it('finds the same fields as the JSON parser, whatever strings, nesting and white space', () => {
    const space = fc.constantFrom('', ' ', '\t', '  \r\n ')
    const value = fc
      .tuple(fc.jsonValue({ maxDepth: 3 }), fc.constantFrom(undefined, 1))
      .map(([json, indent]) => JSON.stringify(json, null, indent))
    const field = fc.tuple(fc.oneof(fc.string(), fc.constantFrom('a\\', '"', '__proto__', '\\"')), value, space, space)
    fc.assert(
      fc.property(fc.array(field, { maxLength: 6 }), space, (fields, edge) => {
        const body = fields
          .map(([key, json, before, after]) => `${before}${JSON.stringify(key)}${after}:${before}${json}${after}`)
          .join(',')
        const text = `${edge}{${edge}${body}${edge}}${edge}`
        const raw = readRawFields(text)
        const parsed = JSON.parse(text) as object
        expect([...raw.keys()].toSorted()).toEqual(Object.keys(parsed).toSorted())
        for (const [key, json] of fields) {
          expect(fields.filter(([other]) => other === key).map(([, one]) => one)).toContain(raw.get(key))
          if (fields.filter(([other]) => other === key).length === 1) expect(raw.get(key)).toBe(json)
        }
      }),
      { seed: 51, numRuns: 500 },
    )
  })
})
