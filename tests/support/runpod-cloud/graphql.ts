import { z } from 'zod'
import type { Answer, Exchange } from '../../../main/integrations/runpod-protocol/http-exchange.ts'
import { totalCostMicroUsd } from './billing.ts'
import type { CloudState } from './cloud-state.ts'

const bodySchema = z.object({ query: z.string() })
const maxBodyBytes = 100_000
const usd = (microUsd: number): number => microUsd / 1_000_000

/** Answers the one query that has no REST counterpart: who the key belongs to, and its balance. */
export async function answerGraphql(exchange: Exchange, state: CloudState, nowMs: number, userAgent: string | undefined): Promise<Answer> {
  if (userAgent === undefined || userAgent === '') return { status: 403, body: 'error code: 1010' }
  const token = exchange.authorization.replace(/^Bearer /, '')
  const key = state.keys.find((candidate) => candidate.token === token)
  if (token !== '' && key === undefined) return { status: 401, body: { error: 'Unauthorized' } }
  const body = await exchange.readJson(maxBodyBytes)
  const parsed = typeof body === 'string' ? undefined : bodySchema.safeParse(body.value).data
  if (parsed === undefined) return { status: 400, body: { errors: [{ message: 'must provide a query' }] } }
  if (key === undefined) return { status: 200, body: { data: { myself: null } } }
  if (!key.scopes.includes('balance'))
    return { status: 200, body: { errors: [{ message: 'this key has no access to the GraphQL API' }], data: null } }
  const running = state.workers.filter((worker) => worker.endedAtMs === null && worker.billedFromMs !== null)
  const facts: Record<string, unknown> = {
    id: state.account.id,
    email: state.account.email,
    clientBalance: usd(state.account.startBalanceMicroUsd - totalCostMicroUsd(state.workers, nowMs)),
    currentSpendPerHr: usd(running.reduce((sum, worker) => sum + worker.priceMicroUsdPerHour * worker.gpuCount, 0)),
    spendLimit: usd(state.account.spendLimitMicroUsd),
  }
  const asked = Object.entries(facts).filter(([name]) => new RegExp(`\\b${name}\\b`).test(parsed.query))
  return { status: 200, body: { data: { myself: Object.fromEntries(asked) } } }
}
