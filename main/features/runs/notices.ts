import { closingCost } from './run-cost.ts'
import type { Notice } from './ports.ts'
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

/** Why a run is ended although its own budget is not used up. */
export function monthSpentNotice({ id, name }: StoredRun): Notice {
  return {
    type: 'job_cancelled',
    priority: 'high',
    title: "The month's budget is used up",
    message: `${name} is ended and keeps its best weights. Raise the budget under Costs to go on.`,
    target: { page: 'runs', id },
    dedupeKey: `${id}:month_spent`,
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
