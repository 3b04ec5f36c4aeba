import { describe, expect, it } from 'vitest'
import { AppError } from '../../../preload/contract/errors.ts'
import { unreachable } from '../../support/runs/fake-endpoint.ts'
import { createFakeWorker, stepBody } from '../../support/runs/fake-worker.ts'
import { createRunWorld } from '../../support/runs/run-world.ts'
import { startRun, takenJob } from '../../support/runs/started-run.ts'

async function endedWith(status: 'COMPLETED' | 'FAILED' | 'CANCELLED' | 'TIMED_OUT', error?: string) {
  const world = createRunWorld()
  const run = await startRun(world)
  await run.until(() => world.endpoint.jobs.size === 1)
  const job = takenJob(world, run.id)
  await run.until(() => run.get().stage === 'starting_worker')
  job.status = status
  if (error !== undefined) job.error = error
  await run.untilEnded()
  return run.get()
}

describe('how a job can end', () => {
  it('a failure inside COMPLETED is a failed run with the trainer’s own words', async () => {
    const world = createRunWorld()
    const run = await startRun(world)
    await run.until(() => world.endpoint.jobs.size === 1)
    const job = takenJob(world, run.id)
    const error = { code: 'OUT_OF_MEMORY' as const, message: 'The model did not fit.', advice: 'Lower the batch size.' }
    world.endpoint.writeResult(job, { status: 'failed', error, manifest_sha256: null })
    job.status = 'COMPLETED'
    await run.untilEnded()
    expect(run.get()).toMatchObject({ status: 'failed', error, workerError: error })
    expect(world.notices.get(`${run.id}:job_failed`)?.message).toContain('Lower the batch size.')
    expect(world.costs.has(run.id)).toBe(true)
  })

  it('COMPLETED without a result is failed, because the worker could not report', async () => {
    expect(await endedWith('COMPLETED')).toMatchObject({ status: 'failed', error: { code: 'RESULT_MISSING' } })
  })

  it('FAILED after platform retries says that the worker was lost', async () => {
    expect(await endedWith('FAILED', 'job timed out after 1 retries')).toMatchObject({ status: 'failed', error: { code: 'WORKER_LOST' } })
  })

  it('FAILED with executionTimeout names the time limit', async () => {
    expect(await endedWith('FAILED', 'executionTimeout exceeded')).toMatchObject({ error: { code: 'TIME_LIMIT' } })
  })

  it('FAILED with the SDK’s JSON error shows its message and not its traceback', async () => {
    const error = JSON.stringify({ error_type: "<class 'ValueError'>", error_message: 'bad row', error_traceback: 'Traceback …' })
    const run = await endedWith('FAILED', error)
    expect(run.error).toMatchObject({ code: 'JOB_FAILED', message: 'The job failed: ValueError: bad row' })
  })

  it('CANCELLED from elsewhere is cancelled and says so', async () => {
    expect(await endedWith('CANCELLED')).toMatchObject({ status: 'cancelled', error: { code: 'CANCELLED_ELSEWHERE' } })
  })

  it('TIMED_OUT does not stay running for ever', async () => {
    expect(await endedWith('TIMED_OUT')).toMatchObject({ status: 'failed', error: { code: 'JOB_TIMED_OUT' } })
  })

  it('a forgotten job whose result is on the volume is completed', async () => {
    const world = createRunWorld()
    const run = await startRun(world)
    await run.until(() => world.endpoint.jobs.size === 1)
    const job = takenJob(world, run.id)
    await run.until(() => run.get().stage === 'starting_worker')
    world.endpoint.writeResult(job, {})
    world.endpoint.jobs.clear()
    await run.untilEnded()
    expect(run.get()).toMatchObject({ status: 'completed', adapterId: run.id })
  })

  it('a forgotten job whose worker still lives is followed through the volume until its result', async () => {
    const world = createRunWorld({ kind: 'runpod' })
    const run = await startRun(world)
    await run.until(() => world.endpoint.jobs.size === 1)
    const job = takenJob(world, run.id)
    world.endpoint.emit(job, 1, stepBody(1))
    await run.until(() => run.get().head.step === 1)
    world.endpoint.jobs.clear()
    for (let step = 2; step <= 20; step += 1) {
      world.endpoint.emit(job, 1, stepBody(step))
      world.endpoint.beat(run.id)
      await world.clock.advance(30_000)
    }
    expect(run.get()).toMatchObject({ head: { step: 20 }, endedAtMs: null })
    world.endpoint.writeResult(job, {})
    await run.untilEnded()
    expect(run.get().status).toBe('completed')
  })

  it('a forgotten job without result or life is failed with advice', async () => {
    const world = createRunWorld()
    const run = await startRun(world)
    await run.until(() => run.get().stage === 'queued_on_endpoint')
    world.endpoint.jobs.clear()
    await run.untilEnded()
    expect(run.get()).toMatchObject({ status: 'failed', error: { code: 'JOB_EXPIRED' } })
  })

  it('a single 404 is a hiccup, not the end', async () => {
    const world = createRunWorld()
    const run = await startRun(world)
    await run.until(() => run.get().stage === 'queued_on_endpoint')
    const { status } = world.endpoint.client
    let misses = 1
    world.endpoint.client.status = async (jobId) => (misses-- > 0 ? { status: 'NOT_FOUND' } : status(jobId))
    await world.clock.advance(60_000)
    expect(run.get().stage).toBe('queued_on_endpoint')
    expect(world.eventTypes(run.id)).not.toContain('remote_ended')
  })

  it('a volume that is out of reach is tried again, and one that refuses fails the run', async () => {
    const world = createRunWorld()
    world.endpoint.failNext('putFile')
    world.endpoint.failNext('putFile', new AppError('VOLUME_UNREADABLE', 'The disk is full.'))
    const run = await startRun(world)
    await world.clock.settle()
    expect(run.get().stage).toBe('uploading')
    await run.untilEnded()
    expect(run.get().error).toMatchObject({ code: 'VOLUME_UNREADABLE', message: 'The disk is full.' })
  })

  it('a dataset that cannot be prepared fails the run with the reason', async () => {
    const world = createRunWorld()
    world.datasetFacts.problem = new AppError('DATASET_FILE_UNREADABLE', 'The file is gone.')
    const run = await startRun(world)
    await run.untilEnded()
    expect(run.get()).toMatchObject({ status: 'failed', error: { code: 'DATASET_FILE_UNREADABLE', message: 'The file is gone.' } })
  })

  it('a refused key fails before anything is billed and names the next action', async () => {
    const world = createRunWorld({ kind: 'runpod' })
    world.endpoint.failNext('run', new AppError('ENDPOINT_REFUSED', 'The key was refused.'))
    const run = await startRun(world)
    await run.untilEnded()
    expect(run.get().error).toMatchObject({ code: 'ENDPOINT_REFUSED', advice: expect.stringContaining('API key') })
    expect(world.endpoint.counts.posts).toBe(0)
  })
})

describe('losing contact', () => {
  it('stays quiet for one failed poll and is visible, with its end, after several', async () => {
    const world = createRunWorld()
    const run = await startRun(world)
    await run.until(() => run.get().stage === 'queued_on_endpoint')
    world.endpoint.failNext('status')
    await world.clock.advance(10_000)
    expect(run.get().contactLost).toBeNull()
    const lastSeen = run.get().lastSeenAtMs
    for (let count = 0; count < 4; count += 1) world.endpoint.failNext('status')
    await run.until(() => run.get().contactLost !== null, 'contact is lost')
    expect(run.get().contactLost).toContain('does not answer')
    expect(run.get().lastSeenAtMs).toBeGreaterThanOrEqual(lastSeen ?? 0)
    await run.until(() => run.get().contactLost === null, 'contact is back')
    expect(run.get().status).toBe('queued')
  })

  it('says when the worker is silent although the endpoint lists the job as running', async () => {
    const world = createRunWorld()
    const run = await startRun(world)
    await run.until(() => world.endpoint.jobs.size === 1)
    const job = takenJob(world, run.id)
    world.endpoint.emit(job, 1, { kind: 'stage', stage: 'training' })
    await run.until(() => run.get().contactLost !== null)
    expect(run.get().contactLost).toContain('has not reported')
    world.endpoint.emit(job, 1, stepBody(1))
    await run.until(() => run.get().contactLost === null)
    expect(run.get().status).toBe('running')
  })

  it('an adapter that cannot be fetched is tried again until it is there', async () => {
    const world = createRunWorld()
    createFakeWorker(world.endpoint, world.clock)
    world.adapters.failures.push(unreachable(), unreachable(), unreachable())
    const run = await startRun(world)
    await run.until(() => run.get().stageDetail?.includes('Trying again') === true)
    expect(run.get().status).toBe('collecting')
    await run.untilEnded()
    expect(run.get()).toMatchObject({ status: 'completed', adapterId: run.id })
  })

  it('a quarantined adapter ends the run completed, because the training is whole', async () => {
    const world = createRunWorld()
    createFakeWorker(world.endpoint, world.clock)
    world.adapters.failures.push(new AppError('ADAPTER_NOT_VERIFIED', 'A hash is wrong.'))
    const run = await startRun(world)
    await run.untilEnded()
    expect(run.get()).toMatchObject({ status: 'completed', adapterId: null, stageDetail: expect.stringContaining('A hash is wrong.') })
  })

  it('a worker that dies gives the run back to the queue and resumes without a double point', async () => {
    const world = createRunWorld()
    const worker = createFakeWorker(world.endpoint, world.clock)
    const run = await startRun(world)
    await run.until(() => run.get().head.step >= 3)
    worker.die()
    await run.untilEnded()
    expect(run.get()).toMatchObject({ status: 'completed', attempt: 2 })
    const train = run.service.listMetrics(run.id, -1).points.filter((point) => point.kind === 'train')
    expect(train.map((point) => point.step)).toEqual([1, 2, 3, 4, 5, 6])
    const voids = world.published.filter(
      ({ event, payload }) => event === 'runs.progressed' && (payload as { voidAfterStep: unknown }).voidAfterStep === 2,
    )
    expect(voids).toHaveLength(1)
  })
})
