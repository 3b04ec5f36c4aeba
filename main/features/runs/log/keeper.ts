import { AppError } from '../../../../preload/contract/errors.ts'
import type { RunLogLine } from '../../../../preload/contract/runs.ts'
import { delay, type Clock } from '../../../lib/clock.ts'
import type { Log } from '../../../lib/log.ts'
import type { EndpointConnection } from '../ports.ts'
import type { WorkerLogBook } from './book.ts'
import { createKnownLines, markOf } from './known-lines.ts'
import { keptText, levelOf } from './line-text.ts'
import { createLineWriter } from './line-writer.ts'
import type { RunLogRepository } from './repository.ts'

/** Keeps the logs of the workers that have runs; it works beside the runs and never holds one up. */
export interface WorkerLogKeeper {
  /** Called with every look at a running job; opens what is not open. */
  watch(runId: string, connection: Pick<EndpointConnection, 'streamWorkerLog'>, workerId: string): void
  /** Keeps a line that this computer's worker printed. */
  addLocalLine(runId: string, text: string): void
  /** Stops keeping for a run that has ended. */
  end(runId: string): void
  /** Opens all connections anew, because they may be dead without anybody knowing. */
  reconnect(): void
  /** Writes what is there and lets go. */
  dispose(): Promise<void>
}

interface KeeperDependencies {
  readonly repository: Pick<RunLogRepository, 'listKnown' | 'hasMessage'>
  readonly book: WorkerLogBook
  /** When a run was made; what a worker wrote long before it is not about it. */
  readonly createdAtMs: (runId: string) => number
  readonly addLine: (runId: string, line: Omit<RunLogLine, 'id'>) => void
  readonly publish: (runId: string, lines: readonly RunLogLine[]) => void
  readonly clock: Clock
  readonly log: Log
}

type Stream = NonNullable<EndpointConnection['streamWorkerLog']>

interface Watch {
  readonly workerId: string
  readonly ending: AbortController
  readonly done: Promise<void>
  isOpen: boolean
  failures: number
  againAtMs: number
}

/** As many as the platform gives at once. */
const tailLines = 5_000
const againMs = 30_000
const slowestAgainMs = 300_000
const failuresToSay = 3
/** The clocks of this computer and of a worker may differ. */
const clockToleranceMs = 3_600_000
/** Longest wait for a connection to let go when the app closes. */
const farewellMs = 2_000

/** Builds the keeper; nothing is opened before the first `watch`. */
export function createWorkerLogKeeper(dependencies: KeeperDependencies): WorkerLogKeeper {
  const { clock, log } = dependencies
  const watches = new Map<string, Watch>()
  const refused = new Set<string>()
  let isClosed = false

  const sayOnce = (runId: string, message: string) => {
    if (!dependencies.repository.hasMessage(runId, message))
      dependencies.addLine(runId, { atMs: clock.nowMs(), level: 'warning', source: 'app', message })
  }
  const failed = (runId: string, watch: Watch, problem: unknown) => {
    watch.failures += 1
    log.info('The log of a worker could not be read', { runId, failures: watch.failures, problem })
    if (!(problem instanceof AppError)) return
    const isRefused = !problem.retryable && problem.code !== 'ENDPOINT_NOT_FOUND'
    if (isRefused) refused.add(runId)
    if (isRefused || (problem.retryable && watch.failures === failuresToSay))
      sayOnce(runId, `The worker’s own log is not kept here, the run goes on: ${problem.message}`)
  }
  const keepSafely = async (runId: string, watch: () => Watch, keep: () => Promise<void>, earlier: readonly Promise<void>[]) => {
    // What an earlier connection still writes has to be known, or it would be written twice.
    await Promise.all(earlier)
    try {
      await keep()
      watch().failures = 0
    } catch (problem) {
      if (!watch().ending.signal.aborted) failed(runId, watch(), problem)
    } finally {
      watch().isOpen = false
      watch().againAtMs = clock.nowMs() + Math.min(slowestAgainMs, againMs * 2 ** watch().failures)
    }
  }
  const open = (runId: string, workerId: string, stream: Stream, earlier: readonly Watch[]): Watch => {
    const ending = new AbortController()
    const writer = createLineWriter({ clock, write: (lines) => dependencies.publish(runId, dependencies.book.add(runId, lines)) })
    const watch: Watch = {
      workerId,
      ending,
      isOpen: true,
      failures: earlier.find((watch) => watch.workerId === workerId)?.failures ?? 0,
      againAtMs: 0,
      done: keepSafely(
        runId,
        () => watch,
        () => keepLines(dependencies, { runId, workerId, stream, writer, signal: ending.signal }),
        earlier.map((watch) => watch.done),
      ),
    }
    return watch
  }

  return {
    watch(runId, { streamWorkerLog }, workerId) {
      if (isClosed || streamWorkerLog === undefined || refused.has(runId)) return
      const last = watches.get(runId)
      const isGoingOn = last?.workerId === workerId && !last.ending.signal.aborted
      if (isGoingOn && (last.isOpen || clock.nowMs() < last.againAtMs)) return
      // A worker has one job at a time: what it writes from now on is about this run.
      const earlier = [...watches].filter(([id, watch]) => id === runId || watch.workerId === workerId).map(([, watch]) => watch)
      for (const watch of earlier) watch.ending.abort()
      watches.set(runId, open(runId, workerId, streamWorkerLog, earlier))
    },
    addLocalLine(runId, text) {
      const message = keptText(text)
      if (message === '') return
      const line = { atMs: clock.nowMs(), level: levelOf(message), message, workerId: null, mark: null }
      dependencies.publish(runId, dependencies.book.add(runId, [line]))
    },
    end(runId) {
      watches.get(runId)?.ending.abort()
      watches.delete(runId)
      refused.delete(runId)
    },
    reconnect() {
      for (const watch of watches.values()) watch.ending.abort()
    },
    async dispose() {
      isClosed = true
      const open = [...watches.values()]
      for (const watch of open) watch.ending.abort()
      const patience = new AbortController()
      const timeOut = delay(clock, farewellMs, patience.signal).catch(() => undefined)
      await Promise.race([Promise.all(open.map((watch) => watch.done)), timeOut])
      patience.abort()
    },
  }
}

interface Keeping {
  readonly runId: string
  readonly workerId: string
  readonly stream: Stream
  readonly writer: ReturnType<typeof createLineWriter>
  readonly signal: AbortSignal
}

async function keepLines({ repository, createdAtMs, clock }: KeeperDependencies, keeping: Keeping): Promise<void> {
  const { runId, workerId, stream, writer, signal } = keeping
  const known = createKnownLines(repository.listKnown(workerId, tailLines))
  const fromMs = createdAtMs(runId) - clockToleranceMs
  try {
    for await (const { source, atMs, text } of stream(workerId, { tail: tailLines, signal })) {
      if (signal.aborted) return
      const message = keptText(text)
      const mark = markOf(source, atMs)
      if (message === '' || (atMs !== null && atMs < fromMs) || !known.isNew({ mark, message })) continue
      const isFull = writer.add({ atMs: atMs ?? clock.nowMs(), level: levelOf(message), message, workerId, mark })
      // A long backlog must not hold up the windows.
      if (isFull) await delay(clock, 1, signal)
    }
  } finally {
    writer.close()
  }
}
