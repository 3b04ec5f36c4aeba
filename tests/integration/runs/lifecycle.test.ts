import { describe, expect, it } from 'vitest'
import { AppError } from '../../../preload/contract/errors.ts'
import { replay } from '../../../main/features/runs/machine.ts'
import { unreachable } from '../../support/runs/fake-endpoint.ts'
import { createFakeWorker, stepBody } from '../../support/runs/fake-worker.ts'
import { createRunWorld, isEnded, runConfig, type RunWorld } from '../../support/runs/run-world.ts'

async function startRun(world: RunWorld, service = world.open()) {
  const { id } = await service.start(runConfig(), '')
  const until = (isDone: () => boolean, what?: string) => world.clock.runUntil(isDone, what)
  const untilEnded = () => until(() => isEnded(service.get(id)), 'the run has ended')
  return { service, id, until, untilEnded, get: () => service.get(id) }
}

function takenJob(world: RunWorld, id: string) {
  const job = world.endpoint.find(id)
  if (job === undefined) throw new Error('No job was posted')
  job.status = 'IN_PROGRESS'
  return job
}

describe('a run from start to adapter', () => {
  it('ends completed with every step once, a cost of zero, and state equal to its replayed events', async () => {
    const world = createRunWorld()
    createFakeWorker(world.endpoint, world.clock)
    const run = await startRun(world)
    await run.untilEnded()
    const ended = run.get()
    expect(ended).toMatchObject({ status: 'completed', stage: 'ended', adapterId: run.id, error: null, progress: 1, costMicroUsd: 0 })
    expect(ended.head).toMatchObject({ step: 6, lossFirst: 2.9, loss: 2.4, evalLossBase: 3, evalLoss: 2.4 })
    const { points, checkpoints } = run.service.listMetrics(run.id, -1)
    expect(points.filter((point) => point.kind === 'train').map((point) => point.step)).toEqual([1, 2, 3, 4, 5, 6])
    expect(points.filter((point) => point.kind === 'eval').map((point) => point.step)).toEqual([0, 6])
    expect(checkpoints.map((mark) => [mark.step, mark.isBest])).toEqual([
      [2, false],
      [4, false],
      [6, true],
    ])
    expect(world.costs.get(run.id)).toMatchObject({ amountMicroUsd: 0, detail: 'No charge; it ran on this computer.' })
    expect([...world.notices.keys()]).toEqual([`${run.id}:job_queued`, `${run.id}:job_started`, `${run.id}:job_completed`])
    expect(replay(world.repository.listEvents(run.id))).toEqual(world.repository.findState(run.id))
    expect(world.problems).toEqual([])
  })

  it('goes through the stages in order, so that the stage strip never jumps back', async () => {
    const world = createRunWorld()
    createFakeWorker(world.endpoint, world.clock)
    const run = await startRun(world)
    const seen: string[] = []
    await run.until(() => {
      const { status, stage } = run.get()
      if (seen.at(-1) !== `${status} ${stage}`) seen.push(`${status} ${stage}`)
      return stage === 'ended'
    })
    const order = ['queued queued_on_endpoint', 'initializing preparing', 'running training', 'running packaging', 'completed ended']
    expect(seen.filter((step) => order.includes(step))).toEqual(order)
  })

  it('takes the missing events from the volume when a snapshot starts after a gap', async () => {
    const world = createRunWorld()
    const run = await startRun(world)
    await run.until(() => world.endpoint.jobs.size === 1)
    const job = takenJob(world, run.id)
    for (let step = 1; step <= 200; step += 1) world.endpoint.emit(job, 1, stepBody(step))
    await run.until(() => run.get().head.step === 200)
    expect(run.service.listMetrics(run.id, -1).points).toHaveLength(200)
  })

  it('shows an ETA from the median of the last 50 steps', async () => {
    const world = createRunWorld()
    const run = await startRun(world)
    await run.until(() => world.endpoint.jobs.size === 1)
    const job = takenJob(world, run.id)
    world.endpoint.emit(job, 1, { kind: 'stage', stage: 'training' })
    world.endpoint.emit(job, 1, { kind: 'plan', ...planFields(100) })
    for (let step = 1; step <= 10; step += 1) world.endpoint.emit(job, 1, stepBody(step))
    await run.until(() => run.get().head.step === 10)
    expect(run.get()).toMatchObject({ progress: 0.1, etaMs: 90 * 1100 })
  })
})

function planFields(steps: number) {
  return {
    rows_train: 1,
    rows_eval: 0,
    rows_dropped: 0,
    rows_truncated: 0,
    tokens_total: 1,
    tokens_trained: 1,
    steps_total: steps,
    steps_per_epoch: steps,
    parameters_trainable: 1,
    parameters_total: 1,
    device: 'cpu',
    dtype: 'float32',
  }
}

describe('stopping', () => {
  it('before submission ends at once and posts nothing', async () => {
    const world = createRunWorld()
    const service = world.open()
    const { id } = await service.start(runConfig(), 'x')
    expect(service.stop(id, 'keep').status).toBe('cancelled')
    await world.clock.advance(60_000)
    expect(world.endpoint.counts.posts).toBe(0)
    expect(world.notices.has(`${id}:job_cancelled`)).toBe(true)
    expect(world.costs.has(id)).toBe(true)
  })

  it('in the queue cancels the job and ends cancelled without waiting for a worker that never was', async () => {
    const world = createRunWorld()
    const run = await startRun(world)
    await run.until(() => run.get().stage === 'queued_on_endpoint')
    run.service.stop(run.id, 'keep')
    await run.untilEnded()
    expect(run.get()).toMatchObject({ status: 'cancelled', adapterId: null, error: null })
    expect(world.endpoint.counts.cancels).toBe(1)
  })

  it('with keep waits for the trainer to save and ends cancelled with the adapter', async () => {
    const world = createRunWorld()
    createFakeWorker(world.endpoint, world.clock)
    const run = await startRun(world)
    await run.until(() => run.get().head.step >= 3)
    run.service.stop(run.id, 'keep')
    await run.untilEnded()
    expect(run.get()).toMatchObject({ status: 'cancelled', adapterId: run.id })
    expect(run.get().stageDetail).toMatch(/Ended at step \d of 6/)
  })

  it('with discard ends cancelled and collects nothing', async () => {
    const world = createRunWorld()
    createFakeWorker(world.endpoint, world.clock)
    const run = await startRun(world)
    await run.until(() => run.get().head.step >= 3)
    run.service.stop(run.id, 'discard')
    await run.untilEnded()
    await world.clock.advance(60_000)
    expect(run.get()).toMatchObject({ status: 'cancelled', adapterId: null })
    expect(world.adapters.collected).toEqual([])
    expect(world.endpoint.find(run.id)?.status).toBe('CANCELLED')
  })

  it('repeats a cancel that did not get through', async () => {
    const world = createRunWorld()
    const run = await startRun(world)
    await run.until(() => run.get().stage === 'queued_on_endpoint')
    world.endpoint.failNext('cancel')
    run.service.stop(run.id, 'keep')
    await run.untilEnded()
    expect(world.endpoint.counts.cancels).toBe(1)
    expect(run.get().status).toBe('cancelled')
  })

  it('with discard while the adapter is fetched leaves no adapter, and with keep changes nothing', async () => {
    const world = createRunWorld()
    createFakeWorker(world.endpoint, world.clock)
    world.adapters.failures.push(...Array.from({ length: 50 }, () => new AppError('VOLUME_UNREADABLE', 'The disk does not answer.')))
    const run = await startRun(world)
    await run.until(() => run.get().status === 'collecting')
    expect(run.service.stop(run.id, 'keep').status).toBe('collecting')
    expect(run.service.stop(run.id, 'discard').status).toBe('cancelled')
    await world.clock.advance(60_000)
    expect(run.get()).toMatchObject({ status: 'cancelled', adapterId: null })
  })

  it('during a submission whose answer is under way cancels the job that the answer names', async () => {
    const world = createRunWorld()
    const run = await startRun(world)
    const { run: post } = world.endpoint.client
    let release = () => {}
    const held = new Promise<void>((resolve) => (release = resolve))
    world.endpoint.client.run = async (...inputs) => {
      const reply = await post(...inputs)
      await held
      return reply
    }
    await run.until(() => world.endpoint.counts.posts === 1)
    expect(run.service.stop(run.id, 'discard').status).not.toBe('cancelled')
    release()
    await run.untilEnded()
    expect(world.endpoint.find(run.id)?.status).toBe('CANCELLED')
  })

  it('refuses to stop a run that has ended', async () => {
    const world = createRunWorld()
    const run = await startRun(world)
    run.service.stop(run.id, 'discard')
    expect(() => run.service.stop(run.id, 'keep')).toThrow(expect.objectContaining({ code: 'RUN_NOT_ACTIVE' }))
  })
})

describe('how a job can end', () => {
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
    const voids = world.published.filter(({ event, payload }) => event === 'runs.progressed' && (payload as { voidAfterStep: unknown }).voidAfterStep === 2)
    expect(voids).toHaveLength(1)
  })
})

describe('several runs', () => {
  it('queue up one after the other on this computer', async () => {
    const world = createRunWorld()
    const worker = createFakeWorker(world.endpoint, world.clock)
    const first = await startRun(world)
    await first.until(() => first.get().stage === 'queued_on_endpoint')
    const second = await startRun(world, first.service)
    await first.until(() => first.get().status === 'running')
    expect(second.get()).toMatchObject({ status: 'queued', stage: 'queued_on_endpoint' })
    await first.until(() => isEnded(first.get()) && isEnded(second.get()))
    expect([first.get().status, second.get().status]).toEqual(['completed', 'completed'])
    expect(second.get().startedAtMs).toBeGreaterThan(first.get().startedAtMs ?? Number.POSITIVE_INFINITY)
    expect([...worker.trainings.values()]).toEqual([1, 1])
  })
})
