import { describe, expect, it } from 'vitest'
import { routes } from '../../../../preload/contract/contract.ts'
import { createCostHandlers } from '../../../../main/features/costs/handlers.ts'
import { createCostRepository } from '../../../../main/features/costs/repository.ts'
import { createCostService } from '../../../../main/features/costs/service.ts'
import { createUuidV7 } from '../../../../main/lib/ids.ts'
import { createMemoryDatabase, insertRun } from '../../../support/memory-database.ts'
import { createRecordedEvents } from '../../../support/recorded-events.ts'

function createCosts() {
  const database = createMemoryDatabase()
  const events = createRecordedEvents()
  const time = { nowMs: 1_000 }
  const clock = { nowMs: () => time.nowMs, after: () => () => undefined }
  const service = createCostService({ repository: createCostRepository(database), clock, newId: () => createUuidV7(time.nowMs), events })
  const record = (amountMicroUsd: number, atMs: number, runId = createUuidV7(atMs)) => {
    if (database.prepare('SELECT 1 FROM run WHERE id = ?').get(runId) === undefined) insertRun(database, runId)
    time.nowMs = atMs
    service.record({ runId, runName: `Run at ${atMs}`, endpointKind: 'runpod', durationMs: 60_000, amountMicroUsd, detail: 'One minute.' })
    return runId
  }
  return { database, service, events, record }
}

describe('costs', () => {
  it('a run replayed after a crash is not charged twice', () => {
    const { service, events, record } = createCosts()
    const runId = record(250_000, 2_000)
    record(999_000, 3_000, runId)
    const { totalMicroUsd, runs, records } = service.list({ fromMs: null, toMs: null })
    expect({ totalMicroUsd, runs }).toEqual({ totalMicroUsd: 250_000, runs: 1 })
    expect(records[0]).toMatchObject({ runId, recordedAtMs: 2_000, detail: 'One minute.' })
    expect(events.named('costs.changed')).toHaveLength(1)
  })

  it('the end of a period is honoured, and a record on the border is in exactly one of two neighbouring periods', () => {
    const { service, record } = createCosts()
    for (const atMs of [1_000, 2_000, 3_000]) record(atMs, atMs)
    const total = (fromMs: number | null, toMs: number | null) => service.list({ fromMs, toMs }).totalMicroUsd
    expect(total(1_000, 2_000)).toBe(1_000)
    expect(total(2_000, 3_000)).toBe(2_000)
    expect(total(null, 2_000)).toBe(1_000)
    expect(total(2_000, null)).toBe(5_000)
  })

  it('newest first, in the shape the window expects', async () => {
    const { service, record } = createCosts()
    for (const atMs of [1_000, 3_000, 2_000]) record(0, atMs)
    const answer = await createCostHandlers(service)['costs.list']({ fromMs: null, toMs: null }, { windowId: 1, droppedPath: null })
    expect(routes['costs.list'].output.parse(answer).records.map((entry) => entry.recordedAtMs)).toEqual([3_000, 2_000, 1_000])
  })

  it('deleting a run keeps what it cost', () => {
    const { database, service, record } = createCosts()
    const runId = record(70_000, 1_000)
    database.prepare('DELETE FROM run WHERE id = ?').run(runId)
    expect(service.list({ fromMs: null, toMs: null })).toMatchObject({ totalMicroUsd: 70_000, records: [{ runId: null }] })
  })
})
