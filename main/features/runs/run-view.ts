import type { Run, RunHead } from '../../../preload/contract/runs.ts'
import { capOf, costSoFar, startUpMs } from './money.ts'
import type { StoredRun } from './repository.ts'
import { rescueOf } from './rescue/rescue-state.ts'
import { statusOf } from './state.ts'

const workerStages: ReadonlySet<string> = new Set(['preparing', 'loading_model', 'evaluating_base', 'training', 'saving', 'packaging'])

/** A stored run as the windows see it. */
export function toRun(stored: StoredRun): Run {
  const { state, plan, memoryPlan, config } = stored
  return {
    id: stored.id,
    name: stored.name,
    status: statusOf(state),
    stage: state.stage,
    stageDetail: stageDetailOf(stored),
    config,
    datasetName: state.facts.datasetName,
    datasetSha256: state.dataset?.sha256 ?? null,
    datasetRows: state.dataset?.rows ?? state.facts.datasetRows,
    baseModelLabel: state.facts.baseModelLabel,
    endpointName: state.facts.endpointName,
    endpointKind: state.facts.endpointKind,
    isWaiting: state.phase === 'waiting',
    jobId: state.jobId,
    attempt: state.attempt,
    plan,
    memoryPlan,
    head: headOf(stored),
    progress: progressOf(stored),
    etaMs: etaOf(stored),
    stopRequested: state.stopRequested,
    stopAskedAtMs: state.stopAskedAtMs,
    endingWorkers: state.endingWorkers,
    error: state.error,
    workerError: state.workerError,
    adapterId: state.adapterId,
    rescue: rescueOf(stored),
    retryOf: state.facts.retryOf,
    costMicroUsd: costSoFar(state, stored.lastSeenAtMs ?? stored.createdAtMs),
    meter: meterOf(stored),
    createdAtMs: stored.createdAtMs,
    startedAtMs: state.startedAtMs,
    endedAtMs: state.endedAtMs,
    lastSeenAtMs: stored.lastSeenAtMs,
    contactLost: state.contactLost,
  }
}

/** What a window needs to show the cost as it grows. */
function meterOf({ state, config }: StoredRun): Run['meter'] {
  const { endpointKind, priceMicroUsdPerHour } = state.facts
  if (endpointKind === 'local') return null
  const isRunning = state.startedAtMs !== null && (state.remoteEndedAtMs ?? state.endedAtMs) === null
  return { priceMicroUsdPerHour, startUpMs: startUpMs(state), capMicroUsd: capOf(state, config), isRunning }
}

/** The result knows a peak that no single step shows, that of loading and measuring. */
function headOf({ live: { head }, state }: StoredRun): RunHead {
  const peaks = [head.memoryPeakBytes, state.result?.peakMemoryBytes ?? null].filter((bytes) => bytes !== null)
  return { ...head, memoryPeakBytes: peaks.length === 0 ? null : Math.max(...peaks) }
}

function stageDetailOf({ state, live }: StoredRun): string | null {
  if (state.stage === 'collecting') return live.stageDetail ?? state.detail
  if (state.detail !== null) return state.detail
  return state.stage === 'uploading' || workerStages.has(state.stage) ? live.stageDetail : null
}

function progressOf({ plan, live }: StoredRun): number | null {
  if (plan === null || plan.stepsTotal === 0) return null
  return Math.min(1, live.head.step / plan.stepsTotal)
}

/** Remaining steps × the median step, plus the evaluations still to come once one has been timed. */
function etaOf({ plan, live, state, config }: StoredRun): number | null {
  if (plan === null || live.head.stepMs === null || state.stage !== 'training') return null
  const remaining = Math.max(0, plan.stepsTotal - live.head.step)
  const stepsPerEval = Math.max(1, Math.ceil(plan.stepsPerEpoch / config.hyperparameters.evals_per_epoch))
  const evals = plan.rowsEval === 0 ? 0 : Math.ceil(remaining / stepsPerEval)
  return Math.round(remaining * live.head.stepMs + evals * (live.evalMs ?? 0))
}
