import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import { helloReplySchema } from '../../../preload/contract/worker-actions.ts'
import { isClosed, markIn, testPython, untilStatus } from '../../support/local-platform.ts'
import { openCloudLab, policy, type CloudLab } from './cloud-lab.ts'

const client = fileURLToPath(new URL('../../support/runpod-cloud/python/official_client.py', import.meta.url))
const sdkWorker = fileURLToPath(new URL('../../support/sdk-worker', import.meta.url))
const execute = promisify(execFile)
let lab: CloudLab | null = null
afterEach(async () => {
  await lab?.close()
  lab = null
})

/** Runs the official client in a process of its own; what it printed. */
async function askClient({ cloud, endpointId }: CloudLab, action: string, input: unknown = {}): Promise<unknown> {
  const { jobs, apiKey } = cloud.addresses
  const { stdout } = await execute(testPython(), [client, jobs, apiKey, endpointId, action, JSON.stringify(input)], {
    env: { PATH: process.env['PATH'], NO_PROXY: '127.0.0.1', no_proxy: '127.0.0.1' },
  })
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
}

const flowing = { clock: { kind: 'flowing', speed: 1 } } as const

describe('RunPod’s own Python client', { timeout: 120_000 }, () => {
  it('runs a job to its output, sees health, purges, and is refused with a wrong key', async () => {
    lab = await openCloudLab({ ...flowing, endpoint: { echo: true } })
    expect(await askClient(lab, 'run')).toEqual({
      id: expect.stringMatching(/-u1$/),
      status: 'COMPLETED',
      output: { echo: { hello: 'cloud' } },
    })
    expect(await askClient(lab, 'health')).toEqual({
      jobs: { completed: 1, failed: 0, inProgress: 0, inQueue: 0, retried: 0 },
      workers: { idle: expect.any(Number), initializing: 0, ready: expect.any(Number), running: 0, throttled: 0, unhealthy: 0 },
    })
    await lab.control.shutQueue({ endpointId: lab.endpointId, forMs: 3_600_000 })
    expect(await askClient(lab, 'purge')).toMatchObject({ reply: { removed: 2, status: 'completed' } })
    await lab.control.setKeys({ keys: [{ token: 'rpa_another', scopes: ['jobs'] }] })
    expect(await askClient(lab, 'health')).toEqual({ error: expect.stringContaining('401') })
  })

  it('cancels a waiting and a running job', async () => {
    lab = await openCloudLab(flowing)
    const input = lab.trainInput()
    await lab.control.hold({ runId: input.run_id, at: 3 })
    await lab.control.shutQueue({ endpointId: lab.endpointId, forMs: 3_600_000 })
    const waiting = await lab.post(lab.trainInput())
    const { id } = (await askClient(lab, 'post', input)) as { id: string }
    expect(await askClient(lab, 'cancel', waiting)).toEqual({
      before: 'IN_QUEUE',
      reply: { id: waiting, status: 'CANCELLED' },
      after: 'CANCELLED',
    })
    await lab.control.shutQueue({ endpointId: lab.endpointId, forMs: 0 })
    await lab.control.whenHeld({})
    expect(await askClient(lab, 'cancel', id)).toEqual({ before: 'IN_PROGRESS', reply: { id, status: 'CANCELLED' }, after: 'CANCELLED' })
    await lab.control.quiet({})
    expect(lab.result(input.run_id)).toMatchObject({ status: 'stopped', steps_done: 3 })
  })
})

describe('RunPod’s own worker SDK', { timeout: 120_000 }, () => {
  const openReal = async (trainerFolder?: string) => {
    lab = await openCloudLab({
      ...flowing,
      python: testPython(),
      ...(trainerFolder === undefined ? {} : { trainerFolder }),
      endpoint: { workerKind: 'real', idleTimeout: 60 },
    })
    return lab
  }
  const tell = (folder: string, name: string) => writeFile(join(folder, name), '')

  it('takes a job, shows progress, finishes, and both error shapes arrive', async () => {
    const { jobs, volumeFolder, control } = await openReal(sdkWorker)
    const progress = await jobs.run({ kind: 'progress', step: 7 }, policy)
    const during = await untilStatus(jobs, progress.jobId, (status) => status.status === 'IN_PROGRESS' && status.output !== undefined)
    expect(during.output).toEqual({ step: 7 })
    expect((await jobs.health()).workers).toMatchObject({ running: 1 })
    await tell(volumeFolder, 'progress-seen')
    expect(await untilStatus(jobs, progress.jobId, isClosed)).toMatchObject({
      status: 'COMPLETED',
      output: { echo: { kind: 'progress', step: 7 } },
    })
    const raised = await jobs.run({ kind: 'raise' }, policy)
    expect(await untilStatus(jobs, raised.jobId, isClosed)).toMatchObject({ status: 'FAILED', error: 'the handler gave up' })
    const refused = await jobs.run({ kind: 'error' }, policy)
    expect(await untilStatus(jobs, refused.jobId, isClosed)).toMatchObject({
      status: 'FAILED',
      error: 'no such thing',
      output: { detail: 7 },
    })
    expect((await control.truth({})).billedMicroUsd).toBeGreaterThan(0)
  })

  it('is cancelled, killed and replaced; the restarted job shows its retry', async () => {
    const { jobs, volumeFolder } = await openReal(sdkWorker)
    const { jobId } = await jobs.run({ kind: 'wait' }, policy)
    await markIn(volumeFolder, 'waiting')
    await jobs.cancel(jobId)
    expect(await markIn(volumeFolder, 'cancelled')).toBe(jobId)
    expect((await jobs.status(jobId)).status).toBe('CANCELLED')
    const crashing = await jobs.run({ kind: 'crash_once' }, policy)
    expect(await untilStatus(jobs, crashing.jobId, isClosed)).toMatchObject({ status: 'COMPLETED', retries: 1, output: { retries: 1 } })
  })

  it('faults on the worker’s side of the protocol: a result whose reply is lost is posted again', async () => {
    const { jobs, control } = await openReal(sdkWorker)
    await control.addFault({ operation: 'worker.job-done', effect: { kind: 'reset_before' } })
    const { jobId } = await jobs.run({ kind: 'echo' }, policy)
    expect(await untilStatus(jobs, jobId, isClosed)).toMatchObject({ status: 'COMPLETED', output: { echo: { kind: 'echo' } } })
    expect((await control.truth({})).calls['worker.job-done']).toBeGreaterThanOrEqual(2)
  })

  it('our own trainer answers hello', async () => {
    const { jobs } = await openReal()
    const { jobId } = await jobs.run({ v: 1, action: 'hello' }, policy)
    const status = await untilStatus(jobs, jobId, isClosed)
    expect(helloReplySchema.parse(status.output).actions).toContain('train')
  })
})
