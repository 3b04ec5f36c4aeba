import { afterEach, describe, expect, it } from 'vitest'
import { createControlPlane } from '../../../../main/integrations/runpod/control-plane.ts'
import { createLog } from '../../../../main/lib/log.ts'
import { startFakeApi, type ScriptedReply } from '../../../support/fake-api.ts'
import { createInstantClock } from '../../../support/instant-clock.ts'

const problem = (status: number, body: unknown): ScriptedReply => ({
  status,
  body,
  headers: { 'content-type': 'application/problem+json' },
})
const endpoint = { id: 'ep1', workers: { max: 0 } }

describe('control plane', () => {
  let close: (() => Promise<void>) | undefined
  afterEach(() => close?.())

  const connect = async (script: Record<string, readonly ScriptedReply[]>) => {
    const api = await startFakeApi(script)
    close = api.close
    const logged: unknown[] = []
    const clock = createInstantClock()
    const plane = createControlPlane({
      baseUrl: api.url,
      apiKey: async () => 'rpa_SECRETSECRETSECRET',
      clock,
      log: createLog((line) => void logged.push(line)),
      userAgent: 'Tunesmith/1',
    })
    return { plane, api, clock, logged }
  }

  it('reads an endpoint whatever else it holds, and never its environment, which may hold secrets', async () => {
    const full = {
      id: 'ep1',
      name: 'training',
      type: 'QUEUE',
      workers: { min: 0, max: 3, idleTimeout: 5, standby: 1 },
      timeout: 600_000,
      gpu: { pools: ['ADA_24', 'AMPERE_48'], excludedTypes: ['NVIDIA L40'], count: 2, minCudaVersion: '12.8' },
      networkVolumes: ['vol1', { id: 'vol2', dataCenter: 'EU-RO-1' }],
      dataCenterIds: ['EU-RO-1'],
      flashboot: 'TURBO',
      templateId: 'tpl1',
      env: { HF_TOKEN: 'hf_PLANTEDPLANTED' },
    }
    const { plane, api } = await connect({ '/serverless/ep1': [{ body: full }] })
    const read = await plane.getEndpoint('ep1')
    expect(read).toMatchObject({
      id: 'ep1',
      name: 'training',
      workersMin: 0,
      workersMax: 3,
      idleTimeoutMs: 5_000,
      timeoutMs: 600_000,
      gpu: { poolIds: ['ADA_24', 'AMPERE_48'], excludedTypeIds: ['NVIDIA L40'], count: 2 },
      networkVolumeIds: ['vol1', 'vol2'],
      dataCenterIds: ['EU-RO-1'],
      flashboot: 'unknown',
      image: null,
      templateId: 'tpl1',
    })
    expect(JSON.stringify(read)).not.toContain('PLANTED')
    expect(api.calls[0]?.headers).toMatchObject({ authorization: 'Bearer rpa_SECRETSECRETSECRET', 'user-agent': 'Tunesmith/1' })
  })

  it('needs of an endpoint only its id and its worker limit; 0 is a limit, not a missing one', async () => {
    const { plane } = await connect({ '/serverless/ep1': [{ body: endpoint }] })
    expect(await plane.getEndpoint('ep1')).toMatchObject({
      workersMax: 0,
      workersMin: 0,
      timeoutMs: null,
      idleTimeoutMs: null,
      gpu: null,
      networkVolumeIds: [],
      image: null,
      templateId: null,
    })
  })

  it('changes only what is named, in the API’s own words, and again after a passing fault', async () => {
    const { plane, api } = await connect({
      '/serverless/ep1': [{ status: 502, body: '<html>' }, { breaks: true }, { body: { ...endpoint, workers: { max: 1 } } }],
    })
    expect(await plane.updateEndpoint('ep1', { workersMax: 1 })).toMatchObject({ workersMax: 1 })
    expect(api.calls.map(({ method, body }) => [method, body])).toEqual(Array.from({ length: 3 }, () => ['PATCH', '{"workers":{"max":1}}']))
    await plane.updateEndpoint('ep1', { timeoutMs: 86_400_000 })
    expect(api.calls.at(-1)?.body).toBe('{"timeout":86400000}')
  })

  it('one worker that cannot be read does not hide the others; words of a later version are unknown', async () => {
    const { plane, logged } = await connect({
      '/serverless/ep1/workers': [
        {
          body: {
            workers: [
              { id: 'w1', status: 'RUNNING', gpuTypeId: 'NVIDIA L4', gpuCount: 1, uptimeSeconds: 12, startedAt: '2026-11-23T10:00:00Z' },
              { id: 'w2', status: 'HIBERNATING', gpu: { displayName: 'RTX 4090' }, costPerHr: 1.12, costTier: 'x' },
              { id: 'w3', costPerHr: 0 },
              { status: 'IDLE' },
            ],
          },
        },
      ],
    })
    expect(await plane.listWorkers('ep1')).toMatchObject([
      { id: 'w1', status: 'running', gpuTypeId: 'NVIDIA L4', gpuName: 'NVIDIA L4', pricePerHourMicroUsd: null, uptimeMs: 12_000 },
      { id: 'w2', status: 'unknown', gpuTypeId: null, gpuName: 'RTX 4090', pricePerHourMicroUsd: 1_120_000 },
      { id: 'w3', status: 'unknown', pricePerHourMicroUsd: null },
    ])
    expect(JSON.stringify(logged)).toContain('An entry of workers could not be used')
  })

  it('lists volumes, an empty list as null too', async () => {
    const { plane } = await connect({
      '/network-volumes': [
        { body: { networkVolumes: [{ id: 'v', name: 'data', size: 50, dataCenter: 'EU-RO-1', type: 'STANDARD' }] } },
        { body: { networkVolumes: null } },
      ],
    })
    expect(await plane.listVolumes()).toEqual([{ id: 'v', name: 'data', sizeGb: 50, dataCenterId: 'EU-RO-1', type: 'STANDARD' }])
    expect(await plane.listVolumes()).toEqual([])
  })

  it('takes the serverless price and no other; a GPU without one is not free', async () => {
    const gpu = { pool: 'ADA_24', memory: 24, availability: 'LOW' }
    const { plane } = await connect({
      '/catalog/gpus?include=AVAILABILITY&product=SERVERLESS': [
        {
          body: {
            gpus: [
              { ...gpu, id: 'a', name: 'A', price: { secure: 0.7, community: 0.3, serverless: 1.12 } },
              { ...gpu, id: 'b', price: { secure: 0.7, serverless: null } },
              { ...gpu, id: 'c', price: { serverless: 0 }, availability: 'PLENTY' },
              { ...gpu, id: 'd', price: { serverless: '0.684' }, pool: null },
              { id: 'broken' },
            ],
          },
          headers: { date: 'Mon, 23 Nov 2026 09:00:00 GMT' },
        },
      ],
    })
    const { gpus, pricedAtMs } = await plane.listGpus()
    expect(gpus.map(({ id, name, poolId, pricePerHourMicroUsd, stock }) => ({ id, name, poolId, pricePerHourMicroUsd, stock }))).toEqual([
      { id: 'a', name: 'A', poolId: 'ADA_24', pricePerHourMicroUsd: 1_120_000, stock: 'low' },
      { id: 'b', name: 'b', poolId: 'ADA_24', pricePerHourMicroUsd: null, stock: 'low' },
      { id: 'c', name: 'c', poolId: 'ADA_24', pricePerHourMicroUsd: null, stock: 'unknown' },
      { id: 'd', name: 'd', poolId: null, pricePerHourMicroUsd: 684_000, stock: 'low' },
    ])
    expect(pricedAtMs).toBe(Date.parse('2026-11-23T09:00:00Z'))
  })

  it('a bill is exact to the micro-dollar, and a line that cannot be read is an error, not nothing owed', async () => {
    const path =
      '/billing/serverless?serverlessId=ep1&bucketSize=hour&startTime=2026-11-23T08%3A00%3A00.000Z&endTime=2026-11-23T10%3A00%3A00.000Z'
    const record = {
      startTime: '2026-11-23T08:00:00Z',
      endTime: '2026-11-23T09:00:00Z',
      serverlessId: 'ep1',
      totalAmount: 0.1 + 0.2,
      gpuAmount: 0.3,
    }
    const { plane } = await connect({
      [path]: [{ body: { records: [record] } }, { body: { records: [record, { ...record, totalAmount: 'much' }] } }],
    })
    const query = {
      endpointId: 'ep1',
      bucket: 'hour',
      fromMs: Date.parse('2026-11-23T08:00:00Z'),
      toMs: Date.parse('2026-11-23T10:00:00Z'),
    } as const
    expect(await plane.serverlessBilling(query)).toEqual([
      {
        startMs: query.fromMs,
        endMs: Date.parse('2026-11-23T09:00:00Z'),
        endpointId: 'ep1',
        totalMicroUsd: 300_000,
        gpuMicroUsd: 300_000,
        cpuMicroUsd: 0,
        diskMicroUsd: 0,
        feeMicroUsd: 0,
      },
    ])
    await expect(plane.serverlessBilling(query)).rejects.toMatchObject({
      code: 'RUNPOD_REPLY_INVALID',
      details: { problem: expect.stringContaining('totalAmount') },
    })
  })

  it.each<[string, ScriptedReply, object]>([
    ['an unknown key', problem(401, { title: 'Unauthorized', status: 401 }), { code: 'ENDPOINT_REFUSED', retryable: false }],
    [
      'a key without the right',
      problem(403, { detail: 'lacks scope' }),
      { code: 'ENDPOINT_REFUSED', message: expect.stringContaining('permission') },
    ],
    [
      'a gateway that turns clients away',
      { status: 403, body: '<html>error code: 1010 cloudflare</html>' },
      { code: 'ENDPOINT_UNREACHABLE' },
    ],
    ['an endpoint that is gone', { status: 404, body: '' }, { code: 'ENDPOINT_NOT_FOUND' }],
    ['a server fault that stays', { status: 500, body: '' }, { code: 'ENDPOINT_UNREACHABLE', retryable: true }],
    [
      'a long pause asked for',
      { status: 429, headers: { 'retry-after': '90' } },
      { code: 'ENDPOINT_UNREACHABLE', message: expect.stringContaining('90 s') },
    ],
    ['a sign-in page', { body: '<html>sign in</html>' }, { code: 'RUNPOD_REPLY_INVALID', retryable: true }],
    ['a page to go to', { status: 302, headers: { location: 'https://example.com' } }, { code: 'RUNPOD_REPLY_INVALID' }],
    ['an empty body', { body: '' }, { code: 'RUNPOD_REPLY_INVALID' }],
    ['another thing', { body: { id: 'ep1', workers: {} } }, { details: { problem: expect.stringContaining('workers.max') } }],
    ['a connection that breaks each time', { breaks: true }, { code: 'ENDPOINT_UNREACHABLE', retryable: true }],
  ])('tells %s in plain words, without the key', async (_name, reply, expected) => {
    const { plane, logged } = await connect({ '/serverless/ep1': [reply] })
    const failure: unknown = await plane.getEndpoint('ep1').catch((error: unknown) => error)
    expect(failure).toMatchObject({ name: 'AppError', ...expected })
    expect(failure instanceof Error ? failure.message : '').toMatch(/\.$/)
    expect(JSON.stringify([failure, logged, failure instanceof Error ? failure.message : ''])).not.toContain('SECRET')
  })

  it('names the fields of a refusal, whichever way they are written', async () => {
    const { plane } = await connect({
      '/serverless/ep1': [
        problem(422, { detail: 'validation failed', errors: [{ message: 'must be at most 5', location: 'body.workers.max' }] }),
        problem(422, { detail: 'validation failed', errors: ['$.timeout: too long'] }),
      ],
    })
    await expect(plane.updateEndpoint('ep1', { workersMax: 9 })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringContaining('workers.max: must be at most 5'),
    })
    await expect(plane.updateEndpoint('ep1', { timeoutMs: 1 })).rejects.toMatchObject({
      details: { fields: [{ field: 'timeout', problem: 'too long' }] },
    })
  })

  it('waits as long as the server says before it asks again', async () => {
    const { plane, clock } = await connect({
      '/serverless/ep1': [
        { status: 429, headers: { 'retry-after': '3' } },
        { status: 429, headers: { ratelimit: '"second";r=4;t=1, "minute";r=0;t=12' } },
        { body: endpoint },
      ],
    })
    await plane.getEndpoint('ep1')
    expect(clock.waits).toEqual([3_000, 12_000])
  })

  it('a create whose answer is lost is not sent again, since a second one would cost money too', async () => {
    const volume = { name: 'data', size: 10, dataCenter: 'EU-RO-1' }
    const { plane, api } = await connect({
      '/network-volumes': [{ breaks: true }, { status: 502, body: '' }, { status: 400, body: { detail: 'no' } }],
    })
    const unknown = { code: 'ENDPOINT_UNREACHABLE', retryable: false, details: { isOutcomeUnknown: true } }
    await expect(plane.createVolume(volume)).rejects.toMatchObject(unknown)
    await expect(plane.createVolume(volume)).rejects.toMatchObject(unknown)
    await expect(plane.createVolume(volume)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    expect(api.calls).toHaveLength(3)
  })

  it('an id cannot lead to another path', async () => {
    const { plane, api } = await connect({})
    for (const id of ['', '.', '..', '../network-volumes/v', 'a/b', 'a?x=1', 'a%2Fb']) {
      await expect(async () => plane.getEndpoint(id)).rejects.toMatchObject({ code: 'RUNPOD_REPLY_INVALID' })
      await expect(async () => plane.workerLogLines('ep1', id, { maxLines: 5 })).rejects.toMatchObject({ code: 'RUNPOD_REPLY_INVALID' })
    }
    expect(api.calls).toEqual([])
  })
})
