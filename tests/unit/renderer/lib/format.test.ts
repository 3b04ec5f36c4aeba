import { describe, expect, test } from 'vitest'
import { formatAgo, formatBytes, formatCount, formatDuration, formatMoney, formatPercent } from '../../../../renderer/lib/format.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

describe('unknown values are a dash and never zero', () => {
  test.each([formatCount, formatBytes, formatDuration, formatMoney, formatPercent])('%o', (format) => {
    expect(format(null)).toBe('–')
    expect(format(undefined)).toBe('–')
    expect(format(0)).not.toBe('–')
  })
})

test.each([
  [0, '0 s'],
  [400, 'under 1 s'],
  [42_400, '42 s'],
  [59_600, '1 min'],
  [3 * minute + 5000, '3 min 5 s'],
  [59 * minute + 59_600, '1 h'],
  [72 * minute, '1 h 12 min'],
  [23 * hour + 59.6 * minute, '1 d'],
  [2 * day + 4 * hour, '2 d 4 h'],
])('a duration of %d ms never shows 60 s, 60 min or 24 h: %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text)
})

test.each([
  [0, '$0.00'],
  [4, 'under $0.01'],
  [10_000, '$0.01'],
  [1_840_000, '$1.84'],
  [1_234_560_000, '$1,234.56'],
])('%d micro-dollars: a real cost is never rounded down to nothing: %s', (microUsd, text) => {
  expect(formatMoney(microUsd)).toBe(text)
})

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.0 kB'],
  [999_600, '1.0 MB'],
  [18_400_000, '18 MB'],
  [3_000_000_000_000_000, '3000 TB'],
])('%d bytes never show four digits before the next unit: %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text)
})

test('a share below one whole is never shown as finished', () => {
  expect(formatPercent(0.999)).toBe('99 %')
  expect(formatPercent(1)).toBe('100 %')
})

test('thousands are separated', () => {
  expect(formatCount(12_480)).toBe('12,480')
})

test.each([
  [0, 'just now'],
  [50_000, '1 min ago'],
  [20 * hour, '20 h ago'],
  [3 * day, '3 d ago'],
  [400 * day, '1 Jan 2025'],
])('%d ms ago in words: %s', (ago, text) => {
  const now = new Date(2026, 1, 5, 12).getTime()
  expect(formatAgo(now - ago, now)).toBe(text)
})
