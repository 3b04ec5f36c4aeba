import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { QueueState } from '../../../../main/features/runs/queue/repository.ts'
import {
  admit,
  candidates,
  moneyOf,
  pauseAfterFailures,
  waitingInOrder,
  type Offer,
  type QueueRun,
  type QueueSnapshot,
} from '../../../../main/features/runs/queue/rules.ts'

const queue = (changes: Partial<QueueState> = {}, settings: Partial<QueueState['settings']> = {}): QueueState => ({
  v: 1,
  settings: { budgetMicroUsd: null, runpodAtOnce: 1, onFailure: 'pause_after_two', ...settings },
  paused: null,
  countsSinceMs: 0,
  failuresSinceMs: 0,
  order: [],
  ...changes,
})
const run = (id: string, changes: Partial<QueueRun> = {}): QueueRun => ({
  id,
  kind: 'runpod',
  phase: 'waiting',
  isOfQueue: true,
  hasFailed: false,
  hasCompleted: false,
  endedAtMs: null,
  costMicroUsd: null,
  unseenMicroUsd: 0,
  mostMicroUsd: null,
  agreedPriceMicroUsdPerHour: 4_000_000,
  ownBudgetMicroUsd: null,
  createdAtMs: 1,
  ...changes,
})
const ended = (id: string, endedAtMs: number, changes: Partial<QueueRun> = {}): QueueRun =>
  run(id, { phase: 'ended', endedAtMs, hasCompleted: true, costMicroUsd: 0, ...changes })
const offer = (changes: Partial<Offer> = {}): Offer => ({
  red: null,
  endpointName: 'Cloud',
  priceMicroUsdPerHour: 4_000_000,
  leastMicroUsd: 400_000,
  ...changes,
})

describe('the queue', () => {
  it('would start a run at a price that the user has not agreed to', () => {
    const snapshot = { queue: queue(), runs: [run('a')] }
    expect(admit(snapshot, 'a', offer({ priceMicroUsdPerHour: 4_000_001 }))).toMatchObject({
      do: 'hold',
      hold: { code: 'price', askedPriceMicroUsdPerHour: 4_000_001 },
    })
    expect(admit(snapshot, 'a', offer({ priceMicroUsdPerHour: null }))).toMatchObject({ do: 'hold', hold: { code: 'price_unknown' } })
    expect(admit(snapshot, 'a', offer({ priceMicroUsdPerHour: 3_000_000 }))).toEqual({
      do: 'start',
      priceMicroUsdPerHour: 3_000_000,
      capMicroUsd: null,
    })
  })

  it('would start a run whose preflight has turned red', () => {
    const red = { text: 'No free space.', advice: 'Free some.' }
    expect(admit({ queue: queue(), runs: [run('a')] }, 'a', offer({ red }))).toMatchObject({ do: 'hold', hold: { code: 'preflight' } })
  })

  it('would give up for good while money that is set aside may still come back', () => {
    const runs = [run('a', { phase: 'active', mostMicroUsd: 700_000 }), run('b')]
    const settings = { budgetMicroUsd: 1_000_000, runpodAtOnce: 2 }
    expect(admit({ queue: queue({}, settings), runs }, 'b', offer())).toMatchObject({ do: 'wait', hold: { code: 'room' } })
    const spent = [ended('a', 5, { costMicroUsd: 700_000 }), run('b')]
    expect(admit({ queue: queue({}, settings), runs: spent }, 'b', offer())).toMatchObject({ do: 'pause', reason: { code: 'budget' } })
  })

  it('would start beyond the budget when the cost of an earlier run is not known', () => {
    const runs = [ended('a', 5, { costMicroUsd: null }), run('b')]
    expect(admit({ queue: queue({}, { budgetMicroUsd: 9_000_000 }), runs }, 'b', offer())).toMatchObject({
      do: 'pause',
      reason: { code: 'cost_unknown' },
    })
  })

  it('would burn the budget on one mistake, or stop for failures that the user has seen', () => {
    const failed = { hasFailed: true, hasCompleted: false }
    const runs = [ended('a', 1), ended('b', 2, failed), ended('c', 3, failed), run('d')]
    expect(pauseAfterFailures({ queue: queue(), runs })).toMatchObject({ code: 'failures' })
    expect(pauseAfterFailures({ queue: queue({ failuresSinceMs: 2 }), runs })).toBeNull()
    expect(pauseAfterFailures({ queue: queue({}, { onFailure: 'go_on' }), runs })).toBeNull()
    expect(pauseAfterFailures({ queue: queue(), runs: [...runs, ended('e', 4)] })).toBeNull()
  })

  it('would run two at once on this computer, or forget a run that was started beside it', () => {
    const direct = run('x', { phase: 'active', kind: 'local', isOfQueue: false })
    const runs = [direct, run('a', { kind: 'local' }), run('b')]
    expect(candidates({ queue: queue({}, { runpodAtOnce: 3 }), runs }).map(({ id }) => id)).toEqual(['b'])
  })
})

const plannedRun = fc.record({
  kind: fc.constantFrom('local' as const, 'runpod' as const),
  ownBudgetMicroUsd: fc.option(fc.integer({ min: 10_000, max: 3_000_000 })),
  leastMicroUsd: fc.integer({ min: 0, max: 2_000_000 }),
  /** The share of its cap that it comes to cost. */
  share: fc.double({ min: 0, max: 1, noNaN: true }),
  isRed: fc.boolean(),
})

it('over any runs, would exceed its limit or its budget, start one twice or leave the order', () => {
  fc.assert(
    fc.property(
      fc.array(plannedRun, { maxLength: 12 }),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 10_000, max: 6_000_000 }),
      fc.infiniteStream(fc.boolean()),
      (plans, runpodAtOnce, budgetMicroUsd, endings) => {
        const ids = plans.map((_, index) => `run-${index}`)
        const planOf = (id: string) => plans[ids.indexOf(id)]
        let runs: QueueRun[] = plans.map(({ kind, ownBudgetMicroUsd }, index) =>
          run(`run-${index}`, { kind, ownBudgetMicroUsd, createdAtMs: index }),
        )
        const state = queue({ order: ids }, { runpodAtOnce, budgetMicroUsd })
        const snapshot = (): QueueSnapshot => ({ queue: state, runs })
        const starts: string[] = []
        const set = (id: string, changes: Partial<QueueRun>) => {
          runs = runs.map((one) => (one.id === id ? { ...one, ...changes } : one))
        }
        for (let step = 0; step < 4 * plans.length + 4; step += 1) {
          for (const { id } of candidates(snapshot())) {
            const plan = planOf(id)
            const red = plan?.isRed === true ? { text: 'red', advice: 'fix' } : null
            const verdict = admit(snapshot(), id, offer({ red, leastMicroUsd: plan?.leastMicroUsd ?? 0 }))
            if (verdict.do === 'start') {
              starts.push(id)
              set(id, { phase: 'active', mostMicroUsd: plan?.kind === 'local' ? 0 : verdict.capMicroUsd })
              expect(plan?.isRed).toBe(false)
              // Nothing of the same kind that was before it and could have started is passed over.
              const passed = waitingInOrder(snapshot()).filter(
                (other) => other.kind === plan?.kind && ids.indexOf(other.id) < ids.indexOf(id) && planOf(other.id)?.isRed === false,
              )
              expect(passed).toEqual([])
            }
            if (verdict.do === 'wait' || verdict.do === 'pause') break
          }
          for (const kind of ['local', 'runpod'] as const) {
            const atOnce = runs.filter((one) => one.phase === 'active' && one.kind === kind).length
            expect(atOnce).toBeLessThanOrEqual(kind === 'local' ? 1 : runpodAtOnce)
          }
          const money = moneyOf(snapshot())
          expect((money.spentMicroUsd ?? 0) + (money.reservedMicroUsd ?? 0)).toBeLessThanOrEqual(budgetMicroUsd)
          const first = runs.find((one) => one.phase === 'active' && endings.next().value === true)
          if (first === undefined) continue
          const costMicroUsd = Math.floor((first.mostMicroUsd ?? 0) * (planOf(first.id)?.share ?? 0))
          set(first.id, { phase: 'ended', hasCompleted: true, endedAtMs: step, costMicroUsd })
        }
        expect(new Set(starts).size).toBe(starts.length)
      },
    ),
  )
})
