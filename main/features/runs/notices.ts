import type { CostEntry, Notice } from './ports.ts'
import { billedMs, costSoFar } from './money.ts'
import type { StoredRun } from './repository.ts'

type RunNotice = 'job_queued' | 'job_started' | 'job_completed' | 'job_failed' | 'job_cancelled'

const priorities: Readonly<Record<RunNotice, Notice['priority']>> = {
  job_queued: 'low',
  job_started: 'medium',
  job_completed: 'high',
  job_failed: 'high',
  job_cancelled: 'medium',
}

/** The notice for a turn in a run's life; one per run and kind. */
export function noticeFor(type: RunNotice, run: StoredRun): Notice {
  return {
    type,
    priority: priorities[type],
    ...wordsFor(type, run),
    target: { page: 'runs', id: run.id },
    dedupeKey: `${run.id}:${type}`,
  }
}

function wordsFor(type: RunNotice, run: StoredRun): { title: string; message: string } {
  const { state, name } = run
  switch (type) {
    case 'job_queued':
      return { title: 'Run queued', message: `${name} waits for ${state.facts.endpointName}.` }
    case 'job_started':
      return { title: 'Run started', message: `${name} is running on ${state.facts.endpointName}.` }
    case 'job_completed':
      return { title: 'Run completed', message: `${name} is done${lossText(run)}.${endText(run)} ${closingCost(run).detail}` }
    case 'job_failed':
      return {
        title: 'Run failed',
        message: `${name}: ${state.error?.message ?? 'The reason is in its log.'} ${state.error?.advice ?? ''}`.trim(),
      }
    case 'job_cancelled': {
      const kept = state.adapterId === null ? 'No adapter was kept.' : 'Its adapter was kept.'
      return { title: 'Run stopped', message: `${name} was stopped. ${kept}` }
    }
  }
}

/** Why it ended before its last step, or that its copy did not pass the check. */
function endText({ state: { detail } }: StoredRun): string {
  return detail === null ? '' : ` ${detail}${detail.endsWith('.') ? '' : '.'}`
}

function lossText({ live }: StoredRun): string {
  const { lossFirst, loss } = live.head
  return lossFirst === null || loss === null ? '' : `: loss from ${lossFirst.toFixed(3)} to ${loss.toFixed(3)}`
}

/** The cost record of an ended run, however it ended. */
export function closingCost(run: StoredRun): CostEntry {
  const { state } = run
  const durationMs = state.startedAtMs === null || state.endedAtMs === null ? 0 : Math.max(0, state.endedAtMs - state.startedAtMs)
  return {
    runId: run.id,
    runName: run.name,
    endpointKind: state.facts.endpointKind,
    durationMs,
    amountMicroUsd: costSoFar(state, state.endedAtMs ?? 0) ?? 0,
    detail: costDetail(run, durationMs),
  }
}

function costDetail({ state }: StoredRun, durationMs: number): string {
  if (state.facts.endpointKind === 'local') return 'No charge; it ran on this computer.'
  if (state.submission === 'none' && state.posts === 0) return 'No charge; the run ended before it was submitted.'
  const price = state.facts.priceMicroUsdPerHour
  const billed = billedMs(state, state.endedAtMs ?? 0)
  if (price !== null && billed === null)
    return "It ran and ended while nobody looked, so its time is not known here; it is on RunPod's bill."
  if (price !== null && billed !== null) {
    const span = `${(billed / 1_000).toLocaleString('en-US')} s at $${(price / 1_000_000).toFixed(2)} an hour`
    return `Computed: ${span}. RunPod bills a worker's start as well, so its bill may be a little higher.`
  }
  return `The price of this endpoint is not known here; ${Math.ceil(durationMs / 60_000)} min of job time are on RunPod's bill.`
}
