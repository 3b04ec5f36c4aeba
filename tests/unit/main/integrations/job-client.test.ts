import { afterEach, describe, expect, it } from 'vitest'
import { createJobClient } from '../../../../main/integrations/runpod/job-client.ts'
import { readRetryAfter } from '../../../../main/integrations/runpod/api-request.ts'
import { createLog } from '../../../../main/lib/log.ts'
import { startFakeApi, type ScriptedReply } from '../../../support/fake-api.ts'
import { createInstantClock } from '../../../support/instant-clock.ts'

const policy = { executionTimeoutMs: 600_000, ttlMs: 3_600_000 }

describe('job client', () => {
  let close: (() => Promise<void>) | undefined
  afterEach(() => close?.())

  const connect = async (script: Record<string, readonly ScriptedReply[]>) => {
    const api = await startFakeApi(script)
    close = api.close
    const clock = createInstantClock()
    const logged: unknown[] = []
    const jobs = createJobClient({
      baseUrl: api.url,
      apiKey: () => 'rpa_SECRETSECRETSECRET',
      clock,
      log: createLog((line) => void logged.push(line)),
      userAgent: 'Tunesmith/1',
    })
    return { jobs, api, clock, logged }
  }

  it('posts the policy in the API’s own words, with key and user agent', async () => {
    const { jobs, api } = await connect({ '/run': [{ body: { id: 'j-1', status: 'IN_QUEUE' } }] })
    expect(await jobs.run({ v: 1 }, policy)).toEqual({ jobId: 'j-1' })
    expect(JSON.parse(api.calls[0]?.body ?? '')).toEqual({ input: { v: 1 }, policy: { executionTimeout: 600_000, ttl: 3_600_000 } })
    expect(api.calls[0]?.headers).toMatchObject({ authorization: 'Bearer rpa_SECRETSECRETSECRET', 'user-agent': 'Tunesmith/1' })
  })

  it.each<[string, ScriptedReply]>([
    ['a lost answer', { breaks: true }],
    ['a gateway error', { status: 502, body: '<html>bad gateway</html>' }],
  ])('never posts a job twice after %s, since the first may run and cost money', async (_name, reply) => {
    const { jobs, api } = await connect({ '/run': [reply, { body: { id: 'j-2' } }] })
    await expect(jobs.run({ v: 1 }, policy)).rejects.toMatchObject({ code: 'ENDPOINT_UNREACHABLE', retryable: true })
    expect(api.calls).toHaveLength(1)
  })

  it('posts a job again after 429, because that one was certainly not taken', async () => {
    const { jobs, api, clock } = await connect({ '/run': [{ status: 429, headers: { 'retry-after': '3' } }, { body: { id: 'j-1' } }] })
    expect(await jobs.run({ v: 1 }, policy)).toEqual({ jobId: 'j-1' })
    expect(api.calls).toHaveLength(2)
    expect(clock.waits).toContain(3_000)
  })

  it('asks for a status again after a broken connection and a server error', async () => {
    const { jobs, api } = await connect({ '/status/j-1': [{ breaks: true }, { status: 503 }, { body: { id: 'j-1', status: 'IN_QUEUE' } }] })
    expect(await jobs.status('j-1')).toEqual({ status: 'IN_QUEUE' })
    expect(api.calls).toHaveLength(3)
  })

  it('gives up on a server that asks for a long pause, and says how long', async () => {
    const { jobs, api } = await connect({ '/health': [{ status: 429, headers: { 'retry-after': '600' } }] })
    await expect(jobs.health()).rejects.toMatchObject({ code: 'ENDPOINT_UNREACHABLE', details: { status: 429, retryAfterMs: 600_000 } })
    expect(api.calls).toHaveLength(1)
  })

  it('reads every status body, odd ones too', async () => {
    const raised = JSON.stringify({ error_type: "<class 'ValueError'>", error_message: 'no model', error_traceback: 'Traceback …' })
    const { jobs } = await connect({
      '/status/gone': [{ status: 404, body: 'not found' }],
      '/status/running': [{ body: { status: 'RUNNING', delayTime: 61_372, workerId: 'w', retries: 1, output: { step: 3 } } }],
      '/status/raised': [{ body: { status: 'FAILED', error: raised, executionTime: 12 } }],
      '/status/object': [{ body: { status: 'FAILED', error: { code: 5 }, retries: 'many' } }],
      '/status/empty': [{ body: { status: 'COMPLETED' } }],
    })
    expect(await jobs.status('gone')).toEqual({ status: 'NOT_FOUND' })
    expect(await jobs.status('running')).toEqual({
      status: 'IN_PROGRESS',
      delayTimeMs: 61_372,
      workerId: 'w',
      retries: 1,
      output: { step: 3 },
    })
    expect(await jobs.status('raised')).toEqual({ status: 'FAILED', error: 'no model', executionTimeMs: 12 })
    expect(await jobs.status('object')).toEqual({ status: 'FAILED', error: '{"code":5}' })
    expect(await jobs.status('empty')).toEqual({ status: 'COMPLETED' })
  })

  it('a web page or an unknown status is an error with a name, not a crash', async () => {
    const { jobs, logged } = await connect({
      '/status/page': [{ body: '<html>sign in</html>' }],
      '/status/word': [{ body: { status: 'DREAMING' } }],
    })
    await expect(jobs.status('page')).rejects.toMatchObject({ code: 'RUNPOD_REPLY_INVALID' })
    await expect(jobs.status('word')).rejects.toMatchObject({
      code: 'RUNPOD_REPLY_INVALID',
      retryable: true,
      details: { problem: 'status: unknown status "DREAMING"' },
    })
    expect(JSON.stringify(logged)).not.toContain('SECRET')
  })

  it.each([
    [401, 'ENDPOINT_REFUSED'],
    [403, 'ENDPOINT_REFUSED'],
    [404, 'ENDPOINT_NOT_FOUND'],
    [400, 'INVALID_INPUT'],
  ])('names the refusal behind HTTP %i', async (status, code) => {
    const { jobs } = await connect({ '/run': [{ status, body: { error: 'exceeded max body size of 10MiB' } }] })
    await expect(jobs.run({ v: 1 }, policy)).rejects.toMatchObject({ code, details: { status } })
  })

  it('a job that waits again does not show the figures of the attempt before', async () => {
    const { jobs } = await connect({
      '/status/again': [{ body: { status: 'IN_QUEUE', delayTime: 900, executionTime: 4, workerId: 'old', retries: 1 } }],
    })
    expect(await jobs.status('again')).toEqual({ status: 'IN_QUEUE', retries: 1 })
  })

  it('cancelling a job that is forgotten is no failure', async () => {
    const { jobs, api } = await connect({ '/cancel/gone': [{ status: 404, body: '' }], '/cancel/mine': [{ status: 403, body: '' }] })
    await jobs.cancel('gone')
    expect(api.calls).toHaveLength(1)
    await expect(jobs.cancel('mine')).rejects.toMatchObject({ code: 'ENDPOINT_REFUSED' })
  })

  it('refuses a body over 10 MiB before it is sent', async () => {
    const { jobs, api } = await connect({})
    await expect(jobs.run({ data: 'x'.repeat(10 * 1024 * 1024) }, policy)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    expect(api.calls).toHaveLength(0)
  })

  it.each<[number, string]>([
    [400, 'exceeded max body size of 10MiB'],
    [400, '{"error":"Request body too large"}'],
    [413, '<html>413</html>'],
  ])('a body that the platform finds too large (%i) is told apart from a wrong one', async (status, body) => {
    const { jobs } = await connect({ '/run': [{ status, body }] })
    await expect(jobs.run({ v: 1 }, policy)).rejects.toMatchObject({ code: 'INVALID_INPUT', message: expect.stringContaining('10 MiB') })
  })

  it('an exception of one word keeps its class, since the word alone says nothing', async () => {
    const error = JSON.stringify({ error_type: "<class 'KeyError'>", error_message: "'text'", error_traceback: 'Traceback …' })
    const { jobs } = await connect({ '/status/j': [{ body: { status: 'FAILED', error } }] })
    expect(await jobs.status('j')).toEqual({ status: 'FAILED', error: "KeyError: 'text'" })
  })

  it('an exception that was cut short on its way still gives its message, never its traceback', async () => {
    const whole = JSON.stringify({
      error_type: "<class 'ValueError'>",
      error_message: 'no model "x"',
      error_traceback: 'File "handler.py"'.repeat(9),
    })
    const { jobs } = await connect({ '/status/j': [{ body: { status: 'FAILED', error: whole.slice(0, 120) } }] })
    expect(await jobs.status('j')).toEqual({ status: 'FAILED', error: 'no model "x"' })
  })

  it('a job number cannot lead to another path', async () => {
    const { jobs, api } = await connect({})
    for (const id of ['../health', '..', '.', 'a/b', '']) {
      await expect(jobs.status(id)).rejects.toMatchObject({ code: 'RUNPOD_REPLY_INVALID' })
    }
    expect(api.calls).toHaveLength(0)
  })

  it('health counts that are missing are zero', async () => {
    const { jobs } = await connect({ '/health': [{ body: { jobs: { inQueue: 2 }, workers: { ready: 1, unhealthy: null } } }] })
    expect(await jobs.health()).toEqual({
      jobs: { completed: 0, failed: 0, inProgress: 0, inQueue: 2, retried: 0 },
      workers: { idle: 0, initializing: 0, ready: 1, running: 0, throttled: 0, unhealthy: 0 },
    })
  })

  it('a server that is not there is unreachable, not an internal error', async () => {
    const { jobs, api } = await connect({})
    await api.close()
    await expect(jobs.health()).rejects.toMatchObject({ code: 'ENDPOINT_UNREACHABLE', message: expect.stringContaining('ECONNREFUSED') })
  })

  it.each([
    ['7', 7_000],
    ['Tue, 14 Nov 2023 22:13:30 GMT', 10_000],
    ['Tue, 14 Nov 2023 22:13:10 GMT', 0],
    ['soon', null],
    [undefined, null],
  ])('reads Retry-After %j', (header, expected) => {
    expect(readRetryAfter(header, 1_700_000_000_000)).toBe(expected)
  })
})
