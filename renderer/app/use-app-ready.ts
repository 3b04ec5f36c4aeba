import { useQueryClient } from '@tanstack/react-query'
import { useRouterState } from '@tanstack/react-router'
import { useEffect } from 'react'

/** Tells the outside, through `data-app-state`, that the first page stands with its data. */
export function useAppReady(): void {
  const client = useQueryClient()
  const isPageShown = useRouterState({
    select: ({ status, location, resolvedLocation }) => status === 'idle' && resolvedLocation?.href === location.href,
  })
  useEffect(() => {
    const { dataset } = document.documentElement
    if (!isPageShown || dataset['appState'] === 'ready') return
    const queries = client.getQueryCache()
    let stop = () => {}
    const check = () => {
      const all = queries.getAll()
      if (all.length === 0 || all.some((query) => query.state.fetchStatus === 'fetching')) return
      dataset['appState'] = 'ready'
      stop()
    }
    stop = queries.subscribe(check)
    check()
    return () => stop()
  }, [client, isPageShown])
}
