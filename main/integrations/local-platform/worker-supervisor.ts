import { randomBytes } from 'node:crypto'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { writeFileAtomically } from '../../lib/atomic-file.ts'
import { delay, type Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import { workerEnvironment } from './worker-environment.ts'
import { readWorkerLine, type WorkerLogLine } from './worker-log.ts'
import { endLeftWorker, endsWithin, spawnWorker, type SpawnOptions, type WorkerProcess } from './worker-process.ts'

/** What the one local worker is doing. */
export type WorkerState = 'stopped' | 'starting' | 'ready' | 'busy' | 'restarting'

/** Keeps one worker running while there is work, and a little longer. */
export interface WorkerSupervisor {
  state(): WorkerState
  /** Looks at what is needed now; cheap, called after every change of the queue. */
  wake(): void
  token(workerId: string): string | undefined
  /** The worker asked for a job. */
  sawReady(workerId: string): void
  /** Replaces the worker: it asked for it, or it does not stop a job. */
  recycle(workerId: string, options: { isForced: boolean }): void
  stop(): Promise<void>
}

interface SupervisorDependencies {
  readonly stateFolder: string
  readonly volumeFolder: string
  readonly trainerFolder: string
  readonly baseUrl: string
  readonly environment: NodeJS.ProcessEnv
  readonly clock: Clock
  readonly log: Log
  python(): string | undefined
  /** Jobs that wait or run, and whether the worker holds one. */
  need(): { hasWork: boolean; isHeld: boolean }
  /** Ends the worker's long polls, so that it can leave. */
  dismiss(workerId: string): void
  onWorkerLost(workerId: string, options: { countsAsRetry: boolean }): Promise<void>
  onCannotStart(reason: string): Promise<void>
  onWorkerLog(line: WorkerLogLine): void
  onStateChanged(state: WorkerState): void
  readonly timings: WorkerTimings
}

/** How patient the supervisor is. */
export interface WorkerTimings {
  /** Time for a trainer to save a checkpoint when the app closes. */
  readonly stopGraceMs: number
  readonly idleMs: number
  readonly firstRestartMs: number
  readonly slowestRestartMs: number
  /** Starts in a row that ended before the worker asked for a job. */
  readonly maxFailedStarts: number
}

export const defaultTimings: WorkerTimings = {
  stopGraceMs: 15_000,
  idleMs: 5 * 60_000,
  firstRestartMs: 1_000,
  slowestRestartMs: 30_000,
  maxFailedStarts: 3,
}

const markFileSchema = z.object({ mark: z.string().regex(/^[0-9a-f]{32}$/) })

/** Builds the supervisor; nothing runs before the first `wake` with work to do. */
export function createWorkerSupervisor(dependencies: SupervisorDependencies): WorkerSupervisor {
  const { clock, log, timings } = dependencies
  const life = new AbortController()
  const markFile = join(dependencies.stateFolder, 'worker.json')
  let worker: WorkerProcess | null = null
  let loop: Promise<void> | null = null
  let isReady = false
  let isLeaving = false
  let leaveByMs = 0
  let deaths = 0
  let failedStarts = 0
  let shown: WorkerState = 'stopped'
  let cancelIdleTimer: (() => void) | null = null

  const show = () => {
    const { isHeld } = dependencies.need()
    const state =
      worker === null && loop === null ? 'stopped' : isReady ? (isHeld ? 'busy' : 'ready') : deaths > 0 ? 'restarting' : 'starting'
    if (state === shown) return
    shown = state
    dependencies.onStateChanged(state)
  }
  const keepIdleTimer = () => {
    const isIdle = isReady && !dependencies.need().hasWork && !dependencies.need().isHeld
    if (!isIdle) {
      cancelIdleTimer?.()
      cancelIdleTimer = null
    } else if (cancelIdleTimer === null) {
      cancelIdleTimer = clock.after(timings.idleMs, () => {
        cancelIdleTimer = null
        const idle = worker
        if (idle !== null && !dependencies.need().isHeld) void leave(idle, 'idle')
      })
    }
  }
  const leave = async (leaving: WorkerProcess, reason: string) => {
    if (isLeaving || worker !== leaving) return
    isLeaving = true
    leaveByMs = clock.nowMs() + timings.stopGraceMs
    log.info('The worker is being closed', { workerId: leaving.workerId, reason })
    leaving.askToLeave()
    dependencies.dismiss(leaving.workerId)
    if (!(await endsWithin(leaving, timings.stopGraceMs, clock))) await leaving.endTree(0)
  }
  const prepare = async (python: string): Promise<SpawnOptions> => {
    const mark = randomBytes(16).toString('hex')
    const token = randomBytes(32).toString('hex')
    const workerId = `local-${randomBytes(6).toString('hex')}`
    await writeFileAtomically(markFile, JSON.stringify({ mark }))
    return {
      workerId,
      token,
      mark,
      python,
      clock,
      folder: dependencies.trainerFolder,
      script: join(dependencies.trainerFolder, 'handler.py'),
      env: workerEnvironment(dependencies.environment, { ...dependencies, workerId, token, mark }),
      onLine: (line) => dependencies.onWorkerLog(readWorkerLine(line, token)),
    }
  }
  /** One worker from its start to the end of its last process. */
  const liveOnce = async (python: string) => {
    const prepared = await prepare(python)
    // From here to the assignment nothing may wait, or `stop` would miss the worker.
    life.signal.throwIfAborted()
    const started = spawnWorker(prepared)
    worker = started
    show()
    await started.ended
    const wasReady = isReady
    isReady = false
    await started.endTree(isLeaving ? Math.max(0, leaveByMs - clock.nowMs()) : timings.stopGraceMs)
    await rm(markFile, { force: true })
    worker = null
    const wasAsked = isLeaving
    isLeaving = false
    deaths = wasAsked ? 0 : deaths + 1
    failedStarts = wasReady || wasAsked ? 0 : failedStarts + 1
    await dependencies.onWorkerLost(started.workerId, { countsAsRetry: !wasAsked })
    if (failedStarts >= timings.maxFailedStarts) {
      failedStarts = 0
      await dependencies.onCannotStart(startFailure(started))
    }
  }
  const run = async () => {
    await endLeftover()
    while (!life.signal.aborted && dependencies.need().hasWork) {
      const python = dependencies.python()
      if (python === undefined) return
      if (deaths > 0) await delay(clock, restartDelayMs(deaths, timings), life.signal)
      await liveOnce(python)
    }
  }
  const endLeftover = async () => {
    await mkdir(dirname(markFile), { recursive: true, mode: 0o700 })
    const mark = await readMark(markFile)
    if (mark === undefined) return
    const count = await endLeftWorker(mark, timings.stopGraceMs, clock)
    if (count > 0) log.warning('A worker of an earlier start was still running and has been ended', { processes: count })
    await rm(markFile, { force: true })
  }
  const ensureLoop = () => {
    if (loop !== null || life.signal.aborted || !dependencies.need().hasWork || dependencies.python() === undefined) return
    loop = run()
      .catch(async (error: unknown) => {
        if (life.signal.aborted) return
        log.error('The local worker could not be kept running; it is tried again', error)
        await delay(clock, timings.slowestRestartMs, life.signal).catch(() => undefined)
      })
      .finally(() => {
        loop = null
        deaths = 0
        show()
        ensureLoop()
      })
  }

  return {
    state: () => shown,
    wake() {
      ensureLoop()
      keepIdleTimer()
      show()
    },
    token: (workerId) => (worker?.workerId === workerId ? worker.token : undefined),
    sawReady(workerId) {
      if (worker?.workerId !== workerId) return
      // Asking a second time means that it has worked, or at least waited, without dying.
      if (isReady) deaths = 0
      isReady = true
      failedStarts = 0
      keepIdleTimer()
      show()
    },
    recycle(workerId, { isForced }) {
      const old = worker
      if (old?.workerId !== workerId) return
      if (!isForced) return void leave(old, 'it asked to be replaced')
      isLeaving = true
      leaveByMs = 0
      log.warning('The worker did not stop a job in time and is being ended', { workerId })
      void old.endTree(0)
    },
    async stop() {
      life.abort(new Error('The app is closing'))
      cancelIdleTimer?.()
      if (worker !== null) await leave(worker, 'the app is closing')
      await loop
    },
  }
}

function restartDelayMs(deaths: number, timings: WorkerTimings): number {
  return Math.min(timings.slowestRestartMs, timings.firstRestartMs * 2 ** Math.min(10, deaths - 1))
}

function startFailure(worker: WorkerProcess): string {
  const lines = worker.lastLines().map((line) => readWorkerLine(line, worker.token).message)
  const reason = lines.findLast((line) => /^(?:\w+\.)*\w*(?:Error|Exception)\b/.test(line)) ?? lines.at(-1) ?? 'it printed nothing'
  return `The training worker could not start on this computer: ${reason}`
}

async function readMark(path: string): Promise<string | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '')
  try {
    return markFileSchema.safeParse(JSON.parse(text)).data?.mark
  } catch {
    // No file, or one cut off by a crash: there is nothing to recognise a worker by.
    return undefined
  }
}
