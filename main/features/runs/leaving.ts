import { mostMicroUsd } from './money.ts'
import type { StoredRun } from './repository.ts'

/** What becomes of a run when the app is closed now: what goes on, what it may cost, and what happens at the next start. */
export function leavingText({ name, state, config }: Pick<StoredRun, 'name' | 'state' | 'config'>): string {
  return `“${name}”: ${fateOf(state, () => mostText(mostMicroUsd(state, config)))}`
}

function fateOf(state: StoredRun['state'], most: () => string): string {
  const isLocal = state.facts.endpointKind === 'local'
  switch (state.phase) {
    case 'waiting':
      return 'it waits in the queue, which starts nothing while the app is closed. Its turn comes after the next start.'
    case 'freezing':
    case 'uploading':
      return 'it has not begun. At the next start the app goes on preparing it.'
    case 'collecting':
      return `training is over${isLocal ? '' : ' and nothing more is charged'}. At the next start the app goes on fetching the adapter.`
    case 'submitting':
    case 'reconciling':
    case 'following':
    case 'reading_result':
      if (isLocal) return 'training stops after saving a checkpoint, and goes on from there at the next start.'
      return `it goes on at RunPod without this app. ${most()} At the next start the app fetches the adapter.`
    case 'ended':
      return 'it is over. At the next start the app goes on fetching what it had saved.'
  }
}

function mostText(microUsd: number | null): string {
  if (microUsd === null) return 'Its price is not known here; it ends after twelve hours at the latest.'
  return `It costs $${(microUsd / 1_000_000).toFixed(2)} in all at most, what is spent so far included.`
}
