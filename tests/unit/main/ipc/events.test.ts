import { describe, expect, it } from 'vitest'
import type { EventName, EventPayload } from '../../../../preload/contract/contract.ts'
import { createEventHub } from '../../../../main/ipc/events.ts'
import { createVirtualClock } from '../../../support/runs/virtual-clock.ts'

const runA = '01890000-0000-7000-8000-00000000000a'
const runB = '01890000-0000-7000-8000-00000000000b'

function createHub() {
  const clock = createVirtualClock()
  const sent: { windowId: number; event: EventName; payload: unknown }[] = []
  const hub = createEventHub({ clock, send: (windowId, event, payload) => void sent.push({ windowId, event, payload }) })
  return { clock, hub, sent }
}

function point(step: number, kind: 'train' | 'eval' = 'train'): EventPayload<'runs.progressed'>['points'][number] {
  return {
    kind,
    step,
    epoch: 0,
    loss: 1,
    learningRate: null,
    gradNorm: null,
    tokensPerSecond: null,
    tokens: null,
    accuracy: null,
    atMs: step,
  }
}

function progress(
  steps: readonly number[],
  voidAfterStep: number | null = null,
  cursor = Math.max(0, ...steps),
): EventPayload<'runs.progressed'> {
  return {
    id: runA,
    voidAfterStep,
    points: steps.map((step) => point(step)),
    checkpoints: steps.filter((step) => step % 10 === 0).map((step) => ({ step, isBest: false, bytes: 1, atMs: step })),
    cursor,
  }
}

/** A page's chart: drops what is void, then adds. */
function applied(payloads: readonly unknown[]): number[] {
  return payloads.reduce<number[]>((steps, payload) => {
    const { voidAfterStep, points } = payload as EventPayload<'runs.progressed'>
    return [...steps.filter((step) => voidAfterStep === null || step <= voidAfterStep), ...points.map((added) => added.step)]
  }, [])
}

function logLine(id: number): EventPayload<'runs.logged'>['lines'][number] {
  return { id, atMs: id, level: 'info', source: 'trainer', message: `line ${id}` }
}

describe('event hub', () => {
  it('windows get only what they subscribed to, and nothing after they close', () => {
    const { hub, sent } = createHub()
    hub.subscribe(1, 'runs.changed')
    hub.subscribe(2, 'adapters.changed')
    hub.publish('runs.changed', { id: runA })
    hub.publish('adapters.changed', { id: runA })
    hub.publish('costs.changed', {})
    expect(sent.map(({ windowId, event }) => `${windowId} ${event}`)).toEqual(['1 runs.changed', '2 adapters.changed'])
    hub.forgetWindow(1)
    hub.unsubscribe(2, 'adapters.changed')
    hub.publish('runs.changed', { id: runB })
    hub.publish('adapters.changed', { id: runB })
    expect(sent).toHaveLength(2)
  })

  it('a burst is one delivery at once and one per quarter second, the last state included', async () => {
    const { clock, hub, sent } = createHub()
    hub.subscribe(1, 'notifications.changed')
    for (let unread = 1; unread <= 100; unread += 1) {
      hub.publish('notifications.changed', { unread })
      await clock.advance(10)
    }
    await clock.advance(1_000)
    expect(sent.length).toBeLessThanOrEqual(6)
    expect(sent[0]?.payload).toEqual({ unread: 1 })
    expect(sent.at(-1)?.payload).toEqual({ unread: 100 })
    hub.publish('notifications.changed', { unread: 0 })
    expect(sent.at(-1)?.payload).toEqual({ unread: 0 })
  })

  it('one busy run does not hold back or swallow the news of another', () => {
    const { hub, sent } = createHub()
    hub.subscribe(1, 'runs.changed')
    hub.publish('runs.changed', { id: runA })
    hub.publish('runs.changed', { id: runB })
    expect(sent.map(({ payload }) => payload)).toEqual([{ id: runA }, { id: runB }])
  })

  it('merged curve points are all there, in order, with the newest cursor', async () => {
    const { clock, hub, sent } = createHub()
    hub.subscribe(1, 'runs.progressed')
    for (let step = 1; step <= 40; step += 1) hub.publish('runs.progressed', progress([step]))
    await clock.advance(250)
    expect(sent).toHaveLength(2)
    expect(applied(sent.map(({ payload }) => payload))).toEqual(Array.from({ length: 40 }, (_, index) => index + 1))
    const merged = sent[1]?.payload as EventPayload<'runs.progressed'>
    expect(merged).toMatchObject({ cursor: 40, voidAfterStep: null })
    expect(merged.checkpoints.map((mark) => mark.step)).toEqual([10, 20, 30, 40])
  })

  it('a resume inside a burst leaves no double point, whether or not it was merged', async () => {
    const { clock, hub, sent } = createHub()
    hub.subscribe(1, 'runs.progressed')
    hub.publish('runs.progressed', progress([1, 2, 3, 4, 5]))
    hub.publish('runs.progressed', progress([6, 7, 8, 9, 10]))
    hub.publish('runs.progressed', progress([], 7, 11))
    hub.publish('runs.progressed', progress([8, 9]))
    hub.publish('runs.progressed', progress([], 3, 14))
    hub.publish('runs.progressed', progress([4, 5, 6]))
    await clock.advance(250)
    expect(sent).toHaveLength(2)
    expect(sent[1]?.payload).toMatchObject({ voidAfterStep: 3, checkpoints: [] })
    expect(applied(sent.map(({ payload }) => payload))).toEqual([1, 2, 3, 4, 5, 6])
  })

  it('a later, milder resume does not forget an earlier, deeper one', async () => {
    const { clock, hub, sent } = createHub()
    hub.subscribe(1, 'runs.progressed')
    hub.publish('runs.progressed', progress([1, 2, 3, 4, 5, 6]))
    hub.publish('runs.progressed', progress([3, 4, 5], 2))
    hub.publish('runs.progressed', progress([5, 6], 4))
    await clock.advance(250)
    expect(applied(sent.map(({ payload }) => payload))).toEqual([1, 2, 3, 4, 5, 6])
  })

  it('log lines of a burst are all delivered', async () => {
    const { clock, hub, sent } = createHub()
    hub.subscribe(1, 'runs.logged')
    for (let id = 1; id <= 30; id += 1) hub.publish('runs.logged', { id: runA, lines: [logLine(id)] })
    await clock.advance(250)
    expect(sent.flatMap(({ payload }) => (payload as EventPayload<'runs.logged'>).lines.map((entry) => entry.id))).toEqual(
      Array.from({ length: 30 }, (_, index) => index + 1),
    )
  })

  it('acts are delivered one by one: two shortcuts in a row are two', () => {
    const { hub, sent } = createHub()
    hub.subscribe(1, 'settings.commandRequested')
    hub.subscribe(1, 'notifications.opened')
    hub.publish('settings.commandRequested', { command: 'new_run' })
    hub.publish('settings.commandRequested', { command: 'open_settings' })
    hub.publish('notifications.opened', { page: 'runs', id: runA })
    hub.publish('notifications.opened', { page: 'runs', id: runB })
    expect(sent).toHaveLength(4)
  })

  it('flush delivers what waits, once', async () => {
    const { clock, hub, sent } = createHub()
    hub.subscribe(1, 'runs.progressed')
    hub.publish('runs.progressed', progress([1]))
    hub.publish('runs.progressed', progress([2]))
    hub.flush()
    await clock.advance(1_000)
    expect(applied(sent.map(({ payload }) => payload))).toEqual([1, 2])
  })
})
