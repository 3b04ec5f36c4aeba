import type { CostEntry, MonthStanding } from '../../../preload/contract/costs.ts'
import type { Span } from './calendar.ts'
import { totalsOf } from './ledger-totals.ts'
import type { ActiveRunCost } from './ports.ts'

interface MonthFacts {
  readonly span: Span
  readonly budgetMicroUsd: number | null
  /** Of this month, with what active runs cost so far. */
  readonly entries: readonly CostEntry[]
  readonly activeRuns: readonly ActiveRunCost[]
}

/** What is left of a month: its budget less what it cost and less what active runs may still cost at most. */
export function standingOf({ span, budgetMicroUsd, entries, activeRuns }: MonthFacts): MonthStanding {
  const spentMicroUsd = totalsOf(entries).totalMicroUsd
  const open = activeRuns.map(({ mostMicroUsd, amountMicroUsd }) =>
    mostMicroUsd === null ? null : Math.max(0, mostMicroUsd - (amountMicroUsd ?? 0)),
  )
  const committedMicroUsd = open.reduce<number | null>((sum, amount) => (sum === null || amount === null ? null : sum + amount), 0)
  const isKnown = budgetMicroUsd !== null && committedMicroUsd !== null
  return {
    ...span,
    budgetMicroUsd,
    spentMicroUsd,
    committedMicroUsd,
    leftMicroUsd: isKnown ? Math.max(0, budgetMicroUsd - spentMicroUsd - committedMicroUsd) : null,
  }
}
