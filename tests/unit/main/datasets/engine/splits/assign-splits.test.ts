import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assignSplits } from '../../../../../../main/features/datasets/engine/splits/assign-splits.ts'
import { distinctRows, splitInput, splitSettings, type MadeUpRow } from './split-rows.ts'

const rowArbitrary: fc.Arbitrary<MadeUpRow> = fc.record({
  content: fc.integer({ min: 1, max: 40 }),
  prompt: fc.integer({ min: 0, max: 30 }),
  near: fc.integer({ min: 0, max: 10 }),
  stratum: fc.integer({ min: 0, max: 3 }),
  usable: fc.boolean(),
})
const settingsArbitrary = fc
  .record({
    seed: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
    validationShare: fc.double({ min: 0, max: 0.5, noNaN: true }),
    testShare: fc.double({ min: 0, max: 0.5, noNaN: true }),
  })
  .map(splitSettings)

function labels(rows: readonly MadeUpRow[], splitOf: Uint8Array): Map<MadeUpRow, number> {
  return new Map(rows.map((row, index) => [row, splitOf[index] ?? 0]))
}

describe('assignSplits', () => {
  it('keeps the same conversation, the same prompt and near duplicates on one side', () => {
    fc.assert(
      fc.property(fc.array(rowArbitrary, { maxLength: 120 }), settingsArbitrary, (rows, settings) => {
        const { splitOf } = assignSplits(splitInput(rows, settings))
        const sideOf = new Map<string, number>()
        for (const [index, row] of rows.entries()) {
          if (row.usable === false) continue
          const ties = [`content ${row.content}`, row.prompt === 0 ? null : `prompt ${row.prompt}`, row.near ? `near ${row.near}` : null]
          for (const tie of ties) {
            if (tie === null) continue
            expect(sideOf.get(tie) ?? splitOf[index]).toBe(splitOf[index])
            sideOf.set(tie, splitOf[index] ?? 0)
          }
        }
      }),
      { seed: 1, numRuns: 200 },
    )
  })

  it('gives every row the same side whatever the order of the rows', () => {
    fc.assert(
      fc.property(
        fc
          .array(rowArbitrary, { maxLength: 80 })
          .chain((rows) => fc.tuple(fc.constant(rows), fc.shuffledSubarray(rows, { minLength: rows.length, maxLength: rows.length }))),
        settingsArbitrary,
        ([rows, shuffled], settings) => {
          const before = labels(rows, assignSplits(splitInput(rows, settings)).splitOf)
          const after = labels(shuffled, assignSplits(splitInput(shuffled, settings)).splitOf)
          for (const row of rows) expect(after.get(row)).toBe(before.get(row))
        },
      ),
      { seed: 2, numRuns: 200 },
    )
  })

  it('never leaves the training rows empty and never assigns an unusable row', () => {
    fc.assert(
      fc.property(fc.array(rowArbitrary, { maxLength: 40 }), settingsArbitrary, (rows, settings) => {
        const { splitOf, counts } = assignSplits(splitInput(rows, settings))
        const usable = rows.filter((row) => row.usable !== false).length
        expect(counts.train + counts.validation + counts.test).toBe(usable)
        if (usable > 0) expect(counts.train).toBeGreaterThan(0)
        for (const [index, row] of rows.entries()) expect(splitOf[index] === 0).toBe(row.usable === false)
      }),
      { seed: 3, numRuns: 300 },
    )
  })

  it('meets the shares exactly when no rows belong together', () => {
    const result = assignSplits(splitInput(distinctRows(10_000), splitSettings({ validationShare: 0.05, testShare: 0.1 })))
    expect(result.counts).toEqual({ train: 8500, validation: 500, test: 1000 })
    expect(result.groups).toBe(0)
  })

  it('misses a share by less than one group', () => {
    const rows = Array.from({ length: 3000 }, (_, index) => ({ content: index + 1, prompt: Math.floor(index / 7) + 1 }))
    const result = assignSplits(splitInput(rows, splitSettings({ validationShare: 0.1 })))
    expect(Math.abs(result.counts.validation - 300)).toBeLessThan(7)
    expect(result.groups).toBe(Math.ceil(3000 / 7))
  })

  it('takes a group that is a little too large rather than nothing', () => {
    const rows = Array.from({ length: 40 }, (_, index) => ({ content: index + 1, prompt: Math.floor(index / 10) + 1 }))
    expect(assignSplits(splitInput(rows, splitSettings({ validationShare: 0.2 }))).counts).toEqual({ train: 30, validation: 10, test: 0 })
  })

  it('meets the shares inside every stratum', () => {
    const rows = distinctRows(4000, (index) => (index % 10 === 0 ? 2 : 1))
    const { splitOf } = assignSplits(splitInput(rows, splitSettings({ validationShare: 0.25, testShare: 0.1 })))
    const count = (stratum: number, split: number) =>
      rows.filter((row, index) => row.stratum === stratum && splitOf[index] === split).length
    expect([count(2, 2), count(2, 3), count(1, 2), count(1, 3)]).toEqual([100, 40, 900, 360])
  })

  it('rounds over many small strata as a whole, not each to zero', () => {
    const rows = distinctRows(100, (index) => index)
    expect(assignSplits(splitInput(rows, splitSettings({ validationShare: 0.1 }))).counts.validation).toBe(10)
  })

  it('gives the same division for the same seed and another one for another seed', () => {
    const input = (seed: number) => splitInput(distinctRows(1000), splitSettings({ seed, validationShare: 0.2 }))
    expect(assignSplits(input(1)).splitOf).toEqual(assignSplits(input(1)).splitOf)
    expect(assignSplits(input(1)).splitOf).not.toEqual(assignSplits(input(2)).splitOf)
    expect(assignSplits(input(1)).splitOf).not.toEqual(assignSplits(input(2 ** 32 + 1)).splitOf)
  })

  it('moves few rows when rows are added', () => {
    const settings = splitSettings({ validationShare: 0.2, testShare: 0.2 })
    const before = assignSplits(splitInput(distinctRows(5000), settings)).splitOf
    const after = assignSplits(splitInput(distinctRows(5500), settings)).splitOf
    const moved = before.reduce((count, split, row) => count + (split === after[row] ? 0 : 1), 0)
    expect(moved).toBeLessThan(100)
  })

  it('leaves the validation rows alone when only the test share changes', () => {
    const rowsOf = (testShare: number) => {
      const { splitOf } = assignSplits(splitInput(distinctRows(2000), splitSettings({ validationShare: 0.1, testShare })))
      return Array.from(splitOf, (split) => split === 2)
    }
    expect(rowsOf(0)).toEqual(rowsOf(0.3))
  })

  it('does not tie rows together that have no prompt', () => {
    const rows = Array.from({ length: 100 }, (_, index) => ({ content: index + 1, prompt: 0 }))
    expect(assignSplits(splitInput(rows, splitSettings({ validationShare: 0.1 }))).counts.validation).toBe(10)
  })
})
