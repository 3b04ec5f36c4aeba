import { describe, expect, it } from 'vitest'
import { createSleepWatch, sleepText, type Sleep } from '../../../../main/features/runs/sleep-watch.ts'
import type { Clock } from '../../../../main/lib/clock.ts'

/** A computer whose timers stand still while it sleeps. */
function createComputer() {
  let nowMs = 1_800_000_000_000
  let waiting: (() => void)[] = []
  const clock: Clock = {
    nowMs: () => nowMs,
    after(_delayMs, callback) {
      waiting.push(callback)
      return () => void (waiting = waiting.filter((one) => one !== callback))
    },
  }
  const tick = (spanMs: number) => {
    nowMs += spanMs
    waiting.splice(0).forEach((callback) => callback())
  }
  return { clock, tick, pass: (spanMs: number) => void (nowMs += spanMs), timers: () => waiting.length }
}

describe('noticing sleep', () => {
  it('would miss a night, or take a busy minute for one', () => {
    const computer = createComputer()
    const sleeps: Sleep[] = []
    const watch = createSleepWatch(computer.clock, (sleep) => void sleeps.push(sleep))
    watch.start()
    computer.tick(10_000)
    computer.tick(45_000)
    expect(sleeps).toEqual([])
    computer.tick(6 * 3_600_000)
    expect(sleeps.map(({ fromMs, toMs }) => toMs - fromMs)).toEqual([6 * 3_600_000])
    computer.tick(10_000)
    expect(sleeps).toHaveLength(1)
  })

  it('would tell the same sleep twice when the system says that it woke', () => {
    const computer = createComputer()
    const sleeps: Sleep[] = []
    const watch = createSleepWatch(computer.clock, (sleep) => void sleeps.push(sleep))
    watch.start()
    computer.pass(3_600_000)
    expect([watch.look(), watch.look()]).toEqual([true, false])
    computer.tick(5_000)
    expect(sleeps).toHaveLength(1)
    watch.stop()
    expect(computer.timers()).toBe(0)
  })

  it('says how long it was', () => {
    expect(sleepText({ fromMs: 0, toMs: 20_280_000 })).toContain('5 h 38 min')
    expect(sleepText({ fromMs: 0, toMs: 90_000 })).toContain('2 min')
  })
})
