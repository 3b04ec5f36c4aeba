import type { Clock } from '../../main/lib/clock.ts'

/** A clock whose waits take no time but are written down; its time moves by what was waited. */
export function createInstantClock(startMs = 1_700_000_000_000): Clock & { readonly waits: number[] } {
  const waits: number[] = []
  let nowMs = startMs
  return {
    waits,
    nowMs: () => nowMs,
    after(delayMs, callback) {
      let isCancelled = false
      setImmediate(() => {
        if (isCancelled) return
        waits.push(delayMs)
        nowMs += delayMs
        callback()
      })
      return () => {
        isCancelled = true
      }
    },
  }
}
