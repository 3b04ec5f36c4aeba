import { useIsFetching, useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'

/** Tells the outside, through `data-app-state`, that the first page stands with its data. */
export function useAppReady(): void {
  const client = useQueryClient()
  const fetching = useIsFetching()
  useEffect(() => {
    const hasAnswers = client
      .getQueryCache()
      .getAll()
      .some((query) => query.state.status !== 'pending')
    if (fetching === 0 && hasAnswers) document.documentElement.dataset['appState'] = 'ready'
  }, [client, fetching])
}
