import type { Clock } from '../../../main/lib/clock.ts'

/** How the cloud's time passes: by itself at a speed, or only when told to. */
export type ClockMode = { readonly kind: 'flowing'; readonly speed: number } | { readonly kind: 'standing' }
/** `instant`: waits of scripted workers take no real time, the clock jumps; `clock`: they wait like everybody else. */
export type WorkPace = 'instant' | 'clock'

/** The one clock of a cloud: every time limit, delay and bill hangs on it. */
export interface CloudClock extends Clock {
  /** A timer of somebody at work; at pace `instant` the clock jumps to it. */
  work(delayMs: number, callback: () => void): () => void
  /** Time does not go on before this is settled. */
  busy<T>(doing: Promise<T>): Promise<T>
  /** Goes on by a span, from timer to timer. */
  advance(spanMs: number): Promise<void>
  /** Resolves once nothing is under way and no instant work is left. */
  quiet(): Promise<void>
  setMode(mode: ClockMode): void
  setPace(pace: WorkPace): void
  close(): void
}

interface Timer {
  readonly atMs: number
  readonly order: number
  readonly isWork: boolean
  readonly callback: () => void
}

const longestRealWaitMs = 2_000_000_000

/** Builds a clock that starts at a given time. */
export function createCloudClock(startMs: number, initialMode: ClockMode, initialPace: WorkPace): CloudClock {
  let mode = initialMode
  const now = { pace: initialPace, isClosed: false }
  let anchor = { virtualMs: startMs, realMs: performance.now() }
  let order = 0
  let underWay = 0
  let idleWaiters: (() => void)[] = []
  let realTimer: NodeJS.Timeout | null = null
  let moving: Promise<void> = Promise.resolve()
  let isPumping = false
  const timers = new Set<Timer>()

  const nowMs = () =>
    mode.kind === 'standing' ? anchor.virtualMs : Math.floor(anchor.virtualMs + (performance.now() - anchor.realMs) * mode.speed)
  const setNow = (ms: number) => {
    anchor = { virtualMs: Math.max(nowMs(), ms), realMs: performance.now() }
  }
  const earliest = (isWanted: (timer: Timer) => boolean = () => true): Timer | undefined => {
    let found: Timer | undefined
    for (const timer of timers) {
      if (!isWanted(timer)) continue
      if (found === undefined || timer.atMs < found.atMs || (timer.atMs === found.atMs && timer.order < found.order)) found = timer
    }
    return found
  }
  const settle = async () => {
    for (let calm = 0; calm < 2; calm += 1) {
      await new Promise<void>((resolve) => void setImmediate(resolve))
      if (underWay === 0) continue
      await new Promise<void>((resolve) => void idleWaiters.push(resolve))
      calm = -1
    }
  }
  const moveTo = async (targetMs: number) => {
    for (let timer = earliest(); timer !== undefined && timer.atMs <= targetMs && !now.isClosed; timer = earliest()) {
      timers.delete(timer)
      setNow(timer.atMs)
      timer.callback()
      await settle()
    }
    setNow(targetMs)
  }
  const move = (targetMs: () => number): Promise<void> => {
    const before = moving
    const go = async () => {
      await before
      await settle()
      await moveTo(targetMs())
    }
    const next = go()
    moving = next.catch(() => undefined)
    return next.finally(arm)
  }
  const pump = async () => {
    if (isPumping) return
    isPumping = true
    for (let next = earliest((timer) => timer.isWork); next !== undefined && now.pace === 'instant' && !now.isClosed;) {
      const { atMs } = next
      await move(() => atMs)
      next = earliest((timer) => timer.isWork)
    }
    isPumping = false
  }
  const arm = () => {
    if (realTimer !== null) clearTimeout(realTimer)
    realTimer = null
    if (now.isClosed) return
    if (now.pace === 'instant' && earliest((timer) => timer.isWork) !== undefined) setImmediate(() => void pump())
    const next = mode.kind === 'flowing' ? earliest() : undefined
    if (next === undefined || mode.kind === 'standing') return
    const waitMs = Math.min(longestRealWaitMs, Math.max(0, (next.atMs - nowMs()) / mode.speed))
    realTimer = setTimeout(() => void move(nowMs), waitMs)
  }
  const add = (delayMs: number, callback: () => void, isWork: boolean) => {
    order += 1
    const timer: Timer = { atMs: nowMs() + Math.max(0, Math.ceil(delayMs)), order, isWork, callback }
    timers.add(timer)
    arm()
    return () => void timers.delete(timer)
  }

  return {
    nowMs,
    after: (delayMs, callback) => add(delayMs, callback, false),
    work: (delayMs, callback) => add(delayMs, callback, true),
    async busy(doing) {
      underWay += 1
      try {
        return await doing
      } finally {
        underWay -= 1
        if (underWay === 0) {
          const waiters = idleWaiters
          idleWaiters = []
          setImmediate(() => waiters.forEach((resolve) => resolve()))
        }
      }
    },
    advance: (spanMs) => move(() => nowMs() + spanMs),
    async quiet() {
      do {
        await move(nowMs)
      } while (!now.isClosed && now.pace === 'instant' && earliest((timer) => timer.isWork) !== undefined)
    },
    setMode(next) {
      anchor = { virtualMs: nowMs(), realMs: performance.now() }
      mode = next
      arm()
    },
    setPace(next) {
      now.pace = next
      arm()
    },
    close() {
      now.isClosed = true
      timers.clear()
      arm()
    },
  }
}
