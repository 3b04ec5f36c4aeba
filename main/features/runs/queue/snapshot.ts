import { closingMicroUsd, costParts, costSoFar, mostMicroUsd } from '../money.ts'
import type { RunRepository, StoredRun } from '../repository.ts'
import type { QueueRepository } from './repository.ts'
import type { QueueRun, QueueSnapshot } from './rules.ts'

/** Reads the queue and its runs as they are stored now; removed runs still count with what they cost. */
export function readSnapshot(queue: QueueRepository, runs: RunRepository): QueueSnapshot {
  return { queue: queue.read(), runs: runs.listForQueue().map(toQueueRun) }
}

function toQueueRun({ id, config, state, createdAtMs }: StoredRun): QueueRun {
  const phase = state.phase === 'waiting' || state.phase === 'ended' ? state.phase : 'active'
  return {
    id,
    kind: state.facts.endpointKind,
    phase,
    isOfQueue: state.queued !== null,
    hasFailed: state.finalStatus === 'failed',
    hasCompleted: state.finalStatus === 'completed',
    endedAtMs: state.endedAtMs,
    costMicroUsd: phase === 'ended' ? costOf(state) : null,
    // A run that was never handed over has started no worker.
    unseenMicroUsd: phase === 'ended' && state.posts > 0 ? unseenOf(state) : 0,
    mostMicroUsd: phase === 'active' ? mostMicroUsd(state, config) : null,
    agreedPriceMicroUsdPerHour: state.queued?.agreedPriceMicroUsdPerHour ?? null,
    ownBudgetMicroUsd: config.budgetMicroUsd,
    createdAtMs,
  }
}

function costOf(state: StoredRun['state']): number | null {
  return state.posts === 0 ? 0 : costSoFar(state, state.endedAtMs ?? 0)
}

/** What may be billed around a job, less what of it is in its cost already. */
function unseenOf(state: StoredRun['state']): number {
  if (state.facts.endpointKind === 'local') return 0
  const parts = costParts(state, state.endedAtMs ?? 0)
  return Math.max(0, closingMicroUsd(state) - (parts?.startUpMicroUsd ?? 0) - (parts?.idleMicroUsd ?? 0))
}
