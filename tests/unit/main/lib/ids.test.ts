import { describe, expect, it } from 'vitest'
import { createUuidV7 } from '../../../../main/lib/ids.ts'
import { idSchema } from '../../../../preload/contract/primitives.ts'

describe('UUIDv7', () => {
  it('is version 7 of the standard variant and passes the contract', () => {
    for (let count = 0; count < 500; count += 1) {
      const id = createUuidV7(1_750_000_000_000)
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
      expect(idSchema.safeParse(id).success).toBe(true)
    }
  })

  it('carries its time in the first 48 bits, so that ids sort by creation', () => {
    const times = [0, 1, 255, 1_700_000_000_000, 1_700_000_000_001, 2 ** 48 - 1]
    const ids = times.map((time) => createUuidV7(time))
    expect(ids.map((id) => Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16))).toEqual(times)
    expect(ids.toSorted()).toEqual(ids)
  })

  it('two ids of the same millisecond differ', () => {
    expect(new Set(Array.from({ length: 2_000 }, () => createUuidV7(5))).size).toBe(2_000)
  })
})
