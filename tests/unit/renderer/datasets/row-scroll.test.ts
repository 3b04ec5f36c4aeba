import { expect, test } from 'vitest'
import {
  clampOffset,
  isMapped,
  listHeight,
  maxListHeight,
  offsetToShow,
  toOffset,
  toScrollTop,
  visibleRows,
} from '../../../../renderer/features/datasets/row-scroll.ts'

const long = { total: 1_000_000, rowHeight: 32, viewHeight: 320 }
const short = { total: 500, rowHeight: 32, viewHeight: 320 }

test('a million rows stay under the height at which browsers cut elements off, and both ends are reached', () => {
  expect(isMapped(long)).toBe(true)
  expect(listHeight(long)).toBe(maxListHeight)
  expect(visibleRows(long, toOffset(long, 0))).toEqual({ first: 0, last: 9 })
  expect(visibleRows(long, toOffset(long, maxListHeight - 320))).toEqual({ first: 999_990, last: 999_999 })
})

test('every row of a million can be brought into sight, and the bar leads back to it', () => {
  for (const row of [0, 1, 9, 10, 250_001, 500_000, 999_998, 999_999]) {
    const offset = offsetToShow(long, row, 0)
    const { first, last } = visibleRows(long, offset)
    expect(first <= row && row <= last).toBe(true)
    expect(Math.abs(toOffset(long, toScrollTop(long, offset)) - offset)).toBeLessThan(1)
  }
})

test('a short list is not mapped, so one pixel of the wheel is one pixel of the list', () => {
  expect(isMapped(short)).toBe(false)
  expect(listHeight(short)).toBe(16_000)
  expect(toOffset(short, 777)).toBe(777)
})

test('no offset leads before the first or behind the last row', () => {
  expect(clampOffset(long, -5)).toBe(0)
  expect(clampOffset(long, 1e12)).toBe(32_000_000 - 320)
  expect(clampOffset({ ...short, total: 3 }, 50)).toBe(0)
})

test('a row that is in sight already does not move the list', () => {
  expect(offsetToShow(short, 3, 64)).toBe(64)
  expect(offsetToShow(short, 1, 64)).toBe(32)
  expect(offsetToShow(short, 12, 64)).toBe(96)
})
