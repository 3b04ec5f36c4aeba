import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { createAccountQuery, type AccountUnknown } from '../../../../main/integrations/runpod/account-query.ts'
import { createLog } from '../../../../main/lib/log.ts'
import { startFakeApi, type ScriptedReply } from '../../../support/fake-api.ts'
import { createInstantClock } from '../../../support/instant-clock.ts'

describe('account query', () => {
  let close: (() => Promise<void>) | undefined
  afterEach(() => close?.())

  const connect = async (replies: () => readonly ScriptedReply[]) => {
    const api = await startFakeApi(new Proxy({}, { get: () => replies() }))
    close = api.close
    const logged: unknown[] = []
    const account = createAccountQuery({
      url: `${api.url}/graphql`,
      apiKey: () => 'rpa_SECRETSECRETSECRET',
      clock: createInstantClock(),
      log: createLog((line) => void logged.push(line)),
      userAgent: 'Tunesmith/1',
    })
    return { account, api, logged }
  }

  it('tells identity and money, with a user agent, without which the gateway answers 403', async () => {
    const { account, api } = await connect(() => [
      { status: 502, body: '' },
      { body: { data: { myself: { id: 'user_1', clientBalance: 12.340000000000002, currentSpendPerHr: 0.69, spendLimit: 80 } } } },
    ])
    expect(await account.find()).toEqual({
      userId: 'user_1',
      balanceMicroUsd: 12_340_000,
      spendPerHourMicroUsd: 690_000,
      spendLimitMicroUsd: 80_000_000,
    })
    expect(api.calls[0]?.headers).toMatchObject({ 'user-agent': 'Tunesmith/1', authorization: 'Bearer rpa_SECRETSECRETSECRET' })
    expect(JSON.parse(api.calls[0]?.body ?? '')).toEqual({ query: expect.stringContaining('clientBalance') })
  })

  it('a negative balance and unknown spending are told as they are', async () => {
    const { account } = await connect(() => [{ body: { data: { myself: { id: 'user_1', clientBalance: '-0.25', spendLimit: null } } } }])
    expect(await account.find()).toEqual({
      userId: 'user_1',
      balanceMicroUsd: -250_000,
      spendPerHourMicroUsd: null,
      spendLimitMicroUsd: null,
    })
  })

  it.each<[string, ScriptedReply, AccountUnknown['unknown']]>([
    ['a refusal of the scope', { status: 403, body: '' }, 'not_allowed'],
    ['the gateway’s refusal', { status: 403, body: 'error code: 1010' }, 'not_allowed'],
    ['errors without data', { body: { errors: [{ message: 'no access' }], data: null } }, 'not_allowed'],
    ['nobody', { body: { data: { myself: null } } }, 'not_allowed'],
    ['a refused key', { status: 401, body: '' }, 'refused'],
    ['a server fault', { status: 500, body: '<html></html>' }, 'unreachable'],
    ['too many requests', { status: 429, body: '', headers: { 'retry-after': '900' } }, 'unreachable'],
    ['a broken connection', { breaks: true }, 'unreachable'],
    ['a sign-in page', { body: '<html>sign in</html>' }, 'unusable'],
  ])('after %s the balance is unknown, and the key is never called invalid', async (_name, reply, unknown) => {
    const { account, logged } = await connect(() => [reply])
    const found = await account.find()
    expect(found).toMatchObject({ unknown, userId: null })
    expect(JSON.stringify([found, logged])).not.toMatch(/invalid|SECRET/i)
  })

  it('keeps the identity when only the balance is withheld', async () => {
    const { account } = await connect(() => [{ body: { data: { myself: { id: 'user_1', clientBalance: null } }, errors: [{}] } }])
    expect(await account.find()).toMatchObject({ unknown: 'not_allowed', userId: 'user_1' })
  })

  it('never fails, whatever the body', async () => {
    let reply: ScriptedReply = {}
    const { account } = await connect(() => [reply])
    const { value: junk } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom(null, true, 0, -1, 1e99, '', 'x'),
        fc.array(tie('value'), { maxLength: 2 }),
        fc.dictionary(fc.constantFrom('data', 'myself', 'id', 'clientBalance', 'errors', 'spendLimit'), tie('value'), { maxKeys: 3 }),
      ),
    }))
    const bodies = fc.oneof(
      junk.map((value) => JSON.stringify(value)),
      fc.string(),
    )
    await fc.assert(
      fc.asyncProperty(bodies, fc.constantFrom(200, 204, 302, 400, 401, 403), async (body, status) => {
        reply = { body, status }
        const found = await account.find()
        expect('unknown' in found ? found.sentence.length > 20 : Number.isSafeInteger(found.balanceMicroUsd)).toBe(true)
      }),
      { seed: 41, numRuns: 200 },
    )
  })
})
