import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { workerEnvironment } from '../../../main/integrations/local-platform/worker-environment.ts'
import { readWorkerLine } from '../../../main/integrations/local-platform/worker-log.ts'
import { spawnWorker } from '../../../main/integrations/local-platform/worker-process.ts'
import { systemClock } from '../../../main/lib/clock.ts'
import type { WorkerActor } from './fleet.ts'

const leaveGraceMs = 30_000

interface RealWorkerOptions {
  readonly workerId: string
  readonly endpointId: string
  readonly token: string
  /** http://127.0.0.1:1234/v2/<endpoint> */
  readonly baseUrl: string
  readonly volumeFolder: string
  readonly python: string
  /** The folder with `handler.py`. */
  readonly trainerFolder: string
  /** The endpoint's own variables. */
  readonly env: Readonly<Record<string, string>>
  onLog(line: string): void
}

/** Starts the Python worker with the real SDK, as This computer does. */
export function startRealWorker(options: RealWorkerOptions): WorkerActor {
  const { workerId, token, endpointId } = options
  const mark = randomBytes(16).toString('hex')
  const child = spawnWorker({
    ...options,
    mark,
    script: join(options.trainerFolder, 'handler.py'),
    folder: options.trainerFolder,
    env: {
      ...workerEnvironment(process.env, { ...options, token, workerId, mark }),
      RUNPOD_ENDPOINT_ID: endpointId,
      RUNPOD_DC_ID: 'EU-RO-1',
      ...options.env,
    },
    clock: systemClock,
    onLine: (line) => options.onLog(readWorkerLine(line, token).message),
  })
  return {
    async serve() {
      await child.ended
      // A worker that was killed leaves its pinging process and its trainer behind.
      await child.endTree(0)
    },
    leave() {
      child.askToLeave()
      void child.endTree(leaveGraceMs)
    },
    kill: () => void child.endTree(0),
  }
}
