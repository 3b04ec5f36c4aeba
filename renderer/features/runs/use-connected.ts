import { useEffect, useMemo } from 'react'
import { useStore } from 'zustand'
import type { StoreApi } from 'zustand/vanilla'

interface Connectable<State> {
  readonly store: StoreApi<State>
  connect(): () => void
}

/** The state of a run's live store, connected while the component is on screen. */
export function useConnected<State>(create: (runId: string) => Connectable<State>, runId: string): State {
  const live = useMemo(() => create(runId), [create, runId])
  useEffect(() => live.connect(), [live])
  return useStore(live.store)
}
