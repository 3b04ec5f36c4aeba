import type { FakeJob } from './fake-endpoint.ts'
import { isEnded, runConfig, type RunWorld } from './run-world.ts'

/** A run that has just been started, with what tests wait for. */
export async function startRun(world: RunWorld, service = world.open()) {
  const { id } = await service.start(runConfig(), '')
  const until = (isDone: () => boolean, what?: string) => world.clock.runUntil(isDone, what)
  const untilEnded = () => until(() => isEnded(service.get(id)), 'the run has ended')
  return { service, id, until, untilEnded, get: () => service.get(id) }
}

/** Marks a run's job as taken by a worker that the test plays itself. */
export function takenJob(world: RunWorld, id: string): FakeJob {
  const job = world.endpoint.find(id)
  if (job === undefined) throw new Error('No job was posted')
  job.status = 'IN_PROGRESS'
  return job
}
