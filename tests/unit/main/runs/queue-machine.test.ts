import { describe, expect, it } from 'vitest'
import { createState, effectsToResume, reduce } from '../../../../main/features/runs/machine.ts'
import { capOf, limitsOf } from '../../../../main/features/runs/money.ts'
import { statusOf, type MachineEvent } from '../../../../main/features/runs/state.ts'
import { runConfig } from '../../../support/runs/run-world.ts'

const facts = {
  datasetName: 'notes',
  datasetRows: 3,
  baseModelLabel: 'm',
  endpointName: 'Cloud',
  endpointKind: 'runpod' as const,
  priceMicroUsdPerHour: 4_000_000,
  monthShareMicroUsd: null,
  retryOf: null,
}
const waiting = createState({ type: 'created', facts, isQueued: true }, 1000)
const release: MachineEvent = { type: 'queue_released', priceMicroUsdPerHour: 3_600_000, capMicroUsd: 1_000_000, monthShareMicroUsd: null }

describe('a queued run', () => {
  it('would be started by anything but its turn', () => {
    expect(statusOf(waiting.state)).toBe('queued')
    const others: readonly MachineEvent[] = [
      { type: 'dataset_frozen', dataset: { sha256: 'a'.repeat(64), bytes: 1, rows: 3 } },
      { type: 'dataset_uploaded' },
      { type: 'submit_started' },
      { type: 'submit_accepted', jobId: 'job-1' },
      { type: 'submit_again', reason: 'x' },
      { type: 'job_adopted' },
      { type: 'queue_price_agreed', priceMicroUsdPerHour: 5_000_000 },
    ]
    for (const event of others) expect(reduce(waiting.state, event, 2000).state.phase).toBe('waiting')
  })

  it('would be started twice', () => {
    const first = reduce(waiting.state, release, 2000)
    expect(first).toMatchObject({
      state: { phase: 'freezing', queued: { releasedAtMs: 2000 } },
      effects: [{ type: 'begin', phase: 'freezing' }],
    })
    const second = reduce(first.state, release, 3000)
    expect(second).toEqual({ state: first.state, effects: [] })
  })

  it('would cost more than the shared budget left it, also with a larger budget of its own or a sleeping app', () => {
    const { state } = reduce(waiting.state, release, 2000)
    const config = { ...runConfig(), budgetMicroUsd: 5_000_000 }
    expect(capOf(state, config)).toBe(1_000_000)
    expect(capOf(state, { ...config, budgetMicroUsd: 400_000 })).toBe(400_000)
    const { worker, policy } = limitsOf(state, config)
    expect(worker.max_cost_micro_usd).toBeLessThan(1_000_000)
    // At $3.60 an hour a millisecond costs one micro-dollar.
    expect(policy.executionTimeoutMs).toBeLessThan(1_000_000)
  })

  it('would leave a trace of work when it is removed before its turn', () => {
    const { state, effects } = reduce(waiting.state, { type: 'stop_requested', mode: 'discard' }, 2000)
    expect(state).toMatchObject({ phase: 'ended', finalStatus: 'cancelled', posts: 0 })
    expect(effects).toEqual([{ type: 'settle' }])
    expect(reduce(state, release, 3000).state).toBe(state)
  })

  it('would say the same reason again and again in its history', () => {
    const held: MachineEvent = {
      type: 'queue_held',
      hold: { code: 'preflight', text: 'No space.', advice: 'Free some.', askedPriceMicroUsdPerHour: null },
    }
    const once = reduce(waiting.state, held, 2000).state
    expect(once.detail).toBe('No space.')
    expect(reduce(once, structuredClone(held), 3000).state).toBe(once)
    expect(effectsToResume(once)).toEqual([
      { type: 'notify', notice: 'job_queued' },
      { type: 'begin', phase: 'waiting' },
    ])
  })
})
