import type { Effect, MachineEvent, MachineEventType, Phase, RunState } from './state.ts'

/** Outcome of one event; an ignored event answers with the very same state object. */
export interface Transition {
  readonly state: RunState
  readonly effects: readonly Effect[]
}

/** The event, or events, of some type. */
export type EventOf<T extends MachineEventType> = Extract<MachineEvent, { type: T }>

/** Starts the work of a phase. */
export function begin(phase: Phase): Effect {
  return { type: 'begin', phase }
}

/** Moves on to a phase. */
export function enter(state: RunState, phase: Phase): Transition {
  return { state: { ...state, phase }, effects: [begin(phase)] }
}

/** Moves to a final status. */
export function end(
  state: RunState,
  finalStatus: 'completed' | 'failed' | 'cancelled',
  atMs: number,
  detail: string | null = null,
): Transition {
  const ended: RunState = { ...state, phase: 'ended', stage: 'ended', detail, contactLost: null, finalStatus, endedAtMs: atMs }
  return { state: ended, effects: [{ type: 'settle' }] }
}

/** Leaves everything as it is. */
export function ignore(state: RunState): Transition {
  return { state, effects: [] }
}
