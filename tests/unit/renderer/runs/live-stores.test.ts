import { afterEach, describe, expect, it, vi } from 'vitest'
import type { MetricPoint } from '../../../../preload/contract/runs.ts'
import { values } from '../../../../renderer/charts/curve.ts'
import { createRunCurve } from '../../../../renderer/features/runs/curve-store.ts'

const runId = '0198a000-0000-7000-8000-000000000001'
const point = (step: number): MetricPoint => ({
  kind: 'train',
  step,
  epoch: 0,
  loss: 4 - step,
  learningRate: null,
  gradNorm: null,
  tokensPerSecond: null,
  tokens: null,
  accuracy: null,
  atMs: step,
})
const progress = (step: number, id = runId) => ({ id, voidAfterStep: null, points: [point(step)], checkpoints: [], cursor: step })

/** A window whose main answers when the test says so. */
function openFakeWindow() {
  const listeners = new Map<string, Set<(payload: unknown) => void>>()
  const waiting: ((data: unknown) => void)[] = []
  vi.stubGlobal('window', {
    tunesmith: {
      invoke: () => new Promise((resolve) => waiting.push((data) => resolve({ ok: true, data }))),
      on(event: string, listener: (payload: unknown) => void) {
        const known = listeners.get(event) ?? new Set()
        listeners.set(event, known.add(listener))
        return () => known.delete(listener)
      },
    },
  })
  return {
    emit: (event: string, payload: unknown) => listeners.get(event)?.forEach((listener) => listener(payload)),
    answer: (data: unknown) => waiting.shift()?.(data),
    listenerCount: (event: string) => listeners.get(event)?.size ?? 0,
  }
}

afterEach(() => vi.unstubAllGlobals())

describe('live curve', () => {
  it('loses no point that is logged while the stored ones are on their way, and draws none twice', async () => {
    const main = openFakeWindow()
    const { store, connect } = createRunCurve(runId)
    const close = connect()
    main.emit('runs.progressed', progress(3))
    main.emit('runs.progressed', progress(2))
    main.emit('runs.progressed', progress(9, '0198a000-0000-7000-8000-000000000009'))
    main.answer({ points: [point(1), point(2)], checkpoints: [], cursor: 2 })
    await vi.waitFor(() => expect(store.getState().status).toBe('ready'))
    main.emit('runs.progressed', progress(4))
    expect([...values(store.getState().train, 'step')]).toEqual([1, 2, 3, 4])
    close()
    expect(main.listenerCount('runs.progressed')).toBe(0)
  })

  it('starts anew when the page is shown again, without the points of the first time twice', async () => {
    const main = openFakeWindow()
    const { store, connect } = createRunCurve(runId)
    connect()()
    const close = connect()
    main.answer({ points: [point(1)], checkpoints: [], cursor: 1 })
    main.answer({ points: [point(1), point(2)], checkpoints: [], cursor: 2 })
    await vi.waitFor(() => expect(store.getState().status).toBe('ready'))
    expect([...values(store.getState().train, 'step')]).toEqual([1, 2])
    close()
  })
})
