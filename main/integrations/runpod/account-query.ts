import type { Dispatcher } from 'undici'
import { z } from 'zod'
import { AppError } from '../../../preload/contract/errors.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import { createApiSender, errorTextOf, parseJson, type ApiReply } from './api-request.ts'
import { microUsd } from './reply-fields.ts'

/** Who the key belongs to and what the account holds. */
export interface AccountFacts {
  /** Also the access key of the volumes' S3 interface. */
  readonly userId: string
  readonly balanceMicroUsd: number
  /** What everything in the account costs per hour right now; null when it is not told. */
  readonly spendPerHourMicroUsd: number | null
  readonly spendLimitMicroUsd: number | null
}

/** Why the balance is not known. None of these says that the key is invalid: many good keys may not ask. */
export interface AccountUnknown {
  readonly unknown: 'not_allowed' | 'refused' | 'unreachable' | 'unusable'
  readonly sentence: string
  /** Known at times even when the balance is not. */
  readonly userId: string | null
}

/** Asks for the balance and the identity, which REST v2 does not tell. */
export interface AccountQuery {
  find(): Promise<AccountFacts | AccountUnknown>
}

interface AccountQueryOptions {
  readonly url?: string
  readonly apiKey: () => string | Promise<string>
  readonly clock: Clock
  readonly log: Log
  /** Without a real one the gateway answers 403. */
  readonly userAgent: string
  readonly dispatcher?: Dispatcher
}

const defaultUrl = 'https://api.runpod.io/graphql'
const attempts = 3
const query = 'query { myself { id clientBalance currentSpendPerHr spendLimit } }'

const amountOrNull = microUsd.nullable().catch(null)
const answerSchema = z.object({
  data: z
    .object({
      myself: z
        .object({
          id: z.string().min(1).nullable().catch(null),
          clientBalance: amountOrNull,
          currentSpendPerHr: amountOrNull,
          spendLimit: amountOrNull,
        })
        .nullish(),
    })
    .nullish(),
  errors: z.array(z.unknown()).nullish().catch(null),
})

/** Creates the query; it answers "unknown" instead of failing, since runs work without it. */
export function createAccountQuery({ url = defaultUrl, apiKey, clock, log, userAgent, dispatcher }: AccountQueryOptions): AccountQuery {
  const send = createApiSender({ clock, userAgent, attempts, ...(dispatcher === undefined ? {} : { dispatcher }) })
  return {
    async find() {
      const call = { method: 'POST', url, apiKey: await apiKey(), body: JSON.stringify({ query }), isRepeatable: true } as const
      const reply = await send(call).catch((error: unknown) => {
        if (error instanceof AppError) return null
        throw error
      })
      const found = reply === null ? unreachable() : read(reply)
      if ('unknown' in found) log.info('The balance is not known', { reason: found.unknown, status: reply?.status ?? null })
      return found
    },
  }
}

function read(reply: ApiReply): AccountFacts | AccountUnknown {
  if (reply.status === 401) {
    return notKnown('refused', 'RunPod did not answer the balance query for this key. The connection test tells whether the key works.')
  }
  if (reply.status === 403) return notAllowed()
  if (reply.status === 429 || reply.status >= 500) return unreachable()
  const parsed = answerSchema.safeParse(parseJson(reply.text))
  if (!parsed.success) return unusable(reply)
  const { data, errors } = parsed.data
  const myself = data?.myself ?? null
  if (myself === null) return (errors ?? []).length === 0 && reply.status !== 200 ? unusable(reply) : notAllowed()
  const { id, clientBalance, currentSpendPerHr, spendLimit } = myself
  if (id === null || clientBalance === null) return { ...notAllowed(), userId: id }
  return { userId: id, balanceMicroUsd: clientBalance, spendPerHourMicroUsd: currentSpendPerHr, spendLimitMicroUsd: spendLimit }
}

function notKnown(unknown: AccountUnknown['unknown'], sentence: string): AccountUnknown {
  return { unknown, sentence, userId: null }
}

function notAllowed(): AccountUnknown {
  return notKnown('not_allowed', 'This key may not read the balance. Look it up in the RunPod console; runs work all the same.')
}

function unreachable(): AccountUnknown {
  return notKnown('unreachable', 'RunPod did not answer the balance query. Ask again in a few minutes; runs work all the same.')
}

function unusable(reply: ApiReply): AccountUnknown {
  const said = errorTextOf(reply.text)
  const words = said === null ? '' : ` It says: ${said}`
  return notKnown(
    'unusable',
    `RunPod gave an answer about the balance that this version does not understand (HTTP ${reply.status}).${words}`,
  )
}
