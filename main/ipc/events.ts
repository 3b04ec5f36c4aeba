import type { EventName, EventPayload } from '../../preload/contract/contract.ts'
import type { Clock } from '../lib/clock.ts'

/** How features tell the windows that something happened. */
export interface EventPublisher {
  publish<E extends EventName>(event: E, payload: EventPayload<E>): void
}

/** Delivers one event to one window. */
export type SendToWindow = (windowId: number, event: EventName, payload: unknown) => void

export interface EventHub extends EventPublisher {
  subscribe(windowId: number, event: EventName): void
  unsubscribe(windowId: number, event: EventName): void
  forgetWindow(windowId: number): void
  /** Sends what is waiting to be coalesced, at once. */
  flush(): void
}

/** At most one delivery of the same event and thing in this many milliseconds. */
const coalesceMs = 250

type Merge = (earlier: unknown, later: unknown) => unknown

const keepLater: Merge = (_earlier, later) => later
const mergeProgress: Merge = (earlier, later) => {
  const a = earlier as EventPayload<'runs.progressed'>
  const b = later as EventPayload<'runs.progressed'>
  if (b.voidAfterStep === null)
    return { ...b, voidAfterStep: a.voidAfterStep, points: [...a.points, ...b.points], checkpoints: [...a.checkpoints, ...b.checkpoints] }
  const limit = b.voidAfterStep
  return {
    ...b,
    voidAfterStep: a.voidAfterStep === null ? limit : Math.min(a.voidAfterStep, limit),
    points: [...a.points.filter((point) => point.step <= limit), ...b.points],
    checkpoints: [...a.checkpoints.filter((mark) => mark.step <= limit), ...b.checkpoints],
  }
}
const mergeLines: Merge = (earlier, later) => {
  const a = earlier as EventPayload<'runs.logged'>
  const b = later as EventPayload<'runs.logged'>
  return { id: b.id, lines: [...a.lines, ...b.lines] }
}

function mergeFor(event: EventName): Merge {
  if (event === 'runs.progressed') return mergeProgress
  if (event === 'runs.logged') return mergeLines
  return keepLater
}

/** Typed publisher: first of a burst at once, the rest merged at 4 Hz, only to windows that subscribed. */
export function createEventHub(dependencies: { send: SendToWindow; clock: Clock }): EventHub {
  const { send, clock } = dependencies
  const subscriptions = new Map<number, Set<EventName>>()
  const waiting = new Map<string, { event: EventName; payload: unknown; hasPayload: boolean }>()

  const deliver = (event: EventName, payload: unknown) => {
    for (const [windowId, names] of subscriptions) if (names.has(event)) send(windowId, event, payload)
  }
  const release = (key: string) => {
    const entry = waiting.get(key)
    waiting.delete(key)
    if (entry?.hasPayload === true) {
      deliver(entry.event, entry.payload)
      open(key, entry.event)
    }
  }
  const open = (key: string, event: EventName) => {
    waiting.set(key, { event, payload: undefined, hasPayload: false })
    clock.after(coalesceMs, () => release(key))
  }

  return {
    publish(event, payload) {
      // A command is an act, not a state: each one is delivered.
      if (event === 'settings.commandRequested' || event === 'notifications.opened') return deliver(event, payload)
      const key = `${event}:${'id' in payload ? payload.id : ''}`
      const entry = waiting.get(key)
      if (entry === undefined) {
        deliver(event, payload)
        open(key, event)
        return
      }
      entry.payload = entry.hasPayload ? mergeFor(event)(entry.payload, payload) : payload
      entry.hasPayload = true
    },
    subscribe(windowId, event) {
      const names = subscriptions.get(windowId) ?? new Set<EventName>()
      names.add(event)
      subscriptions.set(windowId, names)
    },
    unsubscribe: (windowId, event) => void subscriptions.get(windowId)?.delete(event),
    forgetWindow: (windowId) => void subscriptions.delete(windowId),
    flush() {
      for (const [key, entry] of waiting) {
        waiting.delete(key)
        if (entry.hasPayload) deliver(entry.event, entry.payload)
      }
    },
  }
}
