import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { microUsdOf } from '../../../../main/integrations/runpod/money.ts'

describe('dollars as micro-dollars', () => {
  it.each<[number | string, number]>([
    [0.1 + 0.2, 300_000],
    [1.005, 1_005_000],
    [4.35, 4_350_000],
    [0.00016, 160],
    [1e-7, 0],
    [5e-7, 1],
    [-0.0000005, -1],
    ['1.12', 1_120_000],
    [' +2.5e2 ', 250_000_000],
    ['.5', 500_000],
    ['7.', 7_000_000],
    [-0, 0],
  ])('%j has no rounding error of binary fractions', (dollars, expected) => {
    expect(microUsdOf(dollars)).toBe(expected)
  })

  it.each<[number | string]>([
    [Number.NaN],
    [Number.POSITIVE_INFINITY],
    [1e30],
    [''],
    ['.'],
    ['$5'],
    ['1,000'],
    ['0x10'],
    ['1e999'],
    ['five'],
  ])('%j is no amount, and not 0 either', (dollars) => {
    expect(microUsdOf(dollars)).toBeNull()
  })

  it('every whole number of micro-dollars survives the way through dollars', () => {
    fc.assert(
      fc.property(fc.integer({ min: -1e12, max: 1e12 }), (micro) => {
        expect(microUsdOf(micro / 1_000_000)).toBe(micro === 0 ? 0 : micro)
        const digits = String(Math.abs(micro)).padStart(7, '0')
        expect(microUsdOf(`${micro < 0 ? '-' : ''}${digits.slice(0, -6)}.${digits.slice(-6)}`)).toBe(micro === 0 ? 0 : micro)
      }),
      { seed: 5, numRuns: 500 },
    )
  })
})
