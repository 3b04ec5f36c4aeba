import { useIsFetching, useQueryClient } from '@tanstack/react-query'
import { useRouterState } from '@tanstack/react-router'
import { useEffect } from 'react'

/** Tells the outside, through `data-app-state`, that the first page stands with its data. */
export function useAppReady(): void {
  const client = useQueryClient()
  const fetching = useIsFetching()
  const isPageShown = useRouterState({
    select: ({ status, location, resolvedLocation }) => status === 'idle' && resolvedLocation?.href === location.href,
  })
  useEffect(() => {
    const queries = client.getQueryCache().getAll()
    const areAnswered = queries.length > 0 && queries.every((query) => query.state.status !== 'pending')
    if (isPageShown && fetching === 0 && areAnswered) document.documentElement.dataset['appState'] = 'ready'
  }, [client, fetching, isPageShown])
}
