import type { Clock } from '../../lib/clock.ts'

/** A span in which this computer slept. */
export interface Sleep {
  readonly fromMs: number
  readonly toMs: number
}

/** Notices that this computer slept. */
export interface SleepWatch {
  start(): void
  /** Looks at once instead of at the next tick; true when it had slept. */
  look(): boolean
  stop(): void
}

const tickMs = 10_000
/** A busy computer is late by seconds, not by this. */
const shortestSleepMs = 60_000

/** Builds the watch over a timer: timers stand still while a computer sleeps, the time of day does not. */
export function createSleepWatch(clock: Clock, onWake: (sleep: Sleep) => void): SleepWatch {
  let cancel: (() => void) | null = null
  let seenAtMs = clock.nowMs()
  const look = () => {
    const fromMs = seenAtMs
    seenAtMs = clock.nowMs()
    if (seenAtMs - fromMs < shortestSleepMs) return false
    onWake({ fromMs, toMs: seenAtMs })
    return true
  }
  const arm = () => {
    cancel = clock.after(tickMs, () => {
      look()
      arm()
    })
  }
  return {
    start() {
      if (cancel !== null) return
      seenAtMs = clock.nowMs()
      arm()
    },
    look,
    stop() {
      cancel?.()
      cancel = null
    },
  }
}

/** For the log of a run. */
export function sleepText({ fromMs, toMs }: Sleep): string {
  const minutes = Math.round((toMs - fromMs) / 60_000)
  const hours = Math.floor(minutes / 60)
  const span = hours === 0 ? `${minutes} min` : `${hours} h ${minutes % 60} min`
  return `This computer slept for ${span}. What happened meanwhile is asked now.`
}
