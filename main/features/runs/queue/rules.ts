import type { QueueHold, QueueMoney, QueueReason } from '../../../../preload/contract/queue.ts'
import type { QueueState } from './repository.ts'
import { budgetReason, dollars, failuresReason, holdFor } from './reasons.ts'

/** What the scheduler knows of a run. */
export interface QueueRun {
  readonly id: string
  readonly kind: 'local' | 'runpod'
  readonly phase: 'waiting' | 'active' | 'ended'
  /** False for a run that was started at once: it takes a place, but none of the shared budget. */
  readonly isOfQueue: boolean
  readonly hasFailed: boolean
  readonly hasCompleted: boolean
  readonly endedAtMs: number | null
  /** What it has cost, once it has ended; null where that is not known. */
  readonly costMicroUsd: number | null
  /** What RunPod may have billed around it, which no run sees. */
  readonly unseenMicroUsd: number
  /** What it may cost at most while it is under way; null where that is not known. */
  readonly mostMicroUsd: number | null
  readonly agreedPriceMicroUsdPerHour: number | null
  readonly ownBudgetMicroUsd: number | null
  readonly createdAtMs: number
}

/** The queue and every run that matters to it, as stored at one moment. */
export interface QueueSnapshot {
  readonly queue: QueueState
  readonly runs: readonly QueueRun[]
}

/** What was found out about a run whose turn has come. */
export interface Offer {
  /** The first red line of its preflight; null when all are green. */
  readonly red: { readonly text: string; readonly advice: string } | null
  readonly endpointName: string
  readonly priceMicroUsdPerHour: number | null
  /** What it needs at least to be worth starting, where it has no budget of its own. */
  readonly leastMicroUsd: number
}

/** What becomes of a run whose turn has come. */
export type Verdict =
  | { readonly do: 'start'; readonly priceMicroUsdPerHour: number | null; readonly capMicroUsd: number | null }
  /** It waits; the next one is tried. */
  | { readonly do: 'hold'; readonly hold: QueueHold }
  /** It waits, and so does everything behind it. */
  | { readonly do: 'wait'; readonly hold: QueueHold }
  | { readonly do: 'pause'; readonly reason: QueueReason }
  | { readonly do: 'skip' }

const failuresInARow = 2

/** Waiting runs in the order in which their turns come. */
export function waitingInOrder({ queue, runs }: QueueSnapshot): readonly QueueRun[] {
  const places = new Map(queue.order.map((id, index) => [id, index]))
  const placeOf = ({ id }: QueueRun) => places.get(id) ?? Number.POSITIVE_INFINITY
  return runs
    .filter(({ phase }) => phase === 'waiting')
    .toSorted((a, b) => (placeOf(a) === placeOf(b) ? a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : 1) : placeOf(a) - placeOf(b)))
}

/** Waiting runs that have a place to run at, in order; none while the queue is paused. */
export function candidates(snapshot: QueueSnapshot): readonly QueueRun[] {
  if (snapshot.queue.paused !== null) return []
  return waitingInOrder(snapshot).filter(({ kind }) => hasPlace(snapshot, kind))
}

function hasPlace({ queue, runs }: QueueSnapshot, kind: QueueRun['kind']): boolean {
  const atOnce = kind === 'local' ? 1 : queue.settings.runpodAtOnce
  return runs.filter((run) => run.phase === 'active' && run.kind === kind).length < atOnce
}

/** How the shared budget stands; an unknown cost makes everything that rests on it unknown. */
export function moneyOf(snapshot: QueueSnapshot): QueueMoney {
  const { spentMicroUsd, unseenMicroUsd, underWayMicroUsd } = tally(snapshot)
  const { budgetMicroUsd } = snapshot.queue.settings
  const reservedMicroUsd = underWayMicroUsd === null ? null : underWayMicroUsd + unseenMicroUsd
  const isKnown = budgetMicroUsd !== null && spentMicroUsd !== null && reservedMicroUsd !== null
  return {
    spentMicroUsd,
    reservedMicroUsd,
    leftMicroUsd: isKnown ? Math.max(0, budgetMicroUsd - spentMicroUsd - reservedMicroUsd) : null,
  }
}

function tally({ queue, runs }: QueueSnapshot) {
  const ofQueue = runs.filter(({ isOfQueue }) => isOfQueue)
  const ended = ofQueue.filter(({ phase, endedAtMs }) => phase === 'ended' && (endedAtMs ?? 0) >= queue.countsSinceMs)
  return {
    spentMicroUsd: sum(ended.map(({ costMicroUsd }) => costMicroUsd)),
    /** The bill also holds the starts of workers; set aside, so that the shared budget holds for the bill as well. */
    unseenMicroUsd: ended.reduce((total, { unseenMicroUsd }) => total + unseenMicroUsd, 0),
    underWayMicroUsd: sum(ofQueue.filter(({ phase }) => phase === 'active').map(({ mostMicroUsd }) => mostMicroUsd)),
  }
}

function sum(amounts: readonly (number | null)[]): number | null {
  return amounts.reduce<number | null>((total, amount) => (total === null || amount === null ? null : total + amount), 0)
}

/** Why the queue has to stop by itself before it starts anything else; null while it may go on. */
export function pauseAfterFailures({ queue, runs }: QueueSnapshot): QueueReason | null {
  if (queue.settings.onFailure === 'go_on') return null
  const latest = runs
    .filter(({ isOfQueue, phase, endedAtMs }) => isOfQueue && phase === 'ended' && (endedAtMs ?? 0) > queue.failuresSinceMs)
    .filter(({ hasFailed, hasCompleted }) => hasFailed || hasCompleted)
    .toSorted((a, b) => (b.endedAtMs ?? 0) - (a.endedAtMs ?? 0))
    .slice(0, failuresInARow)
  return latest.length === failuresInARow && latest.every(({ hasFailed }) => hasFailed) ? failuresReason(failuresInARow) : null
}

/** Decides about a run whose turn has come, from what is stored now and what was found out about it. */
export function admit(snapshot: QueueSnapshot, id: string, offer: Offer): Verdict {
  const run = candidates(snapshot).find((candidate) => candidate.id === id)
  if (run === undefined) return { do: 'skip' }
  if (offer.red !== null) return { do: 'hold', hold: holdFor({ code: 'preflight', ...offer.red }) }
  if (run.kind === 'local') return { do: 'start', priceMicroUsdPerHour: null, capMicroUsd: null }
  return holdForPrice(snapshot, run, offer) ?? admitByMoney(snapshot, run, offer)
}

function holdForPrice({ queue }: QueueSnapshot, run: QueueRun, offer: Offer): Verdict | null {
  const { priceMicroUsdPerHour, endpointName } = offer
  const agreed = run.agreedPriceMicroUsdPerHour
  if (priceMicroUsdPerHour === null) {
    if (agreed === null && queue.settings.budgetMicroUsd === null) return null
    const text = `The price of ${endpointName} is not known now, so no budget can be kept.`
    return { do: 'hold', hold: holdFor({ code: 'price_unknown', text, advice: 'Test the connection under Endpoints.' }) }
  }
  if (agreed !== null && priceMicroUsdPerHour <= agreed) return null
  const before = agreed === null ? 'was not known' : `was ${dollars(agreed)}`
  const text = `${endpointName} costs ${dollars(priceMicroUsdPerHour)} an hour now; it ${before} when the run was added.`
  return { do: 'hold', hold: holdFor({ code: 'price', text, advice: 'Agree to the new price, or remove the run.' }, priceMicroUsdPerHour) }
}

function admitByMoney(snapshot: QueueSnapshot, run: QueueRun, { priceMicroUsdPerHour, leastMicroUsd }: Offer): Verdict {
  const { budgetMicroUsd } = snapshot.queue.settings
  if (budgetMicroUsd === null) return { do: 'start', priceMicroUsdPerHour, capMicroUsd: null }
  const { leftMicroUsd } = moneyOf(snapshot)
  const { spentMicroUsd, unseenMicroUsd, underWayMicroUsd } = tally(snapshot)
  if (spentMicroUsd === null || underWayMicroUsd === null || leftMicroUsd === null) {
    const text = 'What an earlier run of the queue has cost is not known, so the shared budget cannot be kept.'
    return {
      do: 'pause',
      reason: { code: 'cost_unknown', text, advice: 'Look at Costs, then count again from now, or take the budget away.' },
    }
  }
  const own = run.ownBudgetMicroUsd
  const neededMicroUsd = own ?? leastMicroUsd
  if (neededMicroUsd <= leftMicroUsd) {
    return { do: 'start', priceMicroUsdPerHour, capMicroUsd: Math.min(own ?? leftMicroUsd, leftMicroUsd) }
  }
  const reason = budgetReason({ neededMicroUsd, isOwnBudget: own !== null, leftMicroUsd, underWayMicroUsd, budgetMicroUsd })
  // What runs now may cost less than is set aside for it; only what is spent for good stops the queue.
  if (neededMicroUsd <= budgetMicroUsd - spentMicroUsd - unseenMicroUsd) return { do: 'wait', hold: holdFor({ ...reason, code: 'room' }) }
  return { do: 'pause', reason }
}
