import { AppError } from '../../../../preload/contract/errors.ts'
import type { EndpointConnection } from '../ports.ts'
import { toRun } from '../run-view.ts'
import { isWorthRetrying } from '../work/prepare.ts'
import { findResult } from '../work/read-result.ts'
import { trainInputFor } from '../work/submit.ts'
import { backOffMs, type Work } from '../work/work.ts'
import { isBeingRescued, rescueLimitMs } from './rescue-state.ts'

const lookEveryMs = 3_000
/** Waiting for a worker comes on top of the packaging itself. */
const waitingMs = 60 * 60_000
const mostPosts = 3

/**
 * Has a worker package the newest checkpoint of an ended run and fetches the adapter. The stop mark on the volume keeps the
 * worker from training on, and the run's id from doing anything twice, so that a post whose answer is lost may be repeated.
 */
export async function rescueRun(work: Work): Promise<void> {
  let posts = 0
  let failures = 0
  while (isBeingRescued(work.state())) {
    try {
      const connection = await work.connect()
      if (work.state().rescue?.phase === 'posting') {
        posts += 1
        await post(work, connection)
      } else if (await follow(work, connection)) return
      failures = 0
    } catch (problem) {
      if (work.signal.aborted) throw work.signal.reason
      failures += 1
      const isLost = work.state().rescue?.phase === 'posting' && posts >= mostPosts
      if (!isWorthTrying(problem) || isLost) return fail(work, problem)
      work.log.warning('What an ended run had saved could not be fetched; it is tried again', { runId: work.runId, problem })
      await work.wait(backOffMs(failures))
      continue
    }
    await work.wait(lookEveryMs)
  }
}

async function post(work: Work, { jobs, volume, wake }: EndpointConnection): Promise<void> {
  await volume.putText(`runs/${work.runId}/stop.json`, JSON.stringify({ v: 1, reason: 'user' }))
  await wake?.()
  const { jobId } = await jobs.run(trainInputFor(work.run()), { executionTimeoutMs: rescueLimitMs, ttlMs: rescueLimitMs + waitingMs })
  work.recordFact({ type: 'rescue_posted', jobId })
}

/** True when it is over. */
async function follow(work: Work, { jobs, volume }: EndpointConnection): Promise<boolean> {
  const { rescue, facts } = work.state()
  const jobId = rescue?.jobId ?? ''
  const job = await jobs.status(jobId)
  if (job.status === 'IN_QUEUE' || job.status === 'IN_PROGRESS') return false
  if (job.executionTimeMs !== undefined) {
    const { config } = work.run()
    work.ports.costs.recordPackaging?.({
      jobId,
      runId: work.runId,
      executionMs: Math.ceil(job.executionTimeMs),
      endpointId: config.endpointId,
      endpointName: facts.endpointName,
      priceMicroUsdPerHour: facts.priceMicroUsdPerHour,
    })
  }
  const found = await findResult(volume, work.runId)
  if (found.kind !== 'found' || found.result.manifest_sha256 === null) {
    const said = found.kind === 'found' ? (found.result.error?.message ?? null) : (job.error ?? null)
    work.dispatch({ type: 'rescue_failed', message: `The worker could not package the checkpoint${said === null ? '.' : `: ${said}`}` })
    return true
  }
  const { adapterId } = await work.ports.adapters.collect(toRun(work.run()), found.result, volume, () => undefined, work.signal)
  work.recordFact({ type: 'rescued', adapterId })
  return true
}

function isWorthTrying(problem: unknown): boolean {
  return isWorthRetrying(problem) || (problem instanceof AppError && problem.code === 'ENDPOINT_UNREACHABLE')
}

function fail(work: Work, problem: unknown): void {
  if (!(problem instanceof AppError)) throw problem
  work.dispatch({ type: 'rescue_failed', message: problem.message })
}
