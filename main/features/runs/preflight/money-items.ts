import type { MonthStanding } from '../../../../preload/contract/costs.ts'
import type { Range } from '../../../../preload/contract/primitives.ts'
import type { PreflightItem, RunConfig } from '../../../../preload/contract/runs.ts'
import { longestRunMs, policyFor } from '../money.ts'
import type { EndpointFacts } from '../ports.ts'
import { dollars, green, red, unknown, type Attempt } from './item.ts'

/** Starting a worker and loading a model take a few minutes. */
const shortestMinutes = 5
const minuteMs = 60_000
const centMicroUsd = 10_000

/** What keeps a run on a charged endpoint within its budget; nothing where nothing is charged. */
export function moneyItems({ budgetMicroUsd }: RunConfig, endpoint: Attempt<EndpointFacts>, durationMs: Range | null): PreflightItem[] {
  if ('error' in endpoint || endpoint.value.kind === 'local') return []
  const { id, priceMicroUsdPerHour, balanceMicroUsd, name } = endpoint.value
  const least = budgetMicroUsd ?? Math.ceil(((priceMicroUsdPerHour ?? 0) * shortestMinutes) / 60)
  const test = { kind: 'test_connection', endpointId: id } as const
  if (balanceMicroUsd !== null && balanceMicroUsd < least) {
    const text = `Your RunPod balance is ${dollars(balanceMicroUsd)}; this run may cost ${dollars(least)}.`
    const affordable = Math.floor(balanceMicroUsd / centMicroUsd) * centMicroUsd
    const shortest = Math.ceil(((priceMicroUsdPerHour ?? 0) * shortestMinutes) / 60)
    if (budgetMicroUsd !== null && affordable >= Math.max(centMicroUsd, shortest)) {
      return [red('money', text, `Lower the budget to ${dollars(affordable)}, or add credit.`, setBudget(affordable))]
    }
    return [red('money', text, 'Add credit in the RunPod console, then look again.', test)]
  }
  if (priceMicroUsdPerHour === null) {
    const text = `The price of ${name} is not known, so a budget cannot be kept.`
    return budgetMicroUsd === null
      ? [unknown('money', `The price of ${name} is not known. The run ends after twelve hours at the latest.`, test)]
      : [red('money', text, 'Test the connection, or leave the budget empty.', test)]
  }
  const price = `${dollars(priceMicroUsdPerHour)} an hour`
  if (budgetMicroUsd === null)
    return [green('money', `${name} costs ${price}. Without a budget the run ends after twelve hours at the latest.`)]
  const minutes = Math.floor((budgetMicroUsd * 60) / priceMicroUsdPerHour)
  const budget = dollars(budgetMicroUsd)
  if (minutes < shortestMinutes) {
    const text = `${budget} is used up after ${minutes} min at ${price}, before a worker has loaded the model.`
    const enough = Math.ceil((priceMicroUsdPerHour * shortestMinutes) / 60 / centMicroUsd) * centMicroUsd
    return [red('money', text, `Raise the budget to at least ${dollars(enough)}.`, setBudget(enough))]
  }
  const early = durationMs !== null && durationMs.low > minutes * minuteMs
  const end = early ? 'The estimate is longer: the run would end early and keep its best weights.' : 'The run ends before that.'
  return [green('money', `${budget} buys ${minutes} min at ${price}. ${end}`)]
}

/** Whether the job's time limit and its time to live, as they will be sent, are longer than the run is expected to take. */
export function timeItem(
  { budgetMicroUsd }: RunConfig,
  endpoint: Attempt<EndpointFacts>,
  durationMs: Range | null,
  month: Pick<MonthStanding, 'leftMicroUsd'> | null,
): PreflightItem | null {
  if ('error' in endpoint || endpoint.value.kind === 'local') return null
  const { priceMicroUsdPerHour } = endpoint.value
  const caps = [budgetMicroUsd, month?.leftMicroUsd ?? null].filter((cap) => cap !== null)
  const { executionTimeoutMs, ttlMs } = policyFor(caps.length === 0 ? null : Math.min(...caps), priceMicroUsdPerHour)
  const isCutShort = executionTimeoutMs < longestRunMs
  const whose = isCutShort ? ', when the budget is used up' : ''
  const limits = `RunPod is told to end the job after ${timeText(executionTimeoutMs)}${whose}, and to drop it after ${timeText(ttlMs)} in all.`
  if (durationMs === null) return unknown('time', `How long the run takes is not known yet. ${limits}`)
  if (durationMs.low > longestRunMs) {
    const text = `The run is expected to take longer than ${timeText(longestRunMs)}, the most one job gets.`
    return red('time', text, 'Train fewer epochs, set max_steps, or use a faster GPU.', { kind: 'choose', choice: 'preset' })
  }
  const early = 'the run then ends early and keeps its best weights.'
  const end = Math.min(executionTimeoutMs, longestRunMs)
  if (durationMs.low > end) return green('time', `${limits} By the estimate that is not enough; ${early}`)
  return green('time', durationMs.high > end ? `${limits} It may not be enough; ${early}` : limits)
}

/** Hours and minutes; minutes are rounded down, because these are limits. */
function timeText(ms: number): string {
  const minutes = Math.floor(ms / minuteMs)
  const hours = Math.floor(minutes / 60)
  if (hours === 0) return `${minutes} min`
  return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`
}

function setBudget(budgetMicroUsd: number): NonNullable<PreflightItem['action']> {
  return { kind: 'set_budget', budgetMicroUsd }
}
