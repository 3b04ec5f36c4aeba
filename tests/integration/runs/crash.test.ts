import { isDeepStrictEqual } from 'node:util'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { replay } from '../../../main/features/runs/machine.ts'
import type { RunRepository } from '../../../main/features/runs/repository.ts'
import { createFakeWorker, stepBody } from '../../support/runs/fake-worker.ts'
import { createRunWorld, isEnded, runConfig, type RunWorld } from '../../support/runs/run-world.ts'

class Crash extends Error {}

/**
 * Lets the app "die" at its n-th event: right after it is on the disk, or just before, when what it tells of has
 * already happened outside. Nothing the app does afterwards reaches the database.
 */
function dyingAt(eventCount: number, moment: 'after' | 'before', onDeath: () => void) {
  return (repository: RunRepository): RunRepository => {
    let left = eventCount
    let isDead = false
    const alive = () => {
      if (isDead) throw new Crash('The app is dead')
    }
    const die = (): never => {
      isDead = true
      onDeath()
      throw new Crash('The app dies')
    }
    return {
      ...repository,
      transaction(work) {
        alive()
        const value = repository.transaction(work)
        return left <= 0 ? die() : value
      },
      appendEvent(...inputs) {
        if (moment === 'before' && left === 1) die()
        repository.appendEvent(...inputs)
        left -= 1
      },
      find(id) {
        alive()
        return repository.find(id)
      },
      findState(id) {
        alive()
        return repository.findState(id)
      },
      touch(id, atMs) {
        alive()
        repository.touch(id, atMs)
      },
    }
  }
}

type Service = ReturnType<RunWorld['open']>

async function startQuietly(world: RunWorld, service: Service): Promise<string | undefined> {
  try {
    await service.start(runConfig(), 'x')
  } catch (error) {
    if (!(error instanceof Crash)) throw error
  }
  return world.repository.list()[0]?.id
}

async function undisturbedEvents(): Promise<string[]> {
  const world = createRunWorld()
  createFakeWorker(world.endpoint, world.clock)
  const service = world.open()
  const { id } = await service.start(runConfig(), 'x')
  await world.clock.runUntil(() => isEnded(service.get(id)))
  return world.eventTypes(id)
}

/** What the user has in the end. */
function outcome(world: RunWorld, service: Service, id: string) {
  const { status, adapterId } = service.get(id)
  const state = world.repository.findState(id)
  const train = service.listMetrics(id, -1).points.filter((point) => point.kind === 'train')
  return {
    status,
    hasAdapter: adapterId === id,
    isSettled: state?.isSettled,
    isReplayable: isDeepStrictEqual(replay(world.repository.listEvents(id)), state),
    steps: train.map((point) => point.step),
    notices: [...world.notices.values()].map(({ type }) => type).toSorted(),
    costs: world.costs.size,
  }
}
const wholeRun = {
  status: 'completed',
  hasAdapter: true,
  isSettled: true,
  isReplayable: true,
  steps: [1, 2, 3, 4, 5, 6],
  notices: ['job_completed', 'job_queued', 'job_started'],
  costs: 1,
}

describe('a crash', () => {
  it.each(['after', 'before'] as const)(
    'right %s any event is stored is recovered from at the next start: one training, one adapter, all points, one cost',
    async (moment) => {
      const types = await undisturbedEvents()
      expect(types.length).toBeGreaterThan(12)
      // Before the very first event there is no run yet.
      for (let count = moment === 'after' ? 1 : 2; count <= types.length; count += 1) {
        const world = createRunWorld()
        const worker = createFakeWorker(world.endpoint, world.clock)
        let isDead = false
        const first = world.open(dyingAt(count, moment, () => (isDead = true)))
        const id = await startQuietly(world, first)
        if (id === undefined) throw new Error('The run was not stored')
        await world.clock.runUntil(() => isDead, `event ${count}`)
        void first.dispose()
        // The app is this computer's platform: its worker dies with it and the job goes back to the queue.
        worker.die()
        const second = world.open()
        second.resumeAll()
        await world.clock.runUntil(() => isEnded(second.get(id)), `the end after a crash at event ${count}`)
        await world.clock.settle()
        const crashedAt = types[count - 1]
        expect({ crashedAt, ...outcome(world, second, id), trainings: worker.trainings.get(id) }).toEqual({
          crashedAt,
          ...wholeRun,
          trainings: 1,
        })
      }
    },
  )

  it('after crash, at random events and with a stop at a random moment, loses no adapter that was to be kept', async () => {
    const crash = fc.tuple(fc.integer({ min: 1, max: 8 }), fc.constantFrom('after' as const, 'before' as const))
    const stop = fc.option(fc.tuple(fc.integer({ min: 0, max: 25_000 }), fc.constantFrom('keep' as const, 'discard' as const)))
    await fc.assert(
      fc.asyncProperty(fc.array(crash, { maxLength: 5 }), stop, async (crashes, wish) => {
        const world = createRunWorld()
        const worker = createFakeWorker(world.endpoint, world.clock)
        const starter = world.open()
        const { id } = await starter.start(runConfig(), 'x')
        await starter.dispose()
        for (const [count, moment] of crashes) {
          let isDead = false
          const app = world.open(dyingAt(count, moment, () => (isDead = true)))
          app.resumeAll()
          await world.clock.runUntil(() => isDead || world.repository.findState(id)?.isSettled === true)
          void app.dispose()
          worker.die()
        }
        const last = world.open()
        last.resumeAll()
        if (wish !== null) {
          await world.clock.advance(wish[0])
          if (!isEnded(last.get(id))) last.stop(id, wish[1])
        }
        await world.clock.runUntil(() => isEnded(last.get(id)))
        const { status, hasAdapter, isSettled, isReplayable, steps, costs } = outcome(world, last, id)
        const hasResult = world.endpoint.hasResult(id)
        expect({ isSettled, isReplayable, costs }).toEqual({ isSettled: true, isReplayable: true, costs: 1 })
        expect(steps).toEqual(steps.map((_step, index) => index + 1))
        expect(wish === null ? ['completed'] : ['completed', 'cancelled']).toContain(status)
        expect(status === 'completed' && steps.length < 6).toBe(false)
        expect(hasResult && !hasAdapter && wish?.[1] !== 'discard').toBe(false)
        worker.stop()
        world.db.close()
      }),
      { numRuns: 60 },
    )
  })
})

describe('closing and opening the app', () => {
  it('changes nothing in a run, which then goes on without a hole or a double point', async () => {
    const world = createRunWorld()
    const worker = createFakeWorker(world.endpoint, world.clock)
    const first = world.open()
    const { id } = await first.start(runConfig(), 'x')
    await world.clock.runUntil(() => first.get(id).head.step >= 3)
    await first.dispose()
    const stored = world.repository.findState(id)
    const events = world.eventTypes(id).length
    worker.die()
    await world.clock.advance(3_600_000)
    expect(world.repository.findState(id)).toEqual(stored)
    expect(world.eventTypes(id)).toHaveLength(events)

    const second = world.open()
    second.resumeAll()
    await world.clock.runUntil(() => isEnded(second.get(id)))
    expect(second.get(id).status).toBe('completed')
    const train = second.listMetrics(id, -1).points.filter((point) => point.kind === 'train')
    expect(train.map((point) => point.step)).toEqual([1, 2, 3, 4, 5, 6])
  })

  it('takes no step whose answer comes after the app has begun to close', async () => {
    const world = createRunWorld()
    let release: (() => void) | undefined
    const held = new Promise<void>((resolve) => (release = resolve))
    const datasets = { ...world.ports.datasets }
    world.ports.datasets.freeze = async (id) => {
      await held
      return datasets.freeze(id)
    }
    const first = world.open()
    const { id } = await first.start(runConfig(), 'x')
    await world.clock.settle()
    const closing = first.dispose()
    release?.()
    await closing
    expect(world.eventTypes(id)).toEqual(['created'])
  })

  it('keeps the wish to stop and cancels after the restart', async () => {
    const world = createRunWorld()
    const first = world.open()
    const { id } = await first.start(runConfig(), 'x')
    await world.clock.runUntil(() => first.get(id).stage === 'queued_on_endpoint')
    world.endpoint.failNext('cancel')
    first.stop(id, 'discard')
    await first.dispose()
    const second = world.open()
    second.resumeAll()
    await world.clock.runUntil(() => isEnded(second.get(id)))
    expect(second.get(id).status).toBe('cancelled')
    expect(world.endpoint.find(id)?.status).toBe('CANCELLED')
  })

  it('does not take up a run that has ended and is closed', async () => {
    const world = createRunWorld()
    const first = world.open()
    const { id } = await first.start(runConfig(), 'x')
    first.stop(id, 'discard')
    const events = world.eventTypes(id)
    const second = world.open()
    second.resumeAll()
    await world.clock.advance(60_000)
    expect(world.eventTypes(id)).toEqual(events)
  })
})

describe('a lost answer to the post', () => {
  it('on this computer is posted again, and the run is trained once', async () => {
    const world = createRunWorld()
    const worker = createFakeWorker(world.endpoint, world.clock)
    world.endpoint.failNext('run', 'lost_reply')
    const service = world.open()
    const { id } = await service.start(runConfig(), 'x')
    await world.clock.runUntil(() => isEnded(service.get(id)))
    expect(service.get(id).status).toBe('completed')
    expect(world.endpoint.counts.posts).toBe(2)
    expect(worker.trainings.get(id)).toBe(1)
  })

  it('on RunPod is never posted again while the endpoint may hold the job; the worker is found by the run id', async () => {
    const world = createRunWorld({ kind: 'runpod' })
    world.endpoint.failNext('run', 'lost_reply')
    const service = world.open()
    const { id } = await service.start(runConfig(), 'x')
    await world.clock.advance(600_000)
    expect(world.endpoint.counts.posts).toBe(1)
    expect(service.get(id).stageDetail).toContain('Checking whether the endpoint took the run')
    const job = world.endpoint.find(id)
    if (job === undefined) throw new Error('The post did not arrive')
    job.status = 'IN_PROGRESS'
    world.endpoint.beat(id)
    world.endpoint.emit(job, 1, stepBody(1))
    await world.clock.runUntil(() => service.get(id).head.step === 1)
    world.endpoint.writeResult(job, {})
    job.status = 'COMPLETED'
    await world.clock.runUntil(() => isEnded(service.get(id)))
    expect(service.get(id)).toMatchObject({ status: 'completed', adapterId: id })
    expect(world.endpoint.counts.posts).toBe(1)
  })

  it('on RunPod is posted again once several looks find neither a job nor a worker', async () => {
    const world = createRunWorld({ kind: 'runpod' })
    world.endpoint.failNext('run')
    const service = world.open()
    const { id } = await service.start(runConfig(), 'x')
    await world.clock.advance(25_000)
    expect(world.endpoint.counts.posts).toBe(0)
    await world.clock.runUntil(() => service.get(id).jobId !== null)
    expect(world.endpoint.counts.posts).toBe(1)
    expect(world.repository.findState(id)?.posts).toBe(2)
  })

  it('that was lost with the app itself is looked into at the next start', async () => {
    const world = createRunWorld({ kind: 'runpod' })
    let isDead = false
    const first = world.open(dyingAt(4, 'after', () => (isDead = true)))
    const id = await startQuietly(world, first)
    if (id === undefined) throw new Error('The run was not stored')
    await world.clock.runUntil(() => isDead)
    void first.dispose()
    expect(world.eventTypes(id).at(-1)).toBe('submit_started')
    const second = world.open()
    second.resumeAll()
    await world.clock.settle()
    expect(second.get(id).stageDetail).toContain('Checking whether the endpoint took the run')
  })
})
