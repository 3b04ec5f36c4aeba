import type { Clock } from '../../../main/lib/clock.ts'

/**
 * Real timers that run faster, for an app whose other side answers at once; its time goes faster by as much.
 * `originMs` is the computer's time at which it began, so that a restarted app goes on where it was.
 */
export function createHurriedClock(originMs: number, speed = 200, startMs = 1_800_000_000_000): Clock {
  return {
    nowMs: () => Math.round(startMs + (Date.now() - originMs) * speed),
    after(delayMs, callback) {
      const timer = setTimeout(callback, delayMs / speed)
      return () => clearTimeout(timer)
    },
  }
}
