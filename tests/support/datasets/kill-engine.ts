import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import type { DatasetTask } from '../../../preload/contract/datasets.ts'
import type { OpenRequest } from '../../../main/features/datasets/engine/engine.ts'
import { connectEngine, type EngineClient } from '../../../main/features/datasets/engine/host/connect.ts'
import { startTestEngine } from './engine-process.ts'

/** What one killed and resumed check showed. */
export interface KilledCheck {
  /** Share of the file whose rows had been stored when the process was killed, as it last said. */
  readonly storedShare: number
  /** Share that the next process did not have to do again; null when the check had ended before the kill. */
  readonly resumedShare: number | null
  readonly report: unknown
}

/** Everything a check says, without what changes from run to run. */
export async function reportOf(engine: EngineClient): Promise<unknown> {
  const issues = await engine.listIssues('data')
  const examples = await Promise.all(issues.map(({ rule }) => engine.listIssueExamples('data', rule, { offset: 0, limit: 200 })))
  return { state: await engine.state('data'), issues, examples }
}

/** Opens a file in a process of its own, undisturbed. */
export async function checkCalmly(path: string, folder: string): Promise<unknown> {
  const { engine, close } = connect(() => undefined)
  try {
    await engine.open(requestFor(path, join(folder, 'calm.sqlite')))
    return await reportOf(engine)
  } finally {
    await close()
  }
}

/** Kills the process with -9 once so much of the file is stored, and opens the file again in a new one. */
export async function killAt(path: string, folder: string, name: string, share: number): Promise<KilledCheck> {
  const request = requestFor(path, join(folder, `${name}.sqlite`))
  let storedShare = 0
  let child: ChildProcess | null = null
  const first = connect(
    (tasks) => {
      storedShare = Math.max(storedShare, progressOf(tasks) ?? 0)
      if (storedShare >= share) child?.kill('SIGKILL')
    },
    (started) => (child = started),
  )
  const ended = await first.engine.open(request).then(
    () => true,
    () => false,
  )
  await first.close()

  const shares: number[] = []
  const second = connect((tasks) => {
    const progress = progressOf(tasks)
    if (progress !== null) shares.push(progress)
  })
  try {
    await second.engine.open(request)
    // The first report comes before anything is known; the next one says where the check goes on.
    const resumedShare = ended ? null : (shares.find((progress) => progress > 0) ?? 0)
    return { storedShare, resumedShare, report: await reportOf(second.engine) }
  } finally {
    await second.close()
  }
}

function connect(onTasks: (tasks: DatasetTask[]) => void, onStart: (child: ChildProcess) => void = () => undefined) {
  return connectEngine({ start: () => startTestEngine(onStart), onTasks: (_key, tasks) => onTasks(tasks), onEnded: () => undefined })
}

function progressOf(tasks: readonly DatasetTask[]): number | null {
  return tasks.find(({ kind }) => kind === 'check')?.progress ?? null
}

function requestFor(path: string, indexPath: string): OpenRequest {
  return {
    key: 'data',
    path,
    placesPath: null,
    fileNames: ['data.jsonl'],
    indexPath,
    isOwnCopy: false,
    mapping: null,
    edits: [],
    version: 0,
    split: null,
    importedAtMs: 1,
  }
}
