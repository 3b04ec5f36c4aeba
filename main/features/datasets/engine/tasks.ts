import type { DatasetTask, DatasetTaskKind } from '../../../../preload/contract/datasets.ts'
import { AppError } from '../../../../preload/contract/errors.ts'
import type { PassProgress } from './index/dataset-index.ts'
import type { PassWork } from './open-dataset.ts'

/** The long work that goes on, by dataset. */
export interface Tasks {
  /** Does a piece of work unless the same kind already runs for the dataset; a cancelled one ends with `TaskCancelled`. */
  run<T>(key: string, kind: DatasetTaskKind, work: (work: PassWork) => Promise<T>): Promise<T>
  cancel(key: string, kind: DatasetTaskKind): Promise<void>
  /** Cancels everything of a dataset, or all there is, and waits for its end. */
  cancelAll(key?: string): Promise<void>
  list(key: string): DatasetTask[]
}

interface RunningTask {
  readonly key: string
  readonly kind: DatasetTaskKind
  readonly controller: AbortController
  readonly startedMs: number
  progress: PassProgress
  done: Promise<unknown>
}

/** The code of work that the user, or the closing of the dataset, stopped. */
export const taskCancelledMessage = 'The work was stopped.'

const reportEveryMs = 100
const rateAfterMs = 400

/** Creates the list of running work; `onChanged` is called at most ten times a second per dataset, and once at each end. */
export function createTasks(onChanged: (key: string, tasks: DatasetTask[]) => void, nowMs: () => number = () => performance.now()): Tasks {
  const running: RunningTask[] = []
  const reportedMs = new Map<string, number>()

  const list = (key: string) => running.filter((task) => task.key === key).map((task) => describe(task, nowMs()))
  const report = (key: string, isForced: boolean) => {
    const last = reportedMs.get(key) ?? -Infinity
    if (!isForced && nowMs() - last < reportEveryMs) return
    reportedMs.set(key, nowMs())
    onChanged(key, list(key))
  }
  const find = (key: string, kind: DatasetTaskKind) => running.find((task) => task.key === key && task.kind === kind)
  const stop = async (task: RunningTask) => {
    task.controller.abort(new AppError('DATASET_TASK_CANCELLED', taskCancelledMessage))
    await task.done
  }

  return {
    async run(key, kind, work) {
      const before = find(key, kind)
      if (before !== undefined) await stop(before)
      const controller = new AbortController()
      const task: RunningTask = {
        key,
        kind,
        controller,
        startedMs: nowMs(),
        progress: { doneBytes: 0, totalBytes: 0, resumedBytes: 0 },
        done: Promise.resolve(),
      }
      const result = Promise.resolve().then(() =>
        work({
          signal: controller.signal,
          onProgress(progress) {
            task.progress = progress
            report(key, false)
          },
        }),
      )
      task.done = result.then(
        () => undefined,
        () => undefined,
      )
      running.push(task)
      report(key, true)
      try {
        return await result
      } finally {
        running.splice(running.indexOf(task), 1)
        report(key, true)
      }
    },
    async cancel(key, kind) {
      const task = find(key, kind)
      if (task !== undefined) await stop(task)
    },
    async cancelAll(key) {
      await Promise.all(running.filter((task) => key === undefined || task.key === key).map(stop))
    },
    list,
  }
}

function describe({ kind, progress, startedMs }: RunningTask, nowMs: number): DatasetTask {
  const { doneBytes, totalBytes, resumedBytes } = progress
  const elapsedMs = nowMs - startedMs
  const bytesPerSecond = elapsedMs < rateAfterMs || doneBytes === resumedBytes ? null : ((doneBytes - resumedBytes) * 1000) / elapsedMs
  return {
    kind,
    progress: totalBytes === 0 ? 0 : Math.min(1, doneBytes / totalBytes),
    leftMs: bytesPerSecond === null ? null : Math.round(((totalBytes - doneBytes) * 1000) / bytesPerSecond),
    bytesPerSecond,
  }
}
