import type { LedgerRecord } from './ledger-input.ts'
import type { ActiveRunCost } from './ports.ts'
import type { StoredCost } from './repository.ts'

/** A stored cost as the ledger takes it. */
export function storedRecord({ sourceKey, remoteId, record }: StoredCost): LedgerRecord {
  return { ...record, key: sourceKey, name: record.runName, remoteId, isRunning: false }
}

/** A run that has not ended as the ledger takes it: what it cost up to now. */
export function activeRecord(run: ActiveRunCost, remoteId: string | null, nowMs: number): LedgerRecord {
  return {
    ...run,
    key: `run:${run.runId}`,
    type: 'training_compute',
    name: run.runName,
    remoteId,
    recordedAtMs: nowMs,
    isRunning: true,
  }
}
