import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openCloudLab, type CloudLab } from './cloud-lab.ts'

let lab: CloudLab
beforeEach(async () => void (lab = await openCloudLab()))
afterEach(() => lab.close())

const day = 86_400_000
const workers = async () => {
  const { body } = await lab.get(`${lab.cloud.addresses.rest}/serverless/${lab.endpointId}/workers`)
  return (body as { workers: { id: string; status: string }[] }).workers
}
const patch = (body: unknown) =>
  fetch(`${lab.cloud.addresses.rest}/serverless/${lab.endpointId}`, {
    method: 'PATCH',
    headers: { authorization: `Bearer ${lab.cloud.addresses.apiKey}` },
    body: JSON.stringify(body),
  })
const setting = async () => {
  const { body } = await lab.get(`${lab.cloud.addresses.rest}/serverless/${lab.endpointId}`)
  return (body as { workers: { max: number } }).workers.max
}

describe('the workers of an endpoint', () => {
  it.each(['throttled', 'unhealthy', 'initializing'] as const)('%s workers take no job until they no longer are', async (stuckAs) => {
    await lab.control.setWorkers({ endpointId: lab.endpointId, stuckAs })
    const { jobId, status } = await lab.train(lab.trainInput())
    expect(status.status).toBe('IN_QUEUE')
    expect((await lab.jobs.health()).workers).toMatchObject({ [stuckAs]: 1, idle: 0, running: 0 })
    expect(await workers()).toEqual([expect.objectContaining({ status: stuckAs.toUpperCase() })])
    await lab.control.advance({ ms: 600_000 })
    const billed = (await lab.control.truth({})).billedMicroUsd
    if (stuckAs === 'initializing') expect(billed).toBeGreaterThan(0)
    else expect(billed).toBe(0)
    await lab.control.setWorkers({ endpointId: lab.endpointId, stuckAs: null })
    await lab.control.quiet({})
    expect((await lab.jobs.status(jobId)).status).toBe('COMPLETED')
  })

  it('with no worker allowed a job waits for ever, until the setting is repaired', async () => {
    await lab.control.setMaxWorkers({ endpointId: lab.endpointId, max: 0 })
    const { jobId } = await lab.train(lab.trainInput())
    await lab.control.advance({ ms: 20 * 3_600_000 })
    expect((await lab.jobs.status(jobId)).status).toBe('IN_QUEUE')
    expect(await workers()).toEqual([])
    await patch({ workers: { max: 1 } })
    await lab.control.quiet({})
    expect((await lab.jobs.status(jobId)).status).toBe('COMPLETED')
  })

  it('an endpoint nobody uses loses its workers after three and seven days, and keeps the setting', async () => {
    await lab.control.setMaxWorkers({ endpointId: lab.endpointId, max: 5 })
    await lab.train(lab.trainInput())
    await lab.control.advance({ ms: 3 * day - 3_600_000 })
    expect(await setting()).toBe(5)
    await lab.control.advance({ ms: 3_600_000 })
    expect(await setting()).toBe(2)
    await lab.control.advance({ ms: 4 * day })
    expect(await setting()).toBe(0)
    const { jobId, status } = await lab.train(lab.trainInput())
    expect(status.status).toBe('IN_QUEUE')
    await patch({ workers: { max: 1 } })
    await lab.control.quiet({})
    expect((await lab.jobs.status(jobId)).status).toBe('COMPLETED')
  })

  it('a worker leaves after its idle time, and lowering the maximum to nothing ends one that trains', async () => {
    await lab.train(lab.trainInput())
    expect((await lab.jobs.health()).workers).toMatchObject({ idle: 1 })
    await lab.control.advance({ ms: 5_000 })
    expect(await workers()).toEqual([])
    const input = lab.trainInput()
    await lab.control.hold({ runId: input.run_id, at: 6 })
    const jobId = await lab.post(input)
    await lab.control.whenHeld({})
    await patch({ workers: { max: 0 } })
    await lab.control.quiet({})
    expect(await workers()).toEqual([])
    expect((await lab.jobs.status(jobId)).status).toBe('IN_QUEUE')
    await patch({ workers: { max: 1 } })
    await lab.control.quiet({})
    expect(lab.result(input.run_id)).toMatchObject({ status: 'completed', attempt: 2 })
    expect((await lab.truthOf(input.run_id)).steps).toMatchObject({ executed: 20, distinct: 20 })
  })

  it('a worker killed by hand is replaced, and a second endpoint knows nothing of it', async () => {
    const input = lab.trainInput()
    const other = await lab.control.createEndpoint({})
    await lab.control.hold({ runId: input.run_id, at: 11 })
    const jobId = await lab.post(input)
    await lab.control.whenHeld({})
    await lab.control.killWorkers({ endpointId: lab.endpointId })
    await lab.control.quiet({})
    expect(await lab.jobs.status(jobId)).toMatchObject({ status: 'COMPLETED', retries: 1 })
    const { body } = await lab.get(`${lab.cloud.addresses.jobs}/${other.endpointId}/health`)
    expect(body).toMatchObject({ jobs: { completed: 0, retried: 0 } })
  })

  it('at pace `clock` a training goes on exactly as far as the clock', async () => {
    await lab.control.setClock({ pace: 'clock' })
    const input = lab.trainInput()
    const jobId = await lab.post(input)
    // 8 s start, 20 s load, then a step a second.
    await lab.control.advance({ ms: 8_000 + 20_000 + 7_000 })
    const during = await lab.jobs.status(jobId)
    expect(during).toMatchObject({ status: 'IN_PROGRESS', output: { run_id: input.run_id } })
    expect((await lab.truthOf(input.run_id)).steps.executed).toBe(7)
    await lab.control.advance({ ms: 13_000 })
    expect(await lab.jobs.status(jobId)).toMatchObject({ status: 'COMPLETED', executionTimeMs: 40_000 })
  })
})

describe('a cloud that is started again', () => {
  it('keeps jobs, results, endpoints, money and faults, and goes on with what was under way', async () => {
    const finished = lab.trainInput()
    const { jobId } = await lab.train(finished)
    const input = lab.trainInput()
    await lab.control.hold({ runId: input.run_id, at: 12 })
    const running = await lab.post(input)
    await lab.control.whenHeld({})
    await lab.control.addFault({ operation: 'health', effect: { kind: 'server_error', status: 503 } })
    const before = await lab.control.truth({})
    const { jobs } = lab.cloud.addresses
    lab = await lab.restart()
    expect(lab.cloud.addresses.jobs).toBe(jobs)
    expect((await lab.get(`${lab.jobsUrl}/health`)).status).toBe(503)
    await lab.control.quiet({})
    expect((await lab.jobs.status(jobId)).status).toBe('COMPLETED')
    expect((await lab.jobs.status(running)).status).toBe('COMPLETED')
    const after = await lab.control.truth({})
    expect(after.jobsAccepted).toBe(before.jobsAccepted)
    expect(after.billedMicroUsd).toBeGreaterThan(before.billedMicroUsd)
    expect(after.runs[input.run_id]?.steps).toMatchObject({ executed: 22, distinct: 20, mostWorkersAtOnce: 1, completions: 1 })
  })
})
