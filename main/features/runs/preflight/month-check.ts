import type { MonthStanding } from '../../../../preload/contract/costs.ts'
import type { PreflightItem, RunConfig } from '../../../../preload/contract/runs.ts'
import { mostOf } from '../money.ts'
import type { EndpointFacts } from '../ports.ts'

/** Starting a worker and loading a model take a few minutes. */
const shortestMinutes = 5
const centMicroUsd = 10_000
const openCosts = { kind: 'open_page', page: 'costs' } as const

/** Why a run may not be started in this month, with its fix; null where nothing is charged, no budget is set, or it fits. */
export function monthProblem(month: MonthStanding | null, { budgetMicroUsd }: RunConfig, endpoint: EndpointFacts): PreflightItem | null {
  if (month === null || month.budgetMicroUsd === null || endpoint.kind === 'local') return null
  const most = mostOf(budgetMicroUsd, endpoint.priceMicroUsdPerHour)
  const { leftMicroUsd } = month
  if (most === null || leftMicroUsd === null) {
    const whose = most === null ? endpoint.name : 'a run that has not ended'
    const text = `The price of ${whose} is not known, so the month's budget of ${dollars(month.budgetMicroUsd)} cannot be kept.`
    return most === null
      ? red(text, 'Test the connection under Endpoints.', { kind: 'test_connection', endpointId: endpoint.id })
      : red(text, 'Wait for that run to end, or take the month budget out under Costs.', openCosts)
  }
  if (most <= leftMicroUsd) return null
  const offered = Math.floor(leftMicroUsd / centMicroUsd) * centMicroUsd
  const shortest = Math.ceil(((endpoint.priceMicroUsdPerHour ?? 0) * shortestMinutes) / 60)
  const text = `${leftText(month, leftMicroUsd)}, and this run may cost up to ${dollars(most)}.`
  if (offered < Math.max(centMicroUsd, shortest)) {
    const fix = 'That is too little for a run on this endpoint. Raise the month budget under Costs, or train on this computer.'
    return red(text, fix, openCosts)
  }
  const fix =
    budgetMicroUsd === null ? `Give the run a budget of ${dollars(offered)}.` : `Lower the budget of the run to ${dollars(offered)}.`
  return red(text, fix, { kind: 'set_budget', budgetMicroUsd: offered })
}

function leftText({ budgetMicroUsd, spentMicroUsd, committedMicroUsd }: MonthStanding, leftMicroUsd: number): string {
  const runs =
    committedMicroUsd === null || committedMicroUsd === 0 ? '' : `, ${dollars(committedMicroUsd)} is kept for runs that have not ended`
  return `${dollars(leftMicroUsd)} is left of the month's budget of ${dollars(budgetMicroUsd ?? 0)}: ${dollars(Math.max(0, spentMicroUsd))} is spent${runs}`
}

function red(text: string, fix: string, action: NonNullable<PreflightItem['action']>): PreflightItem {
  return { id: 'money', isOk: false, isKnown: true, text, fix, action }
}

function dollars(microUsd: number): string {
  return `$${(microUsd / 1_000_000).toFixed(2)}`
}
