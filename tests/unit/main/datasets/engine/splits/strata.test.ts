import { describe, expect, it } from 'vitest'
import { strataOf } from '../../../../../../main/features/datasets/engine/splits/strata.ts'

const columns = {
  rows: 8,
  usable: Uint8Array.from([1, 1, 1, 1, 1, 1, 1, 0]),
  characters: Uint32Array.from([80, 10, 20, 70, 30, 60, 20, 100_000]),
  shape: Uint8Array.from([1, 1, 2, 2, 1, 1, 3, 0]),
  script: null,
}

describe('strataOf', () => {
  it('puts equally long rows into one stratum and longer rows into later ones', () => {
    expect([...(strataOf('length', columns) ?? [])]).toEqual([3, 0, 1, 3, 2, 2, 1, 3])
  })

  it('uses the shape as it is', () => {
    expect([...(strataOf('shape', columns) ?? [])]).toEqual([1, 1, 2, 2, 1, 1, 3, 0])
  })

  it('does not stratify unless asked', () => {
    expect(strataOf('none', columns)).toBeNull()
  })

  it('says what to do when the writing systems are not known yet', () => {
    expect(() => strataOf('language', columns)).toThrow(/not known yet/)
  })
})
