import { describe, expect, it } from 'vitest'
import { isAtLeast, minimumOfRange, nodeApiLevel } from '../../../scripts/versions.mjs'

describe('versions', () => {
  it('catches versions compared as text, where 9 is above 24', () => {
    expect(isAtLeast('v9.11.2', '24.0.0')).toBe(false)
    expect(isAtLeast('24.0.0', '24.0.0')).toBe(true)
    expect(isAtLeast('3.10.0', '3.9')).toBe(true)
    expect(isAtLeast('3.9.18', '3.10')).toBe(false)
  })

  it('catches an unreadable version taken for a new one', () => {
    expect(isAtLeast('unknown', '1.0.0')).toBe(false)
  })

  it('catches a range that is guessed at instead of refused', () => {
    expect(minimumOfRange('>=24.0.0')).toBe('24.0.0')
    expect(() => minimumOfRange('^20 || >=22')).toThrow(/not of the form/)
  })

  it('catches a prebuilt addon handed to a runtime it crashes', () => {
    expect(nodeApiLevel('20.18.1')).toBe(9)
    expect(nodeApiLevel('22.13.0')).toBe(9)
    expect(nodeApiLevel('22.14.0')).toBe(10)
    expect(nodeApiLevel('24.21.0')).toBe(10)
  })
})
