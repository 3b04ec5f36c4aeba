import { AppError } from '../../../../preload/contract/errors.ts'
import type { EndpointConnection } from '../ports.ts'
import type { Work } from './work.ts'

/** A worker ends within seconds of a cancelled job; after this long the user has to know that it does not. */
const patienceMs = 180_000

/** Sees a stop through to the end of the worker: a job can be cancelled while its worker trains on and is billed. */
export function createStopWatch(work: Work) {
  let closedAtMs: number | null = null
  return {
    /** Ends the endpoint's workers when the user has asked for it. */
    async endWorkersWhenAsked(connection: EndpointConnection): Promise<void> {
      if (work.state().endingWorkers !== 'asked') return
      try {
        if (connection.endWorkers === undefined)
          throw new AppError('ENDPOINT_REFUSED', 'The workers of this endpoint cannot be ended from here.')
        await connection.endWorkers()
        work.recordFact({ type: 'workers_ended' })
      } catch (problem) {
        if (work.signal.aborted || !(problem instanceof AppError)) throw problem
        work.log.warning('The workers of an endpoint could not be ended', { runId: work.runId, problem })
        work.dispatch({ type: 'workers_end_refused', message: problem.message })
      }
    },
    /** Whether the worker of a discarded run whose job is closed has ended; null where it cannot be seen, `wait` while it may yet end. */
    async isWorkerGone(connection: EndpointConnection): Promise<boolean | null | 'wait'> {
      const { stopRequested, facts } = work.state()
      if (stopRequested !== 'discard' || facts.endpointKind === 'local' || connection.countBusyWorkers === undefined) return null
      closedAtMs ??= work.clock.nowMs()
      const busy = await connection.countBusyWorkers()
      if (busy === null || busy === 0) return busy === null ? null : true
      return work.clock.nowMs() - closedAtMs >= patienceMs ? false : 'wait'
    },
  }
}
