import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openCloudLab, type CloudLab } from './cloud-lab.ts'

let lab: CloudLab
beforeEach(async () => void (lab = await openCloudLab()))
afterEach(() => lab.close())

const call = async (method: string, path: string, body?: unknown) => {
  const { addresses } = lab.cloud
  const response = await fetch(`${addresses.rest}/${path}`, {
    method,
    headers: { authorization: `Bearer ${addresses.apiKey}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    body: text === '' ? undefined : (JSON.parse(text) as Record<string, unknown>),
  }
}
const idOf = (reply: { body: Record<string, unknown> | undefined }) => String(reply.body?.['id'])

describe('REST v2', () => {
  it('everything a first set-up needs can be made, read, changed and removed', async () => {
    const volume = await call('POST', 'network-volumes', { name: 'v', size: 20, dataCenter: 'EU-RO-1' })
    expect(volume).toMatchObject({ status: 201, body: { size: 20, dataCenter: 'EU-RO-1', type: 'STANDARD' } })
    const template = await call('POST', 'templates', { name: 't', image: 'tunesmith-trainer:0.1.0', serverless: true, env: { A: 'b' } })
    const made = await call('POST', 'serverless', {
      name: 'made',
      type: 'QUEUE',
      templateId: idOf(template),
      gpu: { pools: ['ADA_24'], minCudaVersion: '12.8' },
      scaling: { type: 'QUEUE_DELAY', queueDelay: 4 },
      networkVolumes: [idOf(volume)],
    })
    expect(made).toMatchObject({
      status: 201,
      body: { workers: { min: 0, max: 3, idleTimeout: 10 }, timeout: 0, networkVolumes: [idOf(volume)] },
    })
    const id = idOf(made)
    expect(made.body?.['requestUrls']).toMatchObject({ run: `${lab.cloud.addresses.jobs}/${id}/run` })
    expect((await call('PATCH', `serverless/${id}`, { workers: { max: 1 } })).body).toMatchObject({
      workers: { min: 0, max: 1, idleTimeout: 10 },
    })
    expect((await call('GET', 'serverless')).body).toMatchObject({ endpoints: [{ id: lab.endpointId }, { id, workers: { max: 1 } }] })
    expect((await lab.get(`${lab.cloud.addresses.jobs}/${id}/health`)).status).toBe(200)
    expect((await call('DELETE', `network-volumes/${idOf(volume)}`)).status).toBe(409)
    expect((await call('DELETE', `serverless/${id}`)).status).toBe(204)
    expect((await call('GET', `serverless/${id}`)).status).toBe(404)
    expect((await call('PATCH', `network-volumes/${idOf(volume)}`, { size: 15 })).status).toBe(400)
    expect((await call('DELETE', `network-volumes/${idOf(volume)}`)).status).toBe(204)
    expect((await call('DELETE', `templates/${idOf(template)}`)).status).toBe(204)
  })

  it('an unknown field is refused by its name, as a problem document', async () => {
    const refused = await call('PATCH', `serverless/${lab.endpointId}`, { workersMax: 1 })
    expect(refused).toMatchObject({
      status: 422,
      type: 'application/problem+json',
      body: { status: 422, detail: expect.stringContaining('workersMax') },
    })
    expect(refused.body?.['errors']).toEqual([{ location: 'body.workersMax', message: 'unexpected property' }])
    const both = { pools: ['ADA_24'], minCudaVersion: '12.8', allowedCudaVersions: ['12.8'] }
    expect((await call('PATCH', `serverless/${lab.endpointId}`, { gpu: both })).status).toBe(422)
  })

  it('prices and stock are what the market says now', async () => {
    await lab.control.setPrice({ pool: 'ADA_24', microUsdPerHour: 2_000_000 })
    await lab.control.setStock({ where: 'ADA_24', stock: 'NONE' })
    await lab.control.setStock({ where: 'NVIDIA L4@EU-RO-1', stock: 'LOW' })
    const { body } = await call('GET', 'catalog/gpus?include=AVAILABILITY&product=SERVERLESS')
    const gpus = body?.['gpus']
    expect(gpus).toContainEqual(
      expect.objectContaining({ pool: 'ADA_24', price: expect.objectContaining({ serverless: 2 }), availability: 'NONE' }),
    )
    expect(gpus).toContainEqual(
      expect.objectContaining({
        id: 'NVIDIA L4',
        availability: 'HIGH',
        dataCenters: expect.arrayContaining([{ id: 'EU-RO-1', availability: 'LOW' }]),
      }),
    )
    const centres = await call('GET', 'catalog/datacenters?include=GPU_AVAILABILITY')
    expect(centres.body?.['dataCenters']).toContainEqual(expect.objectContaining({ id: 'OC-AU-1', networkVolumeTypes: [] }))
    await lab.post(lab.trainInput())
    await lab.control.quiet({})
    expect((await call('GET', `serverless/${lab.endpointId}/workers`)).body).toMatchObject({
      workers: [{ status: 'THROTTLED' }],
      summary: { throttled: 1, total: 1 },
    })
    await lab.control.setStock({ where: 'ADA_24', stock: 'HIGH' })
    await lab.control.quiet({})
    expect((await call('GET', `serverless/${lab.endpointId}/workers`)).body).toMatchObject({
      workers: [{ status: 'IDLE', gpuTypeId: 'NVIDIA GeForce RTX 4090' }],
    })
  })

  it('the bill is the worker’s whole life in seconds at the price of its GPU, in buckets that add up', async () => {
    const input = lab.trainInput()
    await lab.train(input)
    await lab.control.advance({ ms: 60_000 })
    const truth = await lab.control.truth({})
    // 8 s start, 20 s load, 20 steps of 1 s, 5 s idle.
    const expected = Math.ceil((53 * 1_120_000) / 3600)
    expect(truth).toMatchObject({ workersNow: 0, billedMicroUsd: expected, billedByEndpoint: { [lab.endpointId]: expected } })
    expect(truth.runs[input.run_id]?.billedMicroUsd).toBe(expected)
    await lab.control.advance({ ms: 3_600_000 })
    await lab.train(lab.trainInput())
    await lab.control.advance({ ms: 60_000 })
    const { body } = await call('GET', `billing/serverless?serverlessId=${lab.endpointId}&bucketSize=hour`)
    const records = body?.['records'] as { totalAmount: number; serverlessId: string }[]
    expect(records.length).toBeGreaterThanOrEqual(2)
    const sum = records.reduce((total, record) => total + Math.round(record.totalAmount * 1_000_000), 0)
    expect(sum).toBe((await lab.control.truth({})).billedMicroUsd)
  })

  it('the balance falls by the bill, and without money no worker starts', async () => {
    const ask = async () => {
      const response = await fetch(lab.cloud.addresses.graphql, {
        method: 'POST',
        headers: { authorization: `Bearer ${lab.cloud.addresses.apiKey}`, 'user-agent': 'Tunesmith-test' },
        body: JSON.stringify({ query: 'query { myself { id clientBalance currentSpendPerHr } }' }),
      })
      return (await response.json()) as { data: { myself: { id: string; clientBalance: number; currentSpendPerHr: number } } }
    }
    await lab.control.setBalance({ microUsd: 5_000_000 })
    const before = await ask()
    expect(before.data.myself).toEqual({ id: expect.stringMatching(/^user_/), clientBalance: 5, currentSpendPerHr: 0 })
    await lab.train(lab.trainInput())
    const during = await ask()
    expect(during.data.myself.clientBalance).toBeLessThan(5)
    expect(during.data.myself.currentSpendPerHr).toBe(1.12)
    await lab.control.advance({ ms: 60_000 })
    await lab.control.setBalance({ microUsd: 0 })
    const { status } = await lab.train(lab.trainInput())
    expect(status.status).toBe('IN_QUEUE')
  })

  it('GraphQL wants a user agent, tells bad keys from none, and may be closed to a key', async () => {
    const post = async (headers: Record<string, string>) => {
      const response = await fetch(lab.cloud.addresses.graphql, {
        method: 'POST',
        headers,
        body: JSON.stringify({ query: '{ myself { id } }' }),
      })
      return { status: response.status, body: (await response.json()) as unknown }
    }
    expect((await post({ 'user-agent': '' })).status).toBe(403)
    expect(await post({ 'user-agent': 'x' })).toEqual({ status: 200, body: { data: { myself: null } } })
    expect((await post({ 'user-agent': 'x', authorization: 'Bearer rpa_bad' })).status).toBe(401)
    await lab.control.setKeys({ keys: [{ token: 'rpa_narrow', scopes: ['jobs'] }] })
    expect((await post({ 'user-agent': 'x', authorization: 'Bearer rpa_narrow' })).body).toMatchObject({
      errors: [{ message: expect.any(String) }],
    })
  })

  it('worker logs are a stream: what was, by source and tail, and what comes', async () => {
    const input = lab.trainInput()
    await lab.control.hold({ runId: input.run_id, at: 2 })
    const jobId = await lab.post(input)
    await lab.control.whenHeld({})
    const { workerId } = await lab.jobs.status(jobId)
    const ending = new AbortController()
    const response = await fetch(
      `${lab.cloud.addresses.rest}/serverless/${lab.endpointId}/workers/${workerId}/logs?source=container&tail=1`,
      {
        headers: { authorization: `Bearer ${lab.cloud.addresses.apiKey}` },
        signal: ending.signal,
      },
    )
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    let text = ''
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    const readUntil = async (what: string) => {
      while (!text.includes(what)) text += (await reader?.read())?.value ?? ''
    }
    await readUntil('end of backlog')
    expect(text).toContain(`Started train ${input.run_id}`)
    await lab.control.release({})
    await readUntil(`Finished train ${input.run_id}`)
    expect(text).not.toContain('start container')
    ending.abort()
    await lab.control.advance({ ms: 300_000 })
    const later = await fetch(`${lab.cloud.addresses.rest}/serverless/${lab.endpointId}/workers/${workerId}/logs?tail=0`, {
      headers: { authorization: `Bearer ${lab.cloud.addresses.apiKey}` },
    })
    expect(later.status).toBe(200)
    await later.body?.cancel()
  })
})
