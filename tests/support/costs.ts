import { createBillRepository } from '../../main/features/costs/bill-repository.ts'
import { createCalendar } from '../../main/features/costs/calendar.ts'
import type { ActiveRunCost, RunCost } from '../../main/features/costs/ports.ts'
import { createCostRepository } from '../../main/features/costs/repository.ts'
import { createCostService } from '../../main/features/costs/service.ts'
import { createUuidV7 } from '../../main/lib/ids.ts'
import { createMemoryDatabase, insertRun } from './memory-database.ts'
import { createRecordedEvents } from './recorded-events.ts'

/** The costs over a database in memory, with a clock and a month budget that a test sets. */
export function createCostWorld(timeZone = 'UTC') {
  const database = createMemoryDatabase()
  const events = createRecordedEvents()
  const time = { nowMs: 1_000 }
  const budget = { microUsd: null as number | null }
  const active: ActiveRunCost[] = []
  const bills = createBillRepository(database)
  const service = createCostService({
    repository: createCostRepository(database),
    bills,
    clock: { nowMs: () => time.nowMs, after: () => () => undefined },
    newId: () => createUuidV7(time.nowMs),
    events,
    monthBudget: () => budget.microUsd,
    activeRuns: () => active,
    pickCsvPath: async () => null,
    calendar: createCalendar(timeZone),
  })
  const endpointId = createUuidV7(5)
  database
    .prepare("INSERT INTO endpoint (id, kind, name, runpod_endpoint_id, created_at_ms) VALUES (?, 'runpod', 'Studio', 'ep1', 1)")
    .run(endpointId)
  /** The cost of a run with everything known, changed as a test needs it. */
  const runCost = (change: Partial<RunCost> = {}): RunCost => ({
    runId: createUuidV7(time.nowMs),
    runName: `Run at ${time.nowMs}`,
    endpointKind: 'runpod',
    endpointId,
    endpointName: 'Studio',
    durationMs: 60_000,
    amountMicroUsd: 250_000,
    parts: null,
    span: null,
    detail: 'One minute.',
    ...change,
  })
  return {
    database,
    events,
    time,
    budget,
    active,
    bills,
    service,
    endpointId,
    runCost,
    /** Records a run that ended at a moment. */
    record(atMs: number, change: Partial<RunCost> = {}): string {
      time.nowMs = atMs
      const cost = runCost(change)
      if (database.prepare('SELECT 1 FROM run WHERE id = ?').get(cost.runId) === undefined) insertRun(database, cost.runId)
      service.record(cost)
      return cost.runId
    },
  }
}
