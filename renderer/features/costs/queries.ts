import { keepPreviousData, useMutation, useQuery } from '@tanstack/react-query'
import type { CostPeriod } from '../../../preload/contract/costs.ts'
import { bridge } from '../../lib/bridge.ts'
import { describeError } from '../../lib/describe-error.ts'
import { useToasts } from '../../ui/Toasts.tsx'

const liveMs = 2_000

/** The costs of a period; asked for again while a run is running, so that its row goes on. */
export function useCostOverview(period: CostPeriod) {
  return useQuery({
    queryKey: ['costs', 'overview', period],
    queryFn: () => bridge.invoke('costs.overview', { period }),
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) => (state.data?.entries.some(({ basis }) => basis === 'running') === true ? liveMs : false),
  })
}

/** Everything the page does; a failure is said in a message at the window's edge. */
export function useCostActions(period: CostPeriod) {
  const toasts = useToasts()
  const onError = (error: unknown) => toasts.show(describeError(error))
  return {
    check: useMutation({ mutationFn: () => bridge.invoke('costs.check', {}), onError }),
    exportCsv: useMutation({
      mutationFn: () => bridge.invoke('costs.exportCsv', { period }),
      onSuccess: (saved) => saved !== null && toasts.show(`Saved as ${saved.path}`),
      onError,
    }),
    saveMonthBudget: useMutation({
      mutationFn: (monthBudgetMicroUsd: number | null) => bridge.invoke('settings.update', { monthBudgetMicroUsd }),
      onError,
    }),
  }
}
