import type { QueueEntry, RunQueue } from '../../../../preload/contract/queue.ts'
import { formatMoney } from '../../../lib/format.ts'

/** What a waiting run waits for, in words. */
export function stateText({ hold, run }: QueueEntry, index: number, queue: Pick<RunQueue, 'paused' | 'underWay'>): string {
  if (hold !== null) return `${hold.text} ${hold.advice}`
  if (queue.paused !== null) return 'Waits until the queue goes on'
  if (index === 0) return run.endpointKind === 'local' ? 'Starts when this computer is free' : 'Starts when a place is free'
  return 'Waits for its turn'
}

/** A figure of the shared budget as its card shows it. */
export interface BudgetFigure {
  readonly label: string
  readonly value: string
}

/** How the shared budget stands; nothing where none is set. */
export function budgetFigures({ settings, money }: Pick<RunQueue, 'settings' | 'money'>): readonly BudgetFigure[] {
  if (settings.budgetMicroUsd === null) return []
  return [
    { label: 'Shared budget', value: formatMoney(settings.budgetMicroUsd) },
    { label: 'Spent', value: formatMoney(money.spentMicroUsd) },
    { label: 'Set aside', value: formatMoney(money.reservedMicroUsd) },
    { label: 'Left', value: formatMoney(money.leftMicroUsd) },
  ]
}

/** Where a run goes when it is moved by a key or a menu; null where it is there already. */
export function targetIndex(move: 'up' | 'down' | 'top' | 'bottom', index: number, count: number): number | null {
  const target = { up: index - 1, down: index + 1, top: 0, bottom: count - 1 }[move]
  return target < 0 || target >= count || target === index ? null : target
}

/** What a screen reader is told after a move. */
export function movedText(name: string, toIndex: number, count: number): string {
  return `${name} is now number ${toIndex + 1} of ${count}.`
}
