import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { bridge } from '../../lib/bridge.ts'

/** Costs of the runs that ended since a moment, or of all. */
export function useCosts(fromMs: number | null) {
  return useQuery({
    queryKey: ['costs', fromMs],
    queryFn: () => bridge.invoke('costs.list', { fromMs, toMs: null }),
    placeholderData: keepPreviousData,
  })
}
