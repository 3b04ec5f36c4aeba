import { describe, expect, it } from 'vitest'
import { routes } from '../../../../preload/contract/contract.ts'
import { createCostHandlers } from '../../../../main/features/costs/handlers.ts'
import { createCostWorld } from '../../../support/costs.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const noonMs = Date.UTC(2026, 10, 12, 12)

describe('costs', () => {
  it('a run replayed after a crash is not charged twice', () => {
    const { service, events, record } = createCostWorld()
    const runId = record(2_000, { amountMicroUsd: 250_000 })
    record(3_000, { amountMicroUsd: 999_000, runId })
    const { totalMicroUsd, runs, records } = service.list({ fromMs: null, toMs: null })
    expect({ totalMicroUsd, runs }).toEqual({ totalMicroUsd: 250_000, runs: 1 })
    expect(records[0]).toMatchObject({ runId, recordedAtMs: 2_000, detail: 'One minute.' })
    expect(events.named('costs.changed')).toHaveLength(1)
  })

  it('the end of a period is honoured, and a record on the border is in exactly one of two neighbouring periods', () => {
    const { service, record } = createCostWorld()
    for (const atMs of [1_000, 2_000, 3_000]) record(atMs, { amountMicroUsd: atMs })
    const total = (fromMs: number | null, toMs: number | null) => service.list({ fromMs, toMs }).totalMicroUsd
    expect(total(1_000, 2_000)).toBe(1_000)
    expect(total(2_000, 3_000)).toBe(2_000)
    expect(total(null, 2_000)).toBe(1_000)
    expect(total(2_000, null)).toBe(5_000)
  })

  it('newest first, in the shape the window expects', async () => {
    const { service, record } = createCostWorld()
    for (const atMs of [1_000, 3_000, 2_000]) record(atMs)
    const handlers = createCostHandlers(service, { readNow: async () => undefined })
    const context = { windowId: 1, droppedPath: null }
    const answer = await handlers['costs.list']({ fromMs: null, toMs: null }, context)
    expect(routes['costs.list'].output.parse(answer).records.map((entry) => entry.recordedAtMs)).toEqual([3_000, 2_000, 1_000])
    const overview = routes['costs.overview'].output.parse(await handlers['costs.overview']({ period: 'all' }, context))
    expect(overview).toMatchObject({ runs: 3, totalMicroUsd: 750_000, fromMs: null })
  })

  it('deleting a run keeps what it cost', () => {
    const { database, service, record } = createCostWorld()
    const runId = record(1_000, { amountMicroUsd: 70_000 })
    database.prepare('DELETE FROM run WHERE id = ?').run(runId)
    expect(service.list({ fromMs: null, toMs: null })).toMatchObject({ totalMicroUsd: 70_000, records: [{ runId: null }] })
  })

  it('a cost that is not known would be added as nothing without a word', () => {
    const { service, record } = createCostWorld()
    record(noonMs, { amountMicroUsd: null })
    record(noonMs + 1, { amountMicroUsd: 40_000 })
    expect(service.overview('this_month')).toMatchObject({ totalMicroUsd: 40_000, unknown: 1, runs: 2 })
  })

  it('a job told twice would be charged twice, and one beside a run would be lost', () => {
    const { service, record, endpointId } = createCostWorld()
    const runId = record(noonMs)
    const job = {
      jobId: 'j1',
      type: 'transfer' as const,
      runId,
      endpointId,
      endpointName: 'Studio',
      priceMicroUsdPerHour: 3_600_000,
      executionMs: 1_001,
      endedAtMs: noonMs,
    }
    service.recordJob(job)
    service.recordJob(job)
    service.recordJob({ ...job, jobId: 'j2', type: 'hello', runId: null, priceMicroUsdPerHour: null })
    const { entries, otherMicroUsd } = service.overview('this_month')
    expect(otherMicroUsd).toBe(2_000)
    expect(entries.find(({ type }) => type === 'transfer')).toMatchObject({ runId, amountMicroUsd: 2_000, durationMs: 2_000 })
    expect(entries.find(({ type }) => type === 'hello')).toMatchObject({ runId: null, amountMicroUsd: null })
  })
})

describe('a month against its budget', () => {
  it('a running run would count as nothing, or its most beside its own record', () => {
    const world = createCostWorld()
    world.record(noonMs, { amountMicroUsd: 1_000_000 })
    const running = { ...world.runCost({ amountMicroUsd: 200_000 }), mostMicroUsd: 3_000_000 }
    world.active.push(running)
    world.budget.microUsd = 10_000_000
    expect(world.service.month()).toMatchObject({ spentMicroUsd: 1_200_000, committedMicroUsd: 2_800_000, leftMicroUsd: 6_000_000 })
    expect(world.service.isMonthSpent(0)).toBe(false)
    expect(world.service.isMonthSpent(8_800_000)).toBe(true)
    // Between a run's record and the end of its closing, both are there.
    world.record(noonMs + 1, { runId: running.runId, amountMicroUsd: 300_000 })
    expect(world.service.month()).toMatchObject({ spentMicroUsd: 1_300_000, committedMicroUsd: 0 })
  })

  it('what is left would be a number although the price of a run is not known', () => {
    const world = createCostWorld()
    world.time.nowMs = noonMs
    world.budget.microUsd = 10_000_000
    world.active.push({ ...world.runCost({ amountMicroUsd: null }), mostMicroUsd: null })
    expect(world.service.month()).toMatchObject({ committedMicroUsd: null, leftMicroUsd: null })
    world.budget.microUsd = null
    expect(world.service.isMonthSpent(1)).toBe(false)
  })

  it('last month would use up this one, or a run over midnight would be charged to both', () => {
    const world = createCostWorld()
    const midnightMs = Date.UTC(2026, 11, 1)
    world.record(midnightMs - 40 * dayMs, { amountMicroUsd: 5_000_000 })
    world.record(midnightMs + hourMs, { amountMicroUsd: 1_000_000, span: { fromMs: midnightMs - 3 * hourMs, toMs: midnightMs + hourMs } })
    expect(world.service.month()).toMatchObject({ fromMs: midnightMs, spentMicroUsd: 250_000 })
    expect(world.service.overview('last_month').totalMicroUsd).toBe(750_000)
    expect(world.service.overview('all').totalMicroUsd).toBe(6_000_000)
  })
})
