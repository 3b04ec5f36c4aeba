import { describe, expect, it } from 'vitest'
import { AppError } from '../../../preload/contract/errors.ts'
import { replay } from '../../../main/features/runs/machine.ts'
import { createFakeWorker, stepBody } from '../../support/runs/fake-worker.ts'
import { createRunWorld, isEnded, runConfig } from '../../support/runs/run-world.ts'
import { startRun, takenJob } from '../../support/runs/started-run.ts'

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

  it('tells the windows now and then that a run which only goes on is in touch, or its meter would stand still', async () => {
    const world = createRunWorld()
    const run = await startRun(world)
    await run.until(() => world.endpoint.jobs.size === 1)
    takenJob(world, run.id)
    await run.until(() => run.get().startedAtMs !== null)
    await world.clock.advance(30_000)
    const before = world.published.filter(({ event }) => event === 'runs.changed').length
    await world.clock.advance(60_000)
    const told = world.published.filter(({ event }) => event === 'runs.changed').length - before
    expect(told).toBeGreaterThanOrEqual(2)
    expect(told).toBeLessThanOrEqual(4)
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
    await world.clock.settle()
    // At once, not with the next poll.
    expect(world.endpoint.counts.cancels).toBe(1)
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

  it('with keep, cut short before anything was packaged, asks a worker once more and does not lose the adapter', async () => {
    const world = createRunWorld()
    const run = await startRun(world)
    await run.until(() => world.endpoint.jobs.size === 1)
    const first = takenJob(world, run.id)
    world.endpoint.emit(first, 1, stepBody(1))
    await run.until(() => run.get().head.step === 1)
    run.service.stop(run.id, 'keep')
    await run.until(() => world.endpoint.counts.posts === 2)
    const second = [...world.endpoint.jobs.values()].find((job) => job !== first && job.status === 'IN_QUEUE')
    if (second === undefined) throw new Error('No second job was posted')
    // Without the mark the worker would train on, and with the old wish to stop the new job would be cancelled.
    expect(JSON.parse(world.endpoint.files.get(`runs/${run.id}/stop.json`) ?? '{}')).toEqual({ v: 1, reason: 'user' })
    await world.clock.advance(60_000)
    expect(world.endpoint.counts.cancels).toBe(1)
    world.endpoint.writeResult(second, { status: 'stopped', steps_done: 1 })
    second.status = 'COMPLETED'
    await run.untilEnded()
    expect(run.get()).toMatchObject({ status: 'cancelled', adapterId: run.id })
  })

  it('with keep asks only once more when the second worker leaves nothing either', async () => {
    const world = createRunWorld()
    const run = await startRun(world)
    await run.until(() => world.endpoint.jobs.size === 1)
    world.endpoint.emit(takenJob(world, run.id), 1, stepBody(1))
    await run.until(() => run.get().head.step === 1)
    run.service.stop(run.id, 'keep')
    await run.until(() => world.endpoint.counts.posts === 2)
    for (const job of world.endpoint.jobs.values()) job.status = 'FAILED'
    await run.untilEnded()
    expect(run.get()).toMatchObject({ status: 'cancelled', adapterId: null })
    expect(world.endpoint.counts.posts).toBe(2)
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
    await world.clock.advance(5_000)
    expect(world.endpoint.counts.cancels).toBe(0)
    await world.clock.advance(20_000)
    expect(world.endpoint.counts.cancels).toBe(1)
    await run.untilEnded()
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
    let release: (() => void) | undefined
    const held = new Promise<void>((resolve) => (release = resolve))
    world.endpoint.client.run = async (...inputs) => {
      const reply = await post(...inputs)
      await held
      return reply
    }
    await run.until(() => world.endpoint.counts.posts === 1)
    expect(run.service.stop(run.id, 'discard').status).not.toBe('cancelled')
    release?.()
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
