import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync, watch } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createLocalPlatform, type LocalPlatform } from '../../main/integrations/local-platform/local-platform.ts'
import type { WorkerLogLine } from '../../main/integrations/local-platform/worker-log.ts'
import type { WorkerState, WorkerTimings } from '../../main/integrations/local-platform/worker-supervisor.ts'
import { createJobClient, type FullJobClient, type JobStatus } from '../../main/integrations/runpod/job-client.ts'
import type { QueueRules } from '../../main/integrations/runpod-protocol/job-queue.ts'
import { systemClock } from '../../main/lib/clock.ts'
import { silentLog } from '../../main/lib/log.ts'

/** A platform with the real SDK worker behind it, on folders of its own. */
export interface TestPlatform {
  readonly platform: LocalPlatform
  readonly jobs: FullJobClient
  readonly baseUrl: string
  readonly token: string
  readonly volumeFolder: string
  readonly log: readonly WorkerLogLine[]
  readonly states: readonly WorkerState[]
  /** Lets the handler go on. */
  tell(name: string): Promise<void>
  /** Text of a mark the handler left, as soon as it is there. */
  mark(name: string): Promise<string>
}

interface TestOptions {
  readonly root: string
  readonly worker?: 'sdk-worker' | 'broken-worker'
  readonly timings?: Partial<WorkerTimings>
  readonly rules?: Partial<QueueRules>
  readonly environment?: NodeJS.ProcessEnv
}

export const generousPolicy = { executionTimeoutMs: 600_000, ttlMs: 3_600_000 }

/** The Python with the runpod SDK; the test runner names it. */
export function testPython(): string {
  const python = process.env['TUNESMITH_PYTHON']
  if (python === undefined || python === '') throw new Error('TUNESMITH_PYTHON must name a Python with the trainer packages')
  return python
}

/** An empty folder for one test's platform. */
export function makeRoot(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'tunesmith-platform-'))
}

/** Starts a platform; a second one on the same root is the same computer after a restart. */
export async function startTestPlatform(options: TestOptions): Promise<TestPlatform> {
  const volumeFolder = join(options.root, 'volume')
  await mkdir(volumeFolder, { recursive: true })
  const log: WorkerLogLine[] = []
  const states: WorkerState[] = []
  const platform = createLocalPlatform({
    stateFolder: join(options.root, 'state'),
    volumeFolder,
    trainerFolder: fileURLToPath(new URL(`./${options.worker ?? 'sdk-worker'}`, import.meta.url)),
    python: testPython,
    clock: systemClock,
    newId: randomUUID,
    log: silentLog,
    onWorkerLog: (line) => void log.push(line),
    onStateChanged: (state) => void states.push(state),
    environment: { ...process.env, ...options.environment },
    timings: { firstRestartMs: 10, ...options.timings },
    ...(options.rules === undefined ? {} : { rules: options.rules }),
  })
  const { baseUrl, token } = await platform.start()
  const jobs = createJobClient({ baseUrl, apiKey: () => token, clock: systemClock, log: silentLog, userAgent: 'Tunesmith-test' })
  return {
    platform,
    jobs,
    baseUrl,
    token,
    volumeFolder,
    log,
    states,
    tell: (name) => writeFile(join(volumeFolder, name), ''),
    mark: (name) => markIn(volumeFolder, name),
  }
}

/** Asks for a job's status until it satisfies; the last answer is shown when it never does. */
export async function untilStatus(jobs: FullJobClient, jobId: string, isWanted: (status: JobStatus) => boolean): Promise<JobStatus> {
  const untilMs = Date.now() + 60_000
  for (;;) {
    const status = await jobs.status(jobId)
    if (isWanted(status)) return status
    if (Date.now() > untilMs) throw new Error(`The job stayed at ${JSON.stringify(status)}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** True once the job API has closed the job. */
export function isClosed({ status }: JobStatus): boolean {
  return status !== 'IN_QUEUE' && status !== 'IN_PROGRESS'
}

/** True while a process runs. */
export function isAlive(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ')
  } catch {
    // The process is gone, which is one of the two answers.
    return false
  }
}

export async function removeRoot(root: string): Promise<void> {
  await rm(root, { recursive: true, force: true, maxRetries: 5 })
}

/** Text of a mark in a folder, as soon as it is there. */
export function markIn(folder: string, name: string): Promise<string> {
  const path = join(folder, name)
  return new Promise((resolve) => {
    const look = () => {
      if (!existsSync(path)) return
      watcher.close()
      resolve(readFileSync(path, 'utf8'))
    }
    const watcher = watch(folder, look)
    look()
  })
}
