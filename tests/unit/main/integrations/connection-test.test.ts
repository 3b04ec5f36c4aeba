import { afterEach, describe, expect, it } from 'vitest'
import { connectionReportSchema, type ConnectionReport } from '../../../../preload/contract/endpoints.ts'
import { testRunpodConnection } from '../../../../main/integrations/runpod/connection-test.ts'
import { startFakeApi, type ScriptedReply } from '../../../support/fake-api.ts'
import { createInstantClock } from '../../../support/instant-clock.ts'

const noJobs = { completed: 0, failed: 0, inProgress: 0, inQueue: 0, retried: 0 }
const noWorkers = { idle: 0, initializing: 0, ready: 0, running: 0, throttled: 0, unhealthy: 0 }
const quiet = { body: { jobs: noJobs, workers: noWorkers } }
const endpoint = (max: number) => ({ body: { id: 'ep1', name: 'x', workers: { min: 0, max, idleTimeout: 5 } } })

describe('Test connection', () => {
  let close: (() => Promise<void>) | undefined
  afterEach(() => close?.())

  const test = async (health: ScriptedReply, settings: ScriptedReply = endpoint(3)) => {
    const api = await startFakeApi({ '/jobs/ep1/health': [health], '/rest/serverless/ep1': [settings] })
    close = api.close
    const report = await testRunpodConnection({
      endpointId: 'ep1',
      apiKey: 'rpa_SECRETSECRETSECRET',
      jobBaseUrl: `${api.url}/jobs`,
      restBaseUrl: `${api.url}/rest`,
      userAgent: 'Tunesmith/1',
      clock: createInstantClock(),
    })
    expect(connectionReportSchema.parse(report)).toEqual(report)
    expect(JSON.stringify(report)).not.toContain('SECRET')
    return { report, api }
  }

  it.each<[string, ScriptedReply, ScriptedReply, ConnectionReport['code']]>([
    ['a refused key', { status: 401, body: '' }, endpoint(3), 'KEY_REFUSED'],
    ['a key without permission', { status: 403, body: { title: 'Forbidden', status: 403, detail: 'scope' } }, endpoint(3), 'KEY_FORBIDDEN'],
    ['an unknown endpoint', { status: 404, body: '<html></html>' }, endpoint(3), 'ENDPOINT_NOT_FOUND'],
    ['too many requests', { status: 429, headers: { 'retry-after': '12' } }, endpoint(3), 'RATE_LIMITED'],
    ['a server fault', { status: 503, body: '' }, endpoint(3), 'UNREACHABLE'],
    ['a broken connection', { breaks: true }, endpoint(3), 'UNREACHABLE'],
    ['a sign-in page', { body: '<html>sign in</html>' }, endpoint(3), 'UNEXPECTED_REPLY'],
    ['a redirect', { status: 302, headers: { location: 'https://example.com' } }, endpoint(3), 'UNEXPECTED_REPLY'],
    ['max workers 0, which looks healthy in the job API', quiet, endpoint(0), 'WORKERS_MAX_ZERO'],
    ['only unhealthy workers', { body: { jobs: noJobs, workers: { ...noWorkers, unhealthy: 2 } } }, endpoint(3), 'NO_WORKERS'],
    ['only throttled workers', { body: { jobs: noJobs, workers: { ...noWorkers, throttled: 1 } } }, endpoint(3), 'NO_WORKERS'],
    ['waiting jobs and no worker', { body: { jobs: { ...noJobs, inQueue: 2 }, workers: noWorkers } }, endpoint(3), 'NO_WORKERS'],
    ['an endpoint scaled to zero, which is normal', quiet, endpoint(3), 'OK'],
    ['a key that may only use the job API', quiet, { status: 403, body: {} }, 'OK'],
  ])('tells %s', async (_name, health, settings, code) => {
    const { report } = await test(health, settings)
    expect(report).toMatchObject({ code, isOk: code === 'OK' })
    expect(report.isOk || report.advice !== null).toBe(true)
  })

  it('says that it could not look at max workers instead of claiming all is well', async () => {
    const { report } = await test(quiet, { status: 403, body: {} })
    expect(report.checks.find((check) => check.name === 'Endpoint settings')).toMatchObject({
      isOk: false,
      text: expect.stringContaining('may not read the settings'),
    })
    expect(report.advice).toContain('max workers')
  })

  it('sends a user agent on both calls, without which RunPod’s gateway answers 403', async () => {
    const { api } = await test(quiet)
    expect(api.calls.map((call) => [call.path, call.headers['user-agent'], call.headers.authorization])).toEqual([
      ['/jobs/ep1/health', 'Tunesmith/1', 'Bearer rpa_SECRETSECRETSECRET'],
      ['/rest/serverless/ep1', 'Tunesmith/1', 'Bearer rpa_SECRETSECRETSECRET'],
    ])
  })
})
