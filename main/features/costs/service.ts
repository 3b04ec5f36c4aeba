import type { RouteOutput, RouteParsed } from '../../../preload/contract/contract.ts'
import type { EventPublisher } from '../../ipc/events.ts'
import type { Clock } from '../../lib/clock.ts'
import type { NewId } from '../../lib/ids.ts'
import type { CostRepository } from './repository.ts'

/** The money and time of an ended run. */
export interface CostEntry {
  readonly runId: string
  readonly runName: string
  readonly endpointKind: 'local' | 'runpod'
  readonly durationMs: number
  readonly amountMicroUsd: number
  readonly detail: string
}

interface CostServiceDependencies {
  readonly repository: CostRepository
  readonly clock: Clock
  readonly newId: NewId
  readonly events: EventPublisher
}

export type CostService = ReturnType<typeof createCostService>

/** The rules of the costs: one record per ended run, summed over a period. */
export function createCostService({ repository, clock, newId, events }: CostServiceDependencies) {
  return {
    /** Records once per run, however often it is called. */
    record(entry: CostEntry): void {
      const isNew = repository.insertOnce({ id: newId(), type: 'training_compute', recordedAtMs: clock.nowMs(), ...entry })
      if (isNew) events.publish('costs.changed', {})
    },
    list({ fromMs, toMs }: RouteParsed<'costs.list'>): RouteOutput<'costs.list'> {
      const records = repository.list(fromMs, toMs)
      return {
        totalMicroUsd: records.reduce((total, record) => total + record.amountMicroUsd, 0),
        runs: records.length,
        records,
      }
    },
  }
}
