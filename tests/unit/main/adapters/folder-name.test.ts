import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { adapterFolderName, safeFileName } from '../../../../main/features/adapters/folder-name.ts'

describe('names on disk', () => {
  it.each([
    ['Support answers, v2', 'Support-answers-v2'],
    ['../../etc/passwd', 'etc-passwd'],
    ['a<b>c:d"e|f?g*h', 'a-b-c-d-e-f-g-h'],
    ['Größe 日本語', 'Größe-日本語'],
    ['  .hidden. ', 'hidden'],
    ['CON', 'adapter'],
    ['lpt1', 'adapter'],
    ['///', 'adapter'],
    ['', 'adapter'],
  ])('%s becomes %s', (name, expected) => {
    expect(safeFileName(name)).toBe(expected)
  })

  it('every name is one part of a path that every system takes, and stays so when used again', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (name) => {
        const safe = safeFileName(name)
        expect(safe).toMatch(/^[\p{L}\p{N}\p{M}-]+$/u)
        expect(Buffer.byteLength(safe)).toBeLessThanOrEqual(120)
        expect(safe).not.toMatch(/^-|-$/)
        expect(Buffer.from(safe).toString()).toBe(safe)
        expect(safeFileName(safe)).toBe(safe)
      }),
      { numRuns: 500 },
    )
  })

  it('two adapters of one name do not share a folder', () => {
    const [first, second] = ['01890000-0000-7000-8000-0000aaaaaaaa', '01890000-0000-7000-8000-0000bbbbbbbb'].map((id) =>
      adapterFolderName('Same', id),
    )
    expect([first, second]).toEqual(['Same-aaaaaaaa', 'Same-bbbbbbbb'])
  })
})
