import type { Clock } from '../../../main/lib/clock.ts'

/** A clock that stands still until it is told to go on to its next timer. */
export interface VirtualClock extends Clock {
  /** Goes from timer to timer until `isDone`; throws when nothing is left to wait for or after too many timers. */
  runUntil(isDone: () => boolean, what?: string): Promise<void>
  /** Goes on for a span of time. */
  advance(spanMs: number): Promise<void>
  /** Lets everything that is ready to run do so; the time stays. */
  settle(): Promise<void>
}

interface Timer {
  readonly atMs: number
  readonly order: number
  readonly callback: () => void
}

const mostTimers = 20_000

function settle(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve))
}

/** Builds a clock at a fixed time. */
export function createVirtualClock(startMs = 1_800_000_000_000): VirtualClock {
  let nowMs = startMs
  let order = 0
  const timers = new Set<Timer>()

  const nextTimer = () => [...timers].toSorted((a, b) => a.atMs - b.atMs || a.order - b.order)[0]
  const fire = async (timer: Timer) => {
    timers.delete(timer)
    nowMs = Math.max(nowMs, timer.atMs)
    timer.callback()
    await settle()
  }

  return {
    settle,
    nowMs: () => nowMs,
    after(delayMs, callback) {
      order += 1
      const timer = { atMs: nowMs + delayMs, order, callback }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    async runUntil(isDone, what = 'the condition') {
      await settle()
      for (let count = 0; !isDone(); count += 1) {
        const timer = nextTimer()
        if (timer === undefined || count > mostTimers) throw new Error(`Time ran out before ${what}`)
        await fire(timer)
      }
    },
    async advance(spanMs) {
      await settle()
      const endMs = nowMs + spanMs
      for (let timer = nextTimer(); timer !== undefined && timer.atMs <= endMs; timer = nextTimer()) await fire(timer)
      nowMs = endMs
      await settle()
    },
  }
}
