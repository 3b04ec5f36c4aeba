import type { Phase, RunState } from '../state.ts'
import { enter, ignore, type EventOf, type Transition } from '../transition.ts'

/** Where a new run begins: at its preparation, or in the queue. */
export function firstPhaseOf(event: EventOf<'created'>): Phase {
  return event.isQueued === true ? 'waiting' : 'freezing'
}

/** What the queue knows of a new run; the price it was added at is the one the user agreed to. */
export function queuedFrom(event: EventOf<'created'>): RunState['queued'] {
  if (event.isQueued !== true) return null
  return { agreedPriceMicroUsdPerHour: event.facts.priceMicroUsdPerHour, hold: null, releasedAtMs: null, capMicroUsd: null }
}

/** What happens to a run while it waits for its turn; once it has had it, nothing of this counts any more. */
export function reduceQueue(
  state: RunState,
  event: EventOf<'queue_held' | 'queue_price_agreed' | 'queue_released'>,
  atMs: number,
): Transition {
  const { queued } = state
  if (state.phase !== 'waiting' || queued === null) return ignore(state)
  switch (event.type) {
    case 'queue_held':
      if (JSON.stringify(event.hold) === JSON.stringify(queued.hold)) return ignore(state)
      return { state: { ...state, detail: event.hold?.text ?? null, queued: { ...queued, hold: event.hold } }, effects: [] }
    case 'queue_price_agreed':
      return {
        state: { ...state, detail: null, queued: { ...queued, agreedPriceMicroUsdPerHour: event.priceMicroUsdPerHour, hold: null } },
        effects: [],
      }
    case 'queue_released':
      return enter(
        {
          ...state,
          detail: null,
          facts: { ...state.facts, priceMicroUsdPerHour: event.priceMicroUsdPerHour, monthShareMicroUsd: event.monthShareMicroUsd },
          queued: { ...queued, hold: null, releasedAtMs: atMs, capMicroUsd: event.capMicroUsd },
        },
        'freezing',
      )
  }
}

/** True for a run that ended in the queue, before its turn. */
export function hasLeftQueueUnstarted({ phase, queued }: RunState): boolean {
  return phase === 'ended' && queued !== null && queued.releasedAtMs === null
}
