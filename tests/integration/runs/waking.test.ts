import { describe, expect, it } from 'vitest'
import { createRunWorld } from '../../support/runs/run-world.ts'
import { startRun, takenJob } from '../../support/runs/started-run.ts'

/** A run that is followed and waits after the third time that its endpoint did not answer. */
async function outOfTouch() {
  const world = createRunWorld()
  const run = await startRun(world)
  await run.until(() => world.endpoint.jobs.size === 1)
  takenJob(world, run.id)
  await run.until(() => run.get().startedAtMs !== null)
  for (let count = 0; count < 3; count += 1) world.endpoint.failNext('status')
  await run.until(() => run.get().contactLost !== null)
  return { world, run }
}

describe('after sleep or without a network', () => {
  it.each(['onOnline', 'onWoken'] as const)('would wait out its pause although it could ask now: %s', async (event) => {
    const { world, run } = await outOfTouch()
    const atMs = world.clock.nowMs()
    run.service[event]()
    await world.clock.settle()
    await world.clock.settle()
    expect(world.clock.nowMs()).toBe(atMs)
    expect(run.get().contactLost).toBeNull()
    expect(world.problems).toEqual([])
  })

  it('would ask again what is in touch each time a network comes back', async () => {
    const world = createRunWorld()
    const run = await startRun(world)
    await run.until(() => world.endpoint.jobs.size === 1)
    takenJob(world, run.id)
    await run.until(() => run.get().startedAtMs !== null)
    const seenAtMs = run.get().lastSeenAtMs
    await world.clock.settle()
    run.service.onOnline()
    await world.clock.settle()
    expect(run.get().lastSeenAtMs).toBe(seenAtMs)
  })
})
