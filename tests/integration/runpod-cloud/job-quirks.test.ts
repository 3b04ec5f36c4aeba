import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openCloudLab, policy, type CloudLab } from './cloud-lab.ts'

let lab: CloudLab
beforeEach(async () => void (lab = await openCloudLab()))
afterEach(() => lab.close())

const startMs = 1_800_000_000_000
const hour = 3_600_000
const status = (jobId: string) => lab.get(`${lab.jobsUrl}/status/${jobId}`)

describe('what RunPod does with jobs', () => {
  it('a result is gone after 30 minutes, on the volume it stays', async () => {
    const input = lab.trainInput()
    const { jobId } = await lab.train(input)
    await lab.control.advance({ ms: 29 * 60_000 })
    expect((await status(jobId)).status).toBe(200)
    await lab.control.advance({ ms: 2 * 60_000 })
    expect((await status(jobId)).status).toBe(404)
    expect(lab.result(input.run_id)?.status).toBe('completed')
  })

  it('the time to live deletes a job even while it runs, and its worker is told to stop', async () => {
    const input = lab.trainInput()
    await lab.control.hold({ runId: input.run_id, at: 3 })
    const { jobId } = await lab.jobs.run(input, { executionTimeoutMs: 2 * hour, ttlMs: hour })
    await lab.control.whenHeld({})
    await lab.control.advance({ ms: hour })
    expect((await status(jobId)).status).toBe(404)
    await lab.control.quiet({})
    expect(lab.result(input.run_id)).toMatchObject({ status: 'stopped', steps_done: 3 })
  })

  it('a job that runs too long fails with the platform’s words', async () => {
    const input = lab.trainInput({ max_steps: 100, num_train_epochs: 20 })
    const { jobId } = await lab.jobs.run(input, { executionTimeoutMs: 60_000, ttlMs: hour })
    await lab.control.quiet({})
    expect(await lab.jobs.status(jobId)).toMatchObject({ status: 'FAILED', error: 'executionTimeout exceeded' })
    expect(lab.result(input.run_id)).toMatchObject({ status: 'stopped', steps_done: 40 })
  })

  it('a shut queue keeps a job waiting for as long as it was told to', async () => {
    await lab.control.shutQueue({ endpointId: lab.endpointId, forMs: 120_000 })
    const jobId = await lab.post(lab.trainInput())
    await lab.control.quiet({})
    const { nowMs } = await lab.control.now({})
    await lab.control.advance({ ms: startMs + 119_000 - nowMs })
    expect((await status(jobId)).body).toEqual({ id: jobId, status: 'IN_QUEUE' })
    await lab.control.advance({ ms: 2_000 })
    await lab.control.quiet({})
    expect(await lab.jobs.status(jobId)).toMatchObject({ status: 'COMPLETED' })
  })

  it('late progress overwrites a result', async () => {
    const input = lab.trainInput()
    await lab.control.addFault({ operation: 'job.train', effect: { kind: 'progress_race' } })
    const { status: shown } = await lab.train(input)
    expect(shown).toMatchObject({ status: 'IN_PROGRESS', output: { v: 1, run_id: input.run_id } })
    expect(lab.result(input.run_id)?.status).toBe('completed')
  })

  it('COMPLETED may come without an output', async () => {
    await lab.control.addFault({ operation: 'job.train', effect: { kind: 'no_output' } })
    const { jobId } = await lab.train(lab.trainInput())
    const { body } = await status(jobId)
    expect(body).toMatchObject({ status: 'COMPLETED' })
    expect(body).not.toHaveProperty('output')
  })

  it('a raised exception is a JSON string, a returned error is a text with the rest beside it', async () => {
    await lab.control.addFault({ operation: 'job.train', effect: { kind: 'raise', message: 'CUDA out of memory' } })
    const raised = await status((await lab.train(lab.trainInput())).jobId)
    expect(raised.body).toMatchObject({
      status: 'FAILED',
      error: expect.stringMatching(/^\{"error_type".*"error_message":"CUDA out of memory"/),
    })
    expect(raised.body).not.toHaveProperty('output')
    await lab.control.addFault({ operation: 'job.train', effect: { kind: 'error_dict', error: 'no space left' } })
    const returned = await status((await lab.train(lab.trainInput())).jobId)
    expect(returned.body).toMatchObject({ status: 'FAILED', error: 'no space left', output: { worker: expect.any(String) } })
  })

  it('a failed training is a COMPLETED job', async () => {
    await lab.control.addFault({ operation: 'job.train', effect: { kind: 'inner_failure', code: 'OUT_OF_MEMORY' } })
    const { status: shown } = await lab.train(lab.trainInput())
    expect(shown).toMatchObject({ status: 'COMPLETED', output: { status: 'failed', failure: { code: 'OUT_OF_MEMORY' } } })
  })

  it('a worker that dies twice ends the job with the misleading words of the platform', async () => {
    await lab.control.addFault({ operation: 'job.train', count: 2, effect: { kind: 'kill', at: 2 } })
    const { jobId, status: shown } = await lab.train(lab.trainInput())
    expect(shown).toMatchObject({ status: 'FAILED', error: 'job timed out after 1 retries', retries: 1 })
    await lab.jobs.retry(jobId)
    await lab.control.quiet({})
    expect(await lab.jobs.status(jobId)).toMatchObject({ status: 'COMPLETED' })
  })

  it('a job may be shown as TIMED_OUT, and can then be retried', async () => {
    await lab.control.addFault({ operation: 'job.train', effect: { kind: 'timed_out' } })
    expect((await lab.train(lab.trainInput())).status.status).toBe('TIMED_OUT')
  })

  it('two workers given the same job: the second waits for the first, no step is done twice', async () => {
    const input = lab.trainInput()
    await lab.control.addFault({ operation: 'job.train', effect: { kind: 'twice' } })
    await lab.train(input)
    const { steps } = await lab.truthOf(input.run_id)
    expect(steps).toMatchObject({ executed: 20, distinct: 20, mostWorkersAtOnce: 1, completions: 1 })
    expect((await lab.control.truth({})).workersEver).toBe(2)
  })

  it('a broken worker that ignores the lease is seen in the truth', async () => {
    const input = lab.trainInput()
    await lab.control.addFault({ operation: 'job.train', effect: { kind: 'twice' } })
    await lab.control.addFault({ operation: 'job.train', count: 2, effect: { kind: 'ignore_lease' } })
    await lab.control.hold({ runId: input.run_id, at: 4 })
    await lab.post(input)
    await lab.control.whenHeld({})
    await lab.control.quiet({})
    await lab.control.release({})
    await lab.control.quiet({})
    const { steps } = await lab.truthOf(input.run_id)
    expect(steps.mostWorkersAtOnce).toBe(2)
    expect(steps.executed).toBeGreaterThan(steps.distinct)
  })

  it('a cancel may not stop the worker: the job says CANCELLED and the GPU goes on', async () => {
    const input = lab.trainInput()
    await lab.control.addFault({ operation: 'job.train', effect: { kind: 'ignore_cancel' } })
    await lab.control.hold({ runId: input.run_id, at: 3 })
    const jobId = await lab.post(input)
    await lab.control.whenHeld({})
    await lab.jobs.cancel(jobId)
    const workers = await lab.get(`${lab.cloud.addresses.rest}/serverless/${lab.endpointId}/workers`)
    expect(workers.body).toMatchObject({ workers: [{ status: 'RUNNING' }] })
    await lab.control.quiet({})
    await lab.control.release({})
    await lab.control.quiet({})
    expect(await lab.jobs.status(jobId)).toEqual({ status: 'CANCELLED', ...expectTimes() })
    expect((await lab.truthOf(input.run_id)).steps.executed).toBe(20)
  })

  it('purging takes waiting jobs only', async () => {
    const input = lab.trainInput()
    await lab.control.hold({ runId: input.run_id, at: 3 })
    const running = await lab.post(input)
    await lab.control.whenHeld({})
    const waiting = await lab.post(lab.trainInput())
    expect(await lab.jobs.purgeQueue()).toEqual({ removed: 1 })
    expect((await lab.jobs.status(waiting)).status).toBe('NOT_FOUND')
    expect((await lab.jobs.status(running)).status).toBe('IN_PROGRESS')
  })

  it('a body of more than 10 MiB is refused by size, an endpoint’s own limit counts for jobs that name none', async () => {
    const headers = { authorization: `Bearer ${lab.cloud.addresses.apiKey}` }
    const post = (body: string) => fetch(`${lab.jobsUrl}/run`, { method: 'POST', headers, body })
    const large = await post(JSON.stringify({ input: { data: 'x'.repeat(10 * 1024 * 1024) } }))
    expect(large.status).toBe(400)
    expect(await large.text()).toContain('exceeded max body size of 10MiB')
    const input = lab.trainInput({ max_steps: 400, num_train_epochs: 20 })
    await (await post(JSON.stringify({ input, policy: { ttl: policy.ttlMs } }))).json()
    await lab.control.advance({ ms: 700_000 })
    expect(lab.result(input.run_id)).toMatchObject({ steps_done: 400 })
    const late = lab.trainInput({ max_steps: 700, num_train_epochs: 20 })
    await (await post(JSON.stringify({ input: late }))).json()
    await lab.control.quiet({})
    expect(lab.result(late.run_id)).toMatchObject({ status: 'stopped', ended_by: 'user' })
  })
})

function expectTimes() {
  return { delayTimeMs: expect.any(Number), executionTimeMs: expect.any(Number), workerId: expect.any(String) }
}
