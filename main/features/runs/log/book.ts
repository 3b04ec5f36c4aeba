import type { RunLogLine } from '../../../../preload/contract/runs.ts'
import type { NewWorkerLine, RunLogRepository } from './repository.ts'

/** Writes worker lines and keeps their number per run within bounds. */
export interface WorkerLogBook {
  add(runId: string, lines: readonly NewWorkerLine[]): RunLogLine[]
}

/** A long training writes tens of thousands of lines; the newest ones tell how it went. */
export const keptLines = 50_000
/** Older lines are dropped so many at a time. */
const slackLines = 1_000

/** Builds the book over the table; the number of lines is counted once per run and start. */
export function createWorkerLogBook(
  repository: Pick<RunLogRepository, 'addAll' | 'count' | 'dropOldest'>,
  most = keptLines,
): WorkerLogBook {
  const counts = new Map<string, number>()
  return {
    add(runId, lines) {
      const before = counts.get(runId) ?? repository.count(runId)
      const written = repository.addAll(runId, lines)
      let count = before + written.length
      if (count > most + slackLines) {
        repository.dropOldest(runId, count - most, dropText(most))
        count = most
      }
      counts.set(runId, count)
      return written
    },
  }
}

function dropText(most: number): (dropped: number) => string {
  return (dropped) =>
    `${dropped.toLocaleString('en-US')} older lines of the worker were dropped; its newest ${most.toLocaleString('en-US')} are kept.`
}
