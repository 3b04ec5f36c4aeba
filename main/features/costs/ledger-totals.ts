import type { CostEntry, CostOverview } from '../../../preload/contract/costs.ts'

type Totals = Pick<CostOverview, 'totalMicroUsd' | 'runsMicroUsd' | 'storageMicroUsd' | 'otherMicroUsd' | 'runs' | 'unknown'>

/** Sums of the entries; what is not known is counted, not added as nothing. */
export function totalsOf(entries: readonly CostEntry[]): Totals {
  const sum = (isOf: (entry: CostEntry) => boolean) =>
    entries.filter(isOf).reduce((total, { amountMicroUsd }) => total + (amountMicroUsd ?? 0), 0)
  const isRun = ({ type }: CostEntry) => type === 'training_compute'
  const isStorage = ({ type }: CostEntry) => type === 'storage'
  return {
    totalMicroUsd: sum(() => true),
    runsMicroUsd: sum(isRun),
    storageMicroUsd: sum(isStorage),
    otherMicroUsd: sum((entry) => !isRun(entry) && !isStorage(entry)),
    runs: new Set(entries.filter(isRun).map(({ runId, key }) => runId ?? key)).size,
    unknown: entries.filter(({ amountMicroUsd }) => amountMicroUsd === null).length,
  }
}
