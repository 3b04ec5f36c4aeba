import { assertNever } from '../../../lib/assert-never.ts'
import type { StoredRun } from '../repository.ts'
import type { MachineEvent, RunState } from '../state.ts'
import { ignore, type EventOf, type Transition } from '../transition.ts'

/** Longest time the packaging may take, and be charged for; it takes seconds once a worker is there. */
export const rescueLimitMs = 10 * 60_000
/** What RunPod bills around a job: the start of a container and its idle time. */
const aroundMs = 65_000
const hourMs = 3_600_000

type RescueEvent = EventOf<'rescue_asked' | 'rescue_posted' | 'rescue_failed' | 'rescued'>

/** True for what happens to a run after its end. */
export function isRescueEvent(event: MachineEvent): event is RescueEvent {
  return event.type === 'rescue_asked' || event.type === 'rescue_posted' || event.type === 'rescue_failed' || event.type === 'rescued'
}

/** What an ended run makes of the news of its rescue. */
export function reduceRescue(state: RunState, event: RescueEvent, atMs: number): Transition {
  const { rescue } = state
  switch (event.type) {
    case 'rescue_asked':
      if (!mayBeRescued(state)) return ignore(state)
      return {
        state: { ...state, rescue: { phase: 'posting', jobId: null, askedAtMs: atMs, message: null } },
        effects: [{ type: 'rescue' }],
      }
    case 'rescue_posted':
      if (rescue?.phase !== 'posting') return ignore(state)
      return { state: { ...state, rescue: { ...rescue, phase: 'following', jobId: event.jobId } }, effects: [] }
    case 'rescue_failed':
      if (rescue === null || !isBeingRescued(state)) return ignore(state)
      return { state: { ...state, rescue: { ...rescue, phase: 'failed', message: event.message } }, effects: [] }
    case 'rescued': {
      if (rescue === null || !isBeingRescued(state)) return ignore(state)
      const detail = 'A worker packaged the checkpoint afterwards; the run itself was not finished'
      return { state: { ...state, rescue: { ...rescue, phase: 'done' }, adapterId: event.adapterId, detail }, effects: [] }
    }
    default:
      return assertNever(event)
  }
}

/** True while a worker is asked for what an ended run had saved. */
export function isBeingRescued({ rescue }: Pick<RunState, 'rescue'>): boolean {
  return rescue?.phase === 'posting' || rescue?.phase === 'following'
}

/** An ended run on RunPod that a worker had begun, whose result never came and was not thrown away. */
function mayBeRescued(state: RunState): boolean {
  return (
    state.phase === 'ended' &&
    state.isSettled &&
    state.facts.endpointKind === 'runpod' &&
    state.startedAtMs !== null &&
    state.stopRequested !== 'discard' &&
    state.adapterId === null &&
    state.result === null &&
    !isBeingRescued(state)
  )
}

/** What the window offers or shows of it; null where nothing is known to be saved. */
export function rescueOf({ state, live }: Pick<StoredRun, 'state' | 'live'>) {
  const { rescue } = state
  const { savedStep } = live
  if (rescue?.phase === 'done' || savedStep === null) return null
  const price = state.facts.priceMicroUsdPerHour
  const offer = { step: savedStep, mostMicroUsd: price === null ? null : Math.ceil(((rescueLimitMs + aroundMs) * price) / hourMs) }
  if (isBeingRescued(state)) return { ...offer, state: 'working' as const, message: null }
  if (!mayBeRescued(state)) return null
  return { ...offer, state: 'offered' as const, message: rescue?.message ?? null }
}
