import { billedParts, costParts, costSoFar, mostMicroUsd } from './money.ts'
import type { ActiveCost, CostEntry } from './ports.ts'
import type { StoredRun } from './repository.ts'
import type { RunState } from './state.ts'

/** The cost record of an ended run, however it ended. */
export function closingCost(run: StoredRun): CostEntry {
  const durationMs = durationOf(run.state, run.state.endedAtMs)
  const billed = billedParts(run.state, run.state.endedAtMs ?? 0)
  const isCharged = run.state.facts.endpointKind === 'runpod'
  return {
    ...costAt(run, run.state.endedAtMs ?? 0),
    // Fetching the adapter takes time too, but nothing is charged for it.
    durationMs: isCharged && billed !== null ? billed.executionMs : durationMs,
    detail: closingDetail(run, durationMs),
  }
}

/** What a run that has not ended costs so far, and at most. */
export function activeCost(run: StoredRun, nowMs: number): ActiveCost {
  // Since it was last seen it may have ended.
  const atMs = Math.min(nowMs, Math.max(run.lastSeenAtMs ?? nowMs, run.state.startedAtMs ?? 0))
  return {
    ...costAt(run, atMs),
    durationMs: durationOf(run.state, atMs),
    detail: run.state.startedAtMs === null ? 'It waits for a worker.' : 'Computed so far.',
    mostMicroUsd: mostMicroUsd(run.state, run.config),
  }
}

function costAt(run: StoredRun, atMs: number): Omit<CostEntry, 'durationMs' | 'detail'> {
  const { state, config } = run
  return {
    runId: run.id,
    runName: run.name,
    endpointKind: state.facts.endpointKind,
    endpointId: config.endpointId,
    endpointName: state.facts.endpointName,
    amountMicroUsd: costSoFar(state, atMs),
    parts: costParts(state, atMs),
    span: spanOf(state, atMs),
  }
}

/** When RunPod's meter ran, as far as it can be told from here: back from the end, or on from the start. */
function spanOf(state: RunState, nowMs: number): CostEntry['span'] {
  const parts = state.facts.endpointKind === 'local' ? null : billedParts(state, nowMs)
  if (parts === null || parts.executionMs === 0) return null
  const stoppedAtMs = state.remoteEndedAtMs ?? state.endedAtMs
  const endedAtMs = stoppedAtMs ?? nowMs
  const startedAtMs = state.startedAtMs === null ? endedAtMs - parts.executionMs : Math.min(state.startedAtMs, endedAtMs)
  const workedUntilMs = stoppedAtMs === null ? endedAtMs : Math.max(endedAtMs, startedAtMs + parts.executionMs)
  return { fromMs: Math.max(0, startedAtMs - parts.startUpMs), toMs: workedUntilMs + parts.idleMs }
}

function durationOf({ startedAtMs }: RunState, endedAtMs: number | null): number {
  return startedAtMs === null || endedAtMs === null ? 0 : Math.max(0, endedAtMs - startedAtMs)
}

function closingDetail({ state }: StoredRun, durationMs: number): string {
  if (state.facts.endpointKind === 'local') return 'No charge; it ran on this computer.'
  if (state.submission === 'none' && state.posts === 0) return 'No charge; the run ended before it was submitted.'
  const price = state.facts.priceMicroUsdPerHour
  const parts = billedParts(state, state.endedAtMs ?? 0)
  if (price === null) {
    return `The price of this endpoint is not known here; ${Math.ceil(durationMs / 60_000)} min of job time are on RunPod's bill.`
  }
  if (parts === null) return "It ran and ended while nobody looked, so its time is not known here; it is on RunPod's bill."
  const seconds = (ms: number) => `${(ms / 1_000).toLocaleString('en-US')} s`
  const start =
    parts.startUpMs === 0 ? "a worker's start is not in it" : `with ${seconds(parts.startUpMs)} for the worker's start, estimated`
  const billed = parts.startUpMs + parts.executionMs + parts.idleMs
  return `Computed: ${seconds(billed)} at $${(price / 1_000_000).toFixed(2)} an hour, ${start}.`
}
