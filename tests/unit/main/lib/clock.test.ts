import { describe, expect, it } from 'vitest'
import { delay } from '../../../../main/lib/clock.ts'
import { createVirtualClock } from '../../../support/runs/virtual-clock.ts'

describe('delay', () => {
  it('ends with its timer', async () => {
    const clock = createVirtualClock()
    let isOver = false
    const waiting = delay(clock, 500).then(() => (isOver = true))
    await clock.advance(499)
    expect(isOver).toBe(false)
    await clock.advance(1)
    await waiting
    expect(isOver).toBe(true)
  })

  it('an abort ends the wait at once and leaves no timer behind', async () => {
    const clock = createVirtualClock()
    const controller = new AbortController()
    const waiting = delay(clock, 500, controller.signal)
    controller.abort(new Error('stopped'))
    await expect(waiting).rejects.toThrow('stopped')
    await expect(clock.runUntil(() => false)).rejects.toThrow('Time ran out')
  })

  it('a signal that is already aborted starts no timer', async () => {
    const clock = createVirtualClock()
    await expect(delay(clock, 500, AbortSignal.abort(new Error('too late')))).rejects.toThrow('too late')
    await expect(clock.runUntil(() => false)).rejects.toThrow('Time ran out')
  })
})
