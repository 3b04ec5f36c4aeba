import type { RunState } from './state.ts'

/** Looks are seconds apart; after so long without one, a job may have ended long before it was seen to. */
const watchedMs = 60_000

interface Sighting {
  /** When the job was last seen waiting or running; null where it never was. */
  readonly seenAtMs: number | null
  readonly nowMs: number
  /** What the platform says about the last attempt; null where it says nothing. */
  readonly delayMs: number | null
  readonly executionMs: number | null
}

/**
 * When a job began and ended that ended while nobody looked, from the platform's own times: a laptop that slept for days
 * must not make a run of an hour cost days. Empty where the app was looking.
 */
export function unwatchedEnd(
  { startedAtMs, submittedAtMs }: RunState,
  { seenAtMs, nowMs, delayMs, executionMs }: Sighting,
): { readonly startedAtMs?: number; readonly endedAtMs?: number } {
  if (seenAtMs === null || nowMs - seenAtMs <= watchedMs) return {}
  const taken = submittedAtMs === null || delayMs === null ? null : Math.min(nowMs, submittedAtMs + delayMs)
  const beganAtMs = startedAtMs ?? taken
  const toldAtMs = beganAtMs === null || executionMs === null ? seenAtMs : beganAtMs + executionMs
  const endedAtMs = Math.min(nowMs, Math.max(seenAtMs, toldAtMs))
  return startedAtMs === null && taken !== null ? { startedAtMs: Math.min(taken, endedAtMs), endedAtMs } : { endedAtMs }
}
