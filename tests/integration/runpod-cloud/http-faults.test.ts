import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { FaultRule } from '../../support/runpod-cloud/faults.ts'
import { openCloudLab, policy, type CloudLab } from './cloud-lab.ts'

let lab: CloudLab
beforeEach(async () => void (lab = await openCloudLab()))
afterEach(() => lab.close())

const raw = async (path: string, init: RequestInit = {}) => {
  const response = await fetch(`${lab.jobsUrl}/${path}`, {
    ...init,
    headers: [...new Headers(init.headers), ['authorization', `Bearer ${lab.cloud.addresses.apiKey}`]],
  })
  return { status: response.status, text: await response.text(), headers: response.headers }
}
const fault = (effect: FaultRule['effect'], rule: Partial<FaultRule> = {}) => lab.control.addFault({ operation: 'health', ...rule, effect })
const accepted = async () => (await lab.control.truth({})).jobsAccepted

describe('what goes wrong with answers', () => {
  it('429 names how long to wait, and the next call is answered', async () => {
    await fault({ kind: 'rate_limited', retryAfterSeconds: 7 })
    const refused = await raw('health')
    expect(refused.status).toBe(429)
    expect(refused.headers.get('retry-after')).toBe('7')
    expect(refused.headers.get('ratelimit')).toContain('t=7')
    expect((await raw('health')).status).toBe(200)
  })

  it('server errors, web pages, empty and torn bodies come as they were ordered', async () => {
    await fault({ kind: 'server_error', status: 503 })
    expect((await raw('health')).status).toBe(503)
    await fault({ kind: 'html', status: 502 })
    const page = await raw('health')
    expect(page).toMatchObject({ status: 502, text: expect.stringContaining('<html>') })
    expect(page.headers.get('content-type')).toContain('text/html')
    await fault({ kind: 'empty' })
    expect(await raw('health')).toMatchObject({ status: 200, text: '' })
    await fault({ kind: 'cut_short' })
    const torn = await raw('health')
    expect(() => JSON.parse(torn.text) as unknown).toThrow(SyntaxError)
    await fault({ kind: 'status', status: 418, body: 'short and stout', contentType: 'text/plain' })
    expect(await raw('health')).toMatchObject({ status: 418, text: 'short and stout' })
  })

  it('a connection that breaks before the request leaves no job, one that breaks after it leaves one', async () => {
    await fault({ kind: 'reset_before' }, { operation: 'run' })
    await expect(lab.jobs.run(lab.trainInput(), policy)).rejects.toMatchObject({ code: 'ENDPOINT_UNREACHABLE' })
    expect(await accepted()).toBe(0)
    const input = lab.trainInput()
    await fault({ kind: 'reset_after' }, { operation: 'run' })
    await expect(lab.jobs.run(input, policy)).rejects.toMatchObject({ code: 'ENDPOINT_UNREACHABLE' })
    expect(await accepted()).toBe(1)
    await lab.control.quiet({})
    expect(lab.result(input.run_id)?.status).toBe('completed')
  })

  it('an error answer may hide a request that was carried out', async () => {
    await fault({ kind: 'html', status: 502, acted: true }, { operation: 'run' })
    expect((await raw('run', { method: 'POST', body: JSON.stringify({ input: lab.trainInput() }) })).status).toBe(502)
    expect(await accepted()).toBe(1)
  })

  it('a large body that is refused still gets its answer', async () => {
    await fault({ kind: 'too_large' }, { operation: 'run' })
    const refused = await raw('run', { method: 'POST', body: JSON.stringify({ input: { data: 'x'.repeat(5_000_000) } }) })
    expect(refused).toMatchObject({ status: 400, text: expect.stringContaining('exceeded max body size') })
  })

  it('a slow answer comes when the cloud’s clock has gone on', async () => {
    await fault({ kind: 'slow', delayMs: 90_000 })
    let isAnswered = false
    const answer = raw('health').then((reply) => {
      isAnswered = true
      return reply
    })
    while ((await lab.control.listFaults({})).faults[0]?.struck !== 1) await new Promise((resolve) => void setImmediate(resolve))
    await lab.control.quiet({})
    await lab.control.advance({ ms: 89_000 })
    expect(isAnswered).toBe(false)
    await lab.control.advance({ ms: 1_000 })
    expect((await answer).status).toBe(200)
  })

  it('a fault strikes from its nth call for as often as it was told', async () => {
    await fault({ kind: 'server_error', status: 500 }, { nth: 2, count: 2 })
    const seen = []
    for (let call = 0; call < 5; call += 1) seen.push((await raw('health')).status)
    expect(seen).toEqual([200, 500, 500, 200, 200])
  })

  it('chance depends on the seed alone', async () => {
    const draw = async (seed: number) => {
      const { id } = await fault({ kind: 'server_error', status: 500 }, { probability: 0.4, seed })
      const seen = []
      for (let call = 0; call < 30; call += 1) seen.push((await raw('health')).status)
      await lab.control.removeFault({ id })
      return seen
    }
    const first = await draw(7)
    expect(await draw(7)).toEqual(first)
    expect(await draw(8)).not.toEqual(first)
    const struck = first.filter((status) => status === 500).length
    expect(struck).toBeGreaterThan(4)
    expect(struck).toBeLessThan(20)
  })

  it('one pattern may strike everything, and only one endpoint', async () => {
    const other = await lab.control.createEndpoint({})
    await fault({ kind: 'not_found' }, { operation: '*', endpointId: lab.endpointId, count: null })
    expect((await raw('health')).status).toBe(404)
    expect((await raw('status/x')).status).toBe(404)
    expect((await lab.get(`${lab.cloud.addresses.jobs}/${other.endpointId}/health`)).status).toBe(200)
  })

  it('in an outage nothing answers while workers go on; it ends by the clock', async () => {
    const input = lab.trainInput()
    await lab.post(input)
    await lab.control.startOutage({ forMs: 6 * 3_600_000 })
    await expect(raw('health')).rejects.toThrow('fetch failed')
    await expect(lab.get(`${lab.cloud.addresses.rest}/serverless`)).rejects.toThrow('fetch failed')
    await expect(fetch(lab.cloud.addresses.s3)).rejects.toThrow('fetch failed')
    await lab.control.advance({ ms: 6 * 3_600_000 })
    expect((await raw('health')).status).toBe(200)
    expect(lab.result(input.run_id)?.status).toBe('completed')
  })

  it('S3 has faults of its own', async () => {
    await lab.control.addFault({ operation: 's3.PUT', count: 2, effect: { kind: 'server_error', status: 507 } })
    const put = () => fetch(`${lab.cloud.addresses.s3}/bucket/key`, { method: 'PUT', body: 'x' })
    expect((await put()).status).toBe(507)
    expect((await fetch(`${lab.cloud.addresses.s3}/bucket/key`)).status).not.toBe(507)
    expect((await put()).status).toBe(507)
    expect((await lab.control.truth({})).calls).toMatchObject({ 's3.PUT': 2, 's3.GET': 1 })
  })

  it('an unknown key, a key without the scope and an unknown endpoint are told apart', async () => {
    const { addresses } = lab.cloud
    await lab.control.setKeys({
      keys: [
        { token: 'rpa_all', scopes: ['jobs', 'read', 'write', 'balance'] },
        { token: 'rpa_jobs', scopes: ['jobs'] },
      ],
    })
    const ask = async (url: string, token: string) => (await lab.get(url, { authorization: `Bearer ${token}` })).status
    expect(await ask(`${lab.jobsUrl}/health`, 'rpa_none')).toBe(401)
    expect(await ask(`${lab.jobsUrl}/health`, 'rpa_jobs')).toBe(200)
    expect(await ask(`${addresses.rest}/serverless`, 'rpa_none')).toBe(401)
    expect(await ask(`${addresses.rest}/serverless`, 'rpa_jobs')).toBe(403)
    expect(await ask(`${addresses.jobs}/nowhere/health`, 'rpa_all')).toBe(404)
  })
})
