import type { QueueHold, QueueReason } from '../../../../preload/contract/queue.ts'

/** Why one run waits; with a price where the user is asked about one. */
export function holdFor(reason: QueueReason, askedPriceMicroUsdPerHour: number | null = null): QueueHold {
  return { ...reason, askedPriceMicroUsdPerHour }
}

/** The queue was paused by the user. */
export const pausedByUser: QueueReason = {
  code: 'user',
  text: 'The queue is paused. What runs goes on to its end.',
  advice: 'Resume to start what waits.',
}

/** Several runs failed one after the other. */
export function failuresReason(count: number): QueueReason {
  return {
    code: 'failures',
    text: `${count} runs of the queue failed one after the other, so nothing else is started.`,
    advice: 'Open the failed runs and look at their reasons, then resume.',
  }
}

interface BudgetFigures {
  readonly neededMicroUsd: number
  readonly isOwnBudget: boolean
  readonly leftMicroUsd: number
  readonly underWayMicroUsd: number
  readonly budgetMicroUsd: number
}

/** The next run does not fit into what is left of the shared budget. */
export function budgetReason(figures: BudgetFigures): QueueReason {
  const needed = dollars(figures.neededMicroUsd)
  const what = figures.isOwnBudget ? `The next run may cost ${needed}` : `The next run needs about ${needed}`
  const set = figures.underWayMicroUsd === 0 ? '' : `, with ${dollars(figures.underWayMicroUsd)} set aside for what runs now`
  return {
    code: 'budget',
    text: `${what}; ${dollars(figures.leftMicroUsd)} of the shared ${dollars(figures.budgetMicroUsd)} is left${set}.`,
    advice:
      figures.underWayMicroUsd === 0
        ? 'Raise the shared budget, or remove the run.'
        : 'It starts once enough is free again. Raise the shared budget to start it now.',
  }
}

/** An amount in dollars and cents. */
export function dollars(microUsd: number): string {
  return `$${(microUsd / 1_000_000).toFixed(2)}`
}
