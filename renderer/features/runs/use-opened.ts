import { useEffect, useState } from 'react'
import { createStore, type StoreApi } from 'zustand/vanilla'

interface Opened<State> {
  readonly store: StoreApi<State>
  close(): void
}

/** Opens a live store for a run and closes it when the page leaves or shows another run. */
export function useOpened<State>(open: (runId: string) => Opened<State>, runId: string, initial: State): StoreApi<State> {
  const [store, setStore] = useState<StoreApi<State>>(() => createStore(() => initial))
  useEffect(() => {
    const opened = open(runId)
    setStore(opened.store)
    return () => opened.close()
  }, [open, runId])
  return store
}
