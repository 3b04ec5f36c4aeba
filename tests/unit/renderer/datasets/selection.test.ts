import fc from 'fast-check'
import { expect, test } from 'vitest'
import { addRange, clampTo, countChosen, isChosen, noRows, togglePlace } from '../../../../renderer/features/datasets/selection.ts'

test('ranges and single places choose exactly what a plain set of places would', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('toggle' as const), at: fc.nat(30) }),
    fc.record({ kind: fc.constant('range' as const), at: fc.nat(30), to: fc.nat(30) }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      let selection = noRows
      const plain = new Set<number>()
      for (const one of steps) {
        if (one.kind === 'toggle') {
          selection = togglePlace(selection, one.at)
          if (!plain.delete(one.at)) plain.add(one.at)
        } else {
          selection = addRange(selection, one.at, one.to)
          for (let place = Math.min(one.at, one.to); place <= Math.max(one.at, one.to); place += 1) plain.add(place)
        }
      }
      const chosen = Array.from({ length: 31 }, (_unused, place) => place).filter((place) => isChosen(selection, place))
      expect(chosen).toEqual([...plain].toSorted((a, b) => a - b))
      expect(countChosen(selection)).toBe(plain.size)
    }),
    { seed: 7, numRuns: 200 },
  )
})

test('places beyond a list that became shorter are no longer chosen', () => {
  expect(
    clampTo(
      [
        [0, 2],
        [5, 9],
        [12, 14],
      ],
      7,
    ),
  ).toEqual([
    [0, 2],
    [5, 6],
  ])
})
