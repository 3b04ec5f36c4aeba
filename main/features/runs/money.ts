import type { CostParts } from '../../../preload/contract/costs.ts'
import type { RunConfig } from '../../../preload/contract/runs.ts'
import type { RunState } from './state.ts'

const secondMs = 1_000
const minuteMs = 60_000
const hourMs = 3_600_000
/** A worker is billed on until it has been idle for this long. */
const idleMs = 5_000
/** RunPod also bills what comes before the job: the start of a container whose image is there takes up to a minute. */
const unseenMs = minuteMs + idleMs
/** What the worker's clock may lag behind the platform's, which also counts the start of the training process. */
const savingMs = 30_000
/** Loading and packaging go on after the last step that a limit allows. */
const packagingMs = 15 * minuteMs
/** The worker ends itself at twelve hours and saves; RunPod's longest is seven days. */
const longestMs = 12 * hourMs
const queueMs = 36 * hourMs
/** The longest a run may take on a charged endpoint; it then saves and ends. */
export const longestRunMs = longestMs

/**
 * Milliseconds that RunPod bills for a run so far, as far as the app can tell, in whole seconds: from the job's start to its
 * end, idle time-out included. A job that began and ended between two looks is known only from what the platform and the
 * worker say about it; null where neither did.
 */
export function billedMs(state: RunState, nowMs: number): number | null {
  const { startedAtMs, remoteEndedAtMs, endedAtMs } = state
  const stoppedAtMs = remoteEndedAtMs ?? endedAtMs
  if (stoppedAtMs === null) return wholeSeconds(startedAtMs === null ? 0 : nowMs - startedAtMs)
  const spans = [startedAtMs === null ? 0 : stoppedAtMs - startedAtMs, state.remoteEnd?.executionMs ?? 0, state.result?.trainedMs ?? 0]
  const longestMs = Math.max(...spans)
  if (longestMs > 0) return wholeSeconds(longestMs + idleMs)
  return hasSurelyWorked(state) ? null : 0
}

/** The parts of what RunPod bills for a run so far, in whole seconds; null where its time is not known. */
export function billedParts(state: RunState, nowMs: number): { startUpMs: number; executionMs: number; idleMs: number } | null {
  const billed = billedMs(state, nowMs)
  if (billed === null) return null
  const isOver = (state.remoteEndedAtMs ?? state.endedAtMs) !== null
  const idle = isOver ? Math.min(idleMs, billed) : 0
  return { startUpMs: startUpMs(state), executionMs: billed - idle, idleMs: idle }
}

/** A worker's start lies between the hand-over and the job's own start, and takes a minute at most once its image is there. */
export function startUpMs({ submittedAtMs, startedAtMs }: RunState): number {
  if (submittedAtMs === null || startedAtMs === null) return 0
  return wholeSeconds(Math.min(minuteMs, startedAtMs - submittedAtMs))
}

function hasSurelyWorked({ startedAtMs, result, remoteEnd }: RunState): boolean {
  return startedAtMs !== null || result !== null || (remoteEnd !== null && remoteEnd.how !== 'CANCELLED')
}

function wholeSeconds(ms: number): number {
  return Math.ceil(Math.max(0, ms) / secondMs) * secondMs
}

/** What a run has cost so far in micro-dollars, rounded up; null where the price or the time is not known. */
export function costSoFar(state: RunState, nowMs: number): number | null {
  if (state.facts.endpointKind === 'local') return 0
  const { priceMicroUsdPerHour } = state.facts
  if (priceMicroUsdPerHour === null) return state.startedAtMs === null && state.endedAtMs !== null ? 0 : null
  const parts = billedParts(state, nowMs)
  return parts === null ? null : priceOf(parts.startUpMs + parts.executionMs + parts.idleMs, priceMicroUsdPerHour)
}

/** What a run cost so far in the parts that RunPod bills; null where nothing is charged or something is not known. */
export function costParts(state: RunState, nowMs: number): CostParts | null {
  const { priceMicroUsdPerHour } = state.facts
  const parts = billedParts(state, nowMs)
  const amount = costSoFar(state, nowMs)
  if (state.facts.endpointKind === 'local' || priceMicroUsdPerHour === null || parts === null || amount === null) return null
  const startUpMicroUsd = Math.floor((parts.startUpMs * priceMicroUsdPerHour) / hourMs)
  const idleMicroUsd = Math.floor((parts.idleMs * priceMicroUsdPerHour) / hourMs)
  return { startUpMicroUsd, executionMicroUsd: amount - startUpMicroUsd - idleMicroUsd, idleMicroUsd }
}

/** The most a run can come to: its cap, or what twelve hours and the packaging cost; null where the price is not known. */
export function mostMicroUsd(state: RunState, config: RunConfig): number | null {
  const { endpointKind, priceMicroUsdPerHour } = state.facts
  return endpointKind === 'local' ? 0 : mostOf(capOf(state, config), priceMicroUsdPerHour)
}

/** The same for a run that is not made yet. */
export function mostOf(capMicroUsd: number | null, priceMicroUsdPerHour: number | null): number | null {
  if (priceMicroUsdPerHour === null) return null
  return capMicroUsd ?? priceOf(longestMs + packagingMs + unseenMs, priceMicroUsdPerHour)
}

/** What a run must not exceed: its own budget, what the month had left for it, or the queue's shared budget, when it was started. */
export function capOf({ facts: { monthShareMicroUsd }, queued }: RunState, { budgetMicroUsd }: RunConfig): number | null {
  const caps = [budgetMicroUsd, monthShareMicroUsd, queued?.capMicroUsd ?? null].filter((cap) => cap !== null)
  return caps.length === 0 ? null : Math.min(...caps)
}

/** What it takes to end a run and its worker once that is decided. */
export function closingMicroUsd({ facts: { priceMicroUsdPerHour } }: RunState): number {
  return priceMicroUsdPerHour === null ? 0 : priceOf(unseenMs, priceMicroUsdPerHour)
}

function priceOf(ms: number, priceMicroUsdPerHour: number): number {
  return Math.ceil((ms * priceMicroUsdPerHour) / hourMs)
}

/** True when a run must end now so that it stays within its budget. */
export function isBudgetSpent(state: RunState, config: RunConfig, nowMs: number): boolean {
  const { endpointKind, priceMicroUsdPerHour } = state.facts
  const billed = billedMs(state, nowMs)
  if (endpointKind === 'local' || priceMicroUsdPerHour === null || billed === null) return false
  // The worker's start is in what is kept back.
  return priceOf(billed, priceMicroUsdPerHour) >= spendableOf(state, config)
}

/** The budget less what is billed around the job; without end where there is no budget or no price to keep it by. */
function spendableOf(state: RunState, config: RunConfig): number {
  return spendableFor(capOf(state, config), state.facts.priceMicroUsdPerHour)
}

function spendableFor(capMicroUsd: number | null, priceMicroUsdPerHour: number | null): number {
  if (capMicroUsd === null || priceMicroUsdPerHour === null || priceMicroUsdPerHour === 0) return Number.POSITIVE_INFINITY
  return Math.max(1, capMicroUsd - priceOf(unseenMs, priceMicroUsdPerHour))
}

/** When RunPod ends a job of a run with this cap at this price, and when it drops one that found no worker; milliseconds. */
export function policyFor(capMicroUsd: number | null, priceMicroUsdPerHour: number | null): { executionTimeoutMs: number; ttlMs: number } {
  const spendable = spendableFor(capMicroUsd, priceMicroUsdPerHour)
  const affordableMs = Number.isFinite(spendable)
    ? Math.floor((spendable * hourMs) / (priceMicroUsdPerHour ?? 1))
    : Number.POSITIVE_INFINITY
  const executionTimeoutMs = Math.max(minuteMs, Math.min(longestMs + packagingMs, affordableMs))
  // A job is deleted when its time to live is over, even while it runs, so the queue's time comes on top.
  return { executionTimeoutMs, ttlMs: executionTimeoutMs + queueMs }
}

/** The platform's end comes without warning, so the worker's own, with which it saves, comes before it. */
function savingMicroUsd(spendableMicroUsd: number, priceMicroUsdPerHour: number): number {
  return Math.min(Math.ceil((savingMs * priceMicroUsdPerHour) / hourMs), Math.floor(spendableMicroUsd / 10))
}

/** What the worker is told about time and money, and when the platform ends the job although the app is asleep. */
export function limitsOf(state: RunState, config: RunConfig) {
  const { endpointKind, priceMicroUsdPerHour } = state.facts
  if (endpointKind === 'local') {
    return {
      worker: { max_seconds: null, max_cost_micro_usd: null, price_micro_usd_per_hour: null },
      // On this computer the user stops a run, not a timer; seven days is the protocol's longest.
      policy: { executionTimeoutMs: 168 * hourMs, ttlMs: 168 * hourMs },
    }
  }
  const spendable = spendableOf(state, config)
  const hasBudget = Number.isFinite(spendable)
  return {
    worker: {
      max_seconds: longestMs / secondMs,
      max_cost_micro_usd: hasBudget ? spendable - savingMicroUsd(spendable, priceMicroUsdPerHour ?? 0) : null,
      price_micro_usd_per_hour: hasBudget ? priceMicroUsdPerHour : null,
    },
    policy: policyFor(capOf(state, config), priceMicroUsdPerHour),
  }
}
