import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createState } from '../../../../main/features/runs/machine.ts'
import { costParts, costSoFar, isBudgetSpent, limitsOf, mostMicroUsd } from '../../../../main/features/runs/money.ts'
import { runPreflight } from '../../../../main/features/runs/preflight/preflight.ts'
import type { RunState } from '../../../../main/features/runs/state.ts'
import { unwatchedEnd } from '../../../../main/features/runs/unwatched-end.ts'
import { runFacts } from '../../../support/runs/run-facts.ts'
import { createRunWorld, runConfig } from '../../../support/runs/run-world.ts'

const hourMs = 3_600_000
const startMs = 1_800_000_000_000

function remote(price: number | null, changes: Partial<RunState> = {}): RunState {
  const facts = { ...runFacts, endpointKind: 'runpod' as const, priceMicroUsdPerHour: price }
  return { ...createState({ type: 'created', facts }, startMs).state, startedAtMs: startMs, ...changes }
}

describe('what a run on RunPod costs', () => {
  it('would bill fetching the adapter, or forget that a worker idles before it ends', () => {
    const ended = remote(3_600_000, { remoteEndedAtMs: startMs + hourMs, endedAtMs: startMs + 2 * hourMs })
    expect(costSoFar(ended, startMs + 9 * hourMs)).toBe(3_605_000)
  })

  it('would show a number that was not computed: no price, no cost; nothing begun, nothing charged', () => {
    expect(costSoFar(remote(null), startMs + hourMs)).toBeNull()
    expect(costSoFar(remote(null, { startedAtMs: null, endedAtMs: startMs + 1 }), startMs + hourMs)).toBe(0)
    expect(costSoFar(remote(4_180_000, { startedAtMs: null }), startMs + hourMs)).toBe(0)
  })

  it('would let time or a higher price make a run cheaper', () => {
    const span = fc.nat(50 * hourMs)
    fc.assert(
      fc.property(span, span, fc.nat(20_000_000), (a, b, price) => {
        const [short, long] = a < b ? [a, b] : [b, a]
        const cost = (ms: number, perHour: number) => costSoFar(remote(perHour), startMs + ms) ?? -1
        expect(cost(short, price)).toBeLessThanOrEqual(cost(long, price))
        expect(cost(long, price)).toBeLessThanOrEqual(cost(long, price + 1))
      }),
    )
  })

  it('would leave a job running beyond what its budget buys when the app is closed', () => {
    fc.assert(
      fc.property(fc.integer({ min: 100_000, max: 500_000_000 }), fc.integer({ min: 100_000, max: 50_000_000 }), (budget, price) => {
        const { policy, worker } = limitsOf(remote(price), { ...runConfig(), budgetMicroUsd: budget })
        const costAtTheEnd = (policy.executionTimeoutMs * price) / hourMs
        expect(policy.executionTimeoutMs === 60_000 || costAtTheEnd <= budget).toBe(true)
        expect(policy.ttlMs).toBeGreaterThan(policy.executionTimeoutMs)
        expect(worker.max_cost_micro_usd).toBeLessThan(budget)
        // The platform's end comes without warning: by then the worker must have saved.
        const workerMs = Math.min((worker.max_seconds ?? 0) * 1_000, ((worker.max_cost_micro_usd ?? 0) * hourMs) / price)
        expect(policy.executionTimeoutMs === 60_000 || workerMs < policy.executionTimeoutMs).toBe(true)
        expect(worker.price_micro_usd_per_hour).toBe(price)
      }),
    )
  })

  it('would leave out the start of the worker, or count a long queue as one', () => {
    const ended = { remoteEndedAtMs: startMs + hourMs, endedAtMs: startMs + hourMs }
    const warm = remote(3_600_000, { submittedAtMs: startMs - 7_500, ...ended })
    const queued = remote(3_600_000, { submittedAtMs: startMs - hourMs, ...ended })
    expect(costParts(warm, startMs)).toEqual({ startUpMicroUsd: 8_000, executionMicroUsd: 3_600_000, idleMicroUsd: 5_000 })
    expect([costSoFar(warm, startMs), costSoFar(queued, startMs)]).toEqual([3_613_000, 3_665_000])
    expect(costParts(remote(null, ended), startMs)).toBeNull()
  })

  it('the parts would not add up to the amount', () => {
    fc.assert(
      fc.property(fc.nat(50 * hourMs), fc.nat(90_000), fc.nat(20_000_000), fc.boolean(), (ms, queuedMs, price, isOver) => {
        const endedAtMs = isOver ? startMs + ms : null
        const state = remote(price, { submittedAtMs: startMs - queuedMs, remoteEndedAtMs: endedAtMs })
        const parts = costParts(state, startMs + ms)
        if (parts === null) return
        expect(Math.min(...Object.values(parts))).toBeGreaterThanOrEqual(0)
        expect(parts.startUpMicroUsd + parts.executionMicroUsd + parts.idleMicroUsd).toBe(costSoFar(state, startMs + ms))
      }),
    )
  })

  it('would let a run have what the month has not, also while the app is asleep', () => {
    const facts = { ...runFacts, endpointKind: 'runpod' as const, priceMicroUsdPerHour: 3_600_000, monthShareMicroUsd: 1_800_000 }
    const state = { ...createState({ type: 'created', facts }, startMs).state, startedAtMs: startMs }
    const own = (budgetMicroUsd: number | null) => ({ ...runConfig(), budgetMicroUsd })
    expect(limitsOf(state, own(null))).toEqual(limitsOf(state, own(9_000_000)))
    expect(limitsOf(state, own(null)).worker.max_cost_micro_usd).toBeLessThanOrEqual(1_735_000)
    expect(limitsOf(state, own(null)).policy.executionTimeoutMs).toBe(1_735_000)
    expect(mostMicroUsd(state, own(900_000))).toBe(900_000)
    expect([own(null), own(9_000_000)].map((config) => isBudgetSpent(state, config, startMs + 1_735_000))).toEqual([true, true])
  })

  it('would bill the days that the app was asleep, not the hour that the job ran', () => {
    const asleep = { nowMs: startMs + 50 * hourMs, executionMs: hourMs, delayMs: 20_000 }
    const seen = remote(3_600_000, { submittedAtMs: startMs - 20_000 })
    expect(unwatchedEnd(seen, { ...asleep, seenAtMs: startMs + 60_000 })).toEqual({ endedAtMs: startMs + hourMs })
    // Only its waiting was seen: the platform tells when it was taken.
    expect(unwatchedEnd({ ...seen, startedAtMs: null }, { ...asleep, seenAtMs: startMs - 10_000 })).toEqual({
      startedAtMs: startMs,
      endedAtMs: startMs + hourMs,
    })
    // The platform has forgotten it: no more is computed than was seen.
    const forgotten = { ...asleep, executionMs: null, delayMs: null, seenAtMs: startMs + 90_000 }
    expect(unwatchedEnd(seen, forgotten)).toEqual({ endedAtMs: startMs + 90_000 })
    expect(unwatchedEnd(seen, { ...asleep, seenAtMs: asleep.nowMs - 2_000 })).toEqual({})
  })

  it('would stop a run on this computer for money', () => {
    const local = createState({ type: 'created', facts: runFacts }, startMs).state
    expect(isBudgetSpent(local, { ...runConfig(), budgetMicroUsd: 10_000 }, startMs + 100 * hourMs)).toBe(false)
    expect(isBudgetSpent(remote(3_600_000), { ...runConfig(), budgetMicroUsd: 3_600_000 }, startMs + hourMs - 65_000)).toBe(true)
    expect(isBudgetSpent(remote(3_600_000), runConfig(), startMs + 100 * hourMs)).toBe(false)
  })
})

describe('the money line before a start', () => {
  const check = async (budgetMicroUsd: number | null, price: number | null, balanceMicroUsd: number | null = null) => {
    const world = createRunWorld({ kind: 'runpod' })
    world.endpointFacts.current = { ...world.endpointFacts.current, priceMicroUsdPerHour: price, balanceMicroUsd }
    const items = await runPreflight(world.ports, { ...runConfig(), budgetMicroUsd })
    return items.find(({ id }) => id === 'money')
  }

  it('would let a budget stand that cannot be kept, or that ends before a model is loaded', async () => {
    expect(await check(1_000_000, null)).toMatchObject({ isOk: false })
    expect(await check(100_000, 4_180_000)).toMatchObject({ isOk: false, fix: 'Raise the budget to at least $0.35.' })
    expect(await check(1_000_000, 4_180_000)).toMatchObject({ isOk: true, text: expect.stringContaining('buys 14 min') })
    expect(await check(null, null)).toMatchObject({ isOk: true })
  })

  it('would start a run that the balance cannot pay', async () => {
    expect(await check(5_000_000, 4_180_000, 2_000_000)).toMatchObject({ isOk: false, text: expect.stringContaining('$2.00') })
    expect(await check(null, 4_180_000, 100_000)).toMatchObject({ isOk: false })
    expect(await check(1_000_000, 4_180_000, 2_000_000)).toMatchObject({ isOk: true })
  })

  const inMonth = (leftMicroUsd: number | null, spentMicroUsd = 0) => ({
    fromMs: startMs,
    toMs: startMs + hourMs,
    budgetMicroUsd: 20_000_000,
    spentMicroUsd,
    committedMicroUsd: 0,
    leftMicroUsd,
  })
  const checkInMonth = (leftMicroUsd: number | null, budgetMicroUsd: number | null, priceMicroUsdPerHour: number | null = 4_180_000) => {
    const world = createRunWorld({ kind: 'runpod' })
    world.endpointFacts.current = { ...world.endpointFacts.current, priceMicroUsdPerHour }
    const ports = { ...world.ports, costs: { ...world.ports.costs, month: () => inMonth(leftMicroUsd) } }
    return runPreflight(ports, { ...runConfig(), budgetMicroUsd }).then((items) => items.filter(({ id }) => id === 'money'))
  }

  it('would let a run begin that the month cannot pay, or offer a budget that is red as well', async () => {
    expect(await checkInMonth(3_009_999, 5_000_000)).toMatchObject([
      { isOk: false, fix: 'Lower the budget of the run to $3.00.', action: { kind: 'set_budget', budgetMicroUsd: 3_000_000 } },
    ])
    expect(await checkInMonth(3_009_999, 3_000_000)).toMatchObject([{ isOk: true }])
    // Twelve hours and the packaging: without a budget that is what may come.
    expect(await checkInMonth(51_000_000, null)).toMatchObject([{ isOk: false, action: { budgetMicroUsd: 51_000_000 } }])
    expect(await checkInMonth(52_000_000, null)).toMatchObject([{ isOk: true }])
    const [tooLittle] = await checkInMonth(300_000, 5_000_000)
    expect(tooLittle).toMatchObject({
      isOk: false,
      fix: expect.stringContaining('Raise the month budget'),
      action: { kind: 'open_page', page: 'costs' },
    })
  })

  it('would promise to keep to a month with a price that nobody knows', async () => {
    expect(await checkInMonth(3_000_000, null, null)).toMatchObject([{ isOk: false, fix: 'Test the connection under Endpoints.' }])
    expect(await checkInMonth(null, 1_000_000)).toMatchObject([{ isOk: false }])
  })

  it('would be asked only by the page: a start refuses too, and what is left is frozen with the run', async () => {
    const world = createRunWorld({ kind: 'runpod' })
    world.endpointFacts.current = { ...world.endpointFacts.current, priceMicroUsdPerHour: 4_180_000 }
    let left = 3_000_000
    const ports = { ...world.ports, costs: { ...world.ports.costs, month: () => inMonth(left) } }
    Object.assign(world.ports, ports)
    const runs = world.open()
    await expect(runs.start({ ...runConfig(), budgetMicroUsd: 5_000_000 }, '')).rejects.toMatchObject({ code: 'RUN_CONFIG_INVALID' })
    const { id } = await runs.start({ ...runConfig(), budgetMicroUsd: 2_000_000 }, '')
    left = 0
    expect(world.repository.findState(id)?.facts.monthShareMicroUsd).toBe(3_000_000)
    expect(runs.activeCosts()).toMatchObject([{ runId: id, mostMicroUsd: 2_000_000, amountMicroUsd: 0 }])
    await runs.dispose()
  })

  it('would start a worker that cannot reach a base model in a folder here', async () => {
    const world = createRunWorld({ kind: 'runpod' })
    const items = await runPreflight(world.ports, { ...runConfig(), baseModel: { kind: 'folder', path: '/models/mine' } })
    expect(items.find(({ id }) => id === 'model')).toMatchObject({ isOk: false, text: expect.stringContaining('cannot read') })
  })
})
