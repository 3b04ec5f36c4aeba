import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { Clock } from '../../lib/clock.ts'
import type { NewId } from '../../lib/ids.ts'
import type { Log } from '../../lib/log.ts'
import { createJobPlatform } from '../runpod-protocol/job-platform.ts'
import { defaultRules, isEnded, type JobQueue, type QueueRules } from '../runpod-protocol/job-queue.ts'
import { startProtocolServer, type ProtocolServer } from '../runpod-protocol/protocol-server.ts'
import type { WorkerCounts } from '../runpod-protocol/client-dialect.ts'
import { createQueueFile } from './queue-file.ts'
import type { WorkerLogLine } from './worker-log.ts'
import { createWorkerSupervisor, defaultTimings, type WorkerState, type WorkerSupervisor, type WorkerTimings } from './worker-supervisor.ts'

/** This computer as an endpoint: RunPod's job API in front, the real SDK worker behind. */
export interface LocalPlatform {
  /** Opens the port and goes on with waiting jobs; a second call gives the same answer. */
  start(): Promise<{ baseUrl: string; token: string }>
  workerState(): WorkerState
  /** Looks again whether a worker can be started, for instance once Python is set up. */
  wake(): void
  /** Lets the worker save its work, then ends it; unfinished jobs wait for the next start. */
  stop(): Promise<void>
}

interface PlatformDependencies {
  readonly stateFolder: string
  readonly volumeFolder: string
  readonly trainerFolder: string
  python(): string | undefined
  readonly clock: Clock
  readonly newId: NewId
  readonly log: Log
  onWorkerLog(line: WorkerLogLine): void
  onStateChanged(state: WorkerState): void
  /** What the worker may inherit is picked from here. */
  readonly environment?: NodeJS.ProcessEnv
  readonly timings?: Partial<WorkerTimings>
  readonly rules?: Partial<QueueRules>
}

interface Running {
  readonly server: ProtocolServer
  readonly supervisor: WorkerSupervisor
  readonly token: string
  stop(): Promise<void>
}

/** Creates the platform; it does nothing before `start`. */
export function createLocalPlatform(dependencies: PlatformDependencies): LocalPlatform {
  let starting: Promise<Running> | null = null
  let running: Running | null = null
  const start = () => {
    starting ??= startPlatform(dependencies).then(
      (started) => {
        running = started
        started.supervisor.wake()
        return started
      },
      (error: unknown) => {
        starting = null
        throw error
      },
    )
    return starting
  }
  return {
    async start() {
      const { server, token } = await start()
      return { baseUrl: server.baseUrl, token }
    },
    workerState: () => running?.supervisor.state() ?? 'stopped',
    wake: () => running?.supervisor.wake(),
    async stop() {
      const started = await starting?.catch(() => null)
      await started?.stop()
    },
  }
}

const namedInputSchema = z.object({ action: z.literal('train'), run_id: z.string() })

/** A post whose answer was lost is made again by the app; it must not start the same run beside itself. */
function runIdOf(input: unknown): string | undefined {
  return namedInputSchema.safeParse(input).data?.run_id
}

async function startPlatform(dependencies: PlatformDependencies): Promise<Running> {
  const { stateFolder, volumeFolder, clock, log } = dependencies
  await mkdir(stateFolder, { recursive: true, mode: 0o700 })
  await mkdir(volumeFolder, { recursive: true, mode: 0o700 })
  const file = createQueueFile({ path: join(stateFolder, 'queue.json'), clock, log })
  const token = randomBytes(32).toString('hex')
  let supervisor: WorkerSupervisor | null = null

  const platform = createJobPlatform({
    initial: await file.load(),
    rules: { ...defaultRules, ...dependencies.rules },
    clock,
    log,
    newJobId: () => `${dependencies.newId()}-l1`,
    identityOf: runIdOf,
    save: (queue) => file.save(queue),
    onChanged: () => supervisor?.wake(),
    onOverdue: (workerId) => supervisor?.recycle(workerId, { isForced: true }),
  })
  const server = await startProtocolServer({
    endpointId: 'local',
    platform,
    clientToken: token,
    workerToken: (workerId) => supervisor?.token(workerId),
    countWorkers: () => workerCounts(supervisor?.state() ?? 'stopped'),
    workerEvents: {
      onReady: (workerId) => supervisor?.sawReady(workerId),
      onRefreshAsked: (workerId) => supervisor?.recycle(workerId, { isForced: false }),
    },
    log,
  })
  supervisor = createWorkerSupervisor({
    ...dependencies,
    baseUrl: server.baseUrl,
    environment: dependencies.environment ?? process.env,
    timings: { ...defaultTimings, ...dependencies.timings },
    need: () => needOf(platform.queue()),
    dismiss: (workerId) => platform.dismiss(workerId),
    onWorkerLost: (workerId, options) => platform.loseWorker(workerId, options),
    onCannotStart: (reason) => platform.failWaiting(reason),
  })
  const supervising = supervisor
  return {
    server,
    supervisor: supervising,
    token,
    async stop() {
      await supervising.stop()
      platform.close()
      await server.close()
    },
  }
}

function needOf(queue: JobQueue): { hasWork: boolean; isHeld: boolean } {
  return { hasWork: queue.jobs.some((job) => !isEnded(job.status)), isHeld: queue.holdings.length > 0 }
}

function workerCounts(state: WorkerState): WorkerCounts {
  const none: WorkerCounts = { idle: 0, initializing: 0, ready: 0, running: 0, throttled: 0, unhealthy: 0 }
  switch (state) {
    case 'stopped':
      return none
    case 'starting':
    case 'restarting':
      return { ...none, initializing: 1 }
    case 'ready':
      return { ...none, idle: 1, ready: 1 }
    case 'busy':
      return { ...none, running: 1 }
  }
}
