import { AppError } from '../../../../preload/contract/errors.ts'
import type { Clock } from '../../../lib/clock.ts'
import type { Log } from '../../../lib/log.ts'
import type { Ingest } from '../ingest.ts'
import type { EndpointConnection, RunPorts } from '../ports.ts'
import type { StoredRun } from '../repository.ts'
import type { MachineEvent, RunState } from '../state.ts'

/** What one phase of one run may use; waits and transfers end when the run is interrupted or the app closes. */
export interface Work {
  readonly runId: string
  readonly signal: AbortSignal
  readonly ports: RunPorts
  readonly ingest: Ingest
  readonly clock: Clock
  readonly log: Log
  run(): StoredRun
  state(): RunState
  /** Applies an event; throws once the app is closing, so that closing changes nothing. */
  dispatch(event: MachineEvent): RunState
  /** Applies an event that has already happened outside, also while closing. */
  recordFact(event: MachineEvent): RunState
  connect(): Promise<EndpointConnection>
  wait(delayMs: number): Promise<void>
  /** Shows how far the phase is; not part of the history. */
  showDetail(detail: string | null): void
  touch(): void
  /** Keeps the log of the worker that has the run, beside the following. */
  keepWorkerLog(connection: EndpointConnection, workerId: string): void
}

/** How contact with an endpoint stands over several attempts. */
export interface Contact {
  /** It answered; `silence` says what is wrong in spite of that. */
  answered(silence?: string | null): void
  /** It did not answer; gives the milliseconds to wait before the next attempt. */
  failed(problem: unknown): number
}

const reportAfterFailures = 3
/** One attempt may itself retry for a while; so long without an answer is worth telling at the first failure. */
const reportAfterMs = 15_000
const firstRetryMs = 1_000
const slowestRetryMs = 60_000

/** Doubles with every failure up to `slowestMs`. */
export function backOffMs(failures: number, firstMs = firstRetryMs, slowestMs = slowestRetryMs): number {
  return Math.min(slowestMs, firstMs * 2 ** Math.min(20, Math.max(0, failures - 1)))
}

/** Turns repeated failures into a visible "contact lost" and back; a single hiccup stays quiet. */
export function createContact(work: Work): Contact {
  let failures = 0
  let answeredAtMs = work.clock.nowMs()
  return {
    answered(silence = null) {
      failures = 0
      answeredAtMs = work.clock.nowMs()
      work.touch()
      if (silence !== null) work.dispatch({ type: 'contact_lost', message: silence })
      else if (work.state().contactLost !== null) work.dispatch({ type: 'contact_regained' })
    },
    failed(problem) {
      if (work.signal.aborted) throw work.signal.reason
      failures += 1
      const delayMs = backOffMs(failures)
      const reason = problem instanceof AppError ? problem.message : 'The answer could not be used; the log file has the details.'
      work.log.warning('The endpoint could not be asked about a run', { runId: work.runId, failures, problem })
      if (failures >= reportAfterFailures || work.clock.nowMs() - answeredAtMs >= reportAfterMs) {
        work.dispatch({ type: 'contact_lost', message: `${reason} Asking again until it answers.` })
      }
      return delayMs
    },
  }
}

/** So often the rest of the log may fail to come before a result that is there goes on without it. */
const lastReadsAllowed = 3

/** Takes in the rest of the log once the result is there; a log that cannot be read must not keep the adapter away. */
export function createLastDrain(work: Work): (connection: EndpointConnection) => Promise<void> {
  let failures = 0
  return async (connection) => {
    try {
      await drainEvents(work, connection)
    } catch (problem) {
      failures += 1
      if (work.signal.aborted || failures < lastReadsAllowed || !(problem instanceof AppError)) throw problem
      work.log.warning('The rest of a run’s log cannot be read; its result is taken without it', { runId: work.runId, problem })
    }
  }
}

const linesPerRead = 1_000

/** Takes in everything the volume has after the run's cursor. */
export async function drainEvents(work: Work, connection: EndpointConnection): Promise<void> {
  for (;;) {
    const { cursor } = work.run()
    const lines = await connection.volume.readEventLines(work.runId, cursor, linesPerRead)
    if (work.signal.aborted) throw work.signal.reason
    if (lines.length > 0) work.ingest.takeLines(work.runId, lines)
    if (lines.length < linesPerRead || work.run().cursor === cursor) return
  }
}
