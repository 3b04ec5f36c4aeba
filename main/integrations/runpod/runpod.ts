import { join } from 'node:path'
import type { ConnectionReport, RemoteFacts, Storage } from '../../../preload/contract/endpoints.ts'
import { AppError } from '../../../preload/contract/errors.ts'
import { delay, type Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import { createJobsVolume } from '../volume/jobs-volume.ts'
import { s3EndpointOf } from '../volume/s3-places.ts'
import type { VolumeStore } from '../volume/volume-store.ts'
import { describeRemote, readOrNull } from './remote-facts.ts'
import { diagnoseQueue } from './queue-diagnosis.ts'
import type { RunpodAddresses } from './addresses.ts'
import { testRunpodConnection } from './connection-test.ts'
import { createAccountQuery } from './account-query.ts'
import { createControlPlane, type ControlPlane } from './control-plane.ts'
import { createJobClient, type FullJobClient } from './job-client.ts'
import { meterJobs, type MeteredJob } from './job-meter.ts'
import { createSetupAccount, type SetupAccount } from './setup-account.ts'
import type { WorkerLogLine } from './worker-logs.ts'

/** One of the user's endpoints as runs use it. */
interface RunpodConnection {
  readonly jobs: FullJobClient
  readonly volume: VolumeStore
  wake(): Promise<void>
  explainWaiting(queuedMs: number): Promise<string | null>
  countBusyWorkers(): Promise<number | null>
  endWorkers(): Promise<void>
  streamWorkerLog: (workerId: string, options: { readonly tail: number; readonly signal: AbortSignal }) => AsyncIterable<WorkerLogLine>
}

interface StorageKeys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

interface RunpodTarget {
  readonly id: string
  readonly endpointId: string
  readonly apiKey: () => Promise<string>
  /** How the volume is reached without a worker; null where files travel as jobs. */
  readonly storage: (Storage & { readonly keys: () => Promise<StorageKeys> }) | null
}

interface PlacedFile {
  readonly key: string
  readonly path: string
  readonly sha256: string
}

const looksForNewVolume = 12
const lookForVolumeEveryMs = 5_000

interface RunpodOptions {
  readonly addresses: RunpodAddresses
  /** Notes on unfinished transfers, a folder for each endpoint. */
  readonly transfersFolder: string
  readonly userAgent: string
  readonly clock: Clock
  readonly log: Log
  /** A job beside the runs has ended on one of the user's endpoints, and is on the bill. */
  readonly onJobBilled?: (endpointId: string, job: MeteredJob) => void
}

interface Target {
  readonly endpointId: string
  readonly apiKey: string
}

interface BillSpan {
  readonly fromMs: number
  readonly toMs: number
}

interface BillLine extends BillSpan {
  readonly amountMicroUsd: number
}

function toLine({ startMs, endMs, totalMicroUsd }: { startMs: number; endMs: number; totalMicroUsd: number }): BillLine {
  return { fromMs: startMs, toMs: endMs, amountMicroUsd: totalMicroUsd }
}

/** RunPod as the app uses it: what an endpoint is, and a connection to it that is kept. */
export function createRunpod({ addresses, transfersFolder, userAgent, clock, log, onJobBilled }: RunpodOptions) {
  const base = { clock, log: log.scoped('runpod'), userAgent }
  const connections = new Map<string, RunpodConnection>()
  const openS3 = async ({ volumeId, dataCentreId }: Storage, keys: () => Promise<StorageKeys>, name: string): Promise<VolumeStore> => {
    // The S3 library takes half a second to load, which an app without network volumes need not spend.
    const { createS3Volume } = await import('../volume/s3-volume.ts')
    return createS3Volume({
      ...base,
      endpoint: addresses.s3 ?? s3EndpointOf(dataCentreId),
      region: dataCentreId,
      bucket: volumeId,
      credentials: keys,
      journalFolder: join(transfersFolder, `${name}-s3`),
    })
  }
  const control = (apiKey: () => string | Promise<string>) => createControlPlane({ ...base, baseUrl: addresses.rest, apiKey })

  return {
    test: ({ endpointId, apiKey }: Target): Promise<ConnectionReport> =>
      testRunpodConnection({ endpointId, apiKey, jobBaseUrl: addresses.jobs, restBaseUrl: addresses.rest, userAgent, clock }),

    describe: ({ endpointId, apiKey }: Target): Promise<RemoteFacts> =>
      describeRemote(
        { plane: control(() => apiKey), account: createAccountQuery({ ...base, url: addresses.graphql, apiKey: () => apiKey }) },
        endpointId,
        base,
      ),

    /** The lines of an endpoint's bill by the hour. */
    async endpointBill({ endpointId, apiKey }: Target, span: BillSpan): Promise<readonly BillLine[]> {
      const lines = await control(() => apiKey).serverlessBilling({ bucket: 'hour', endpointId, ...span })
      // A server that ignores the filter must not put another endpoint's bill on this one.
      return lines.filter((line) => line.endpointId === null || line.endpointId === endpointId).map(toLine)
    },

    /** The lines of a network volume's bill by the day. */
    async volumeBill({ volumeId, apiKey }: { volumeId: string; apiKey: string }, span: BillSpan): Promise<readonly BillLine[]> {
      const lines = await control(() => apiKey).volumeBilling({ bucket: 'day', volumeId, ...span })
      return lines.filter((line) => line.volumeId === null || line.volumeId === volumeId).map(toLine)
    },

    /** The account of a key, as the set-up of endpoints uses it. */
    account: (apiKey: () => Promise<string>): SetupAccount =>
      createSetupAccount(control(apiKey), createAccountQuery({ ...base, url: addresses.graphql, apiKey })),

    /** Puts files on a volume; one that was made a moment ago is waited for. Without files, only the keys are tried. */
    async placeFiles(storage: Storage, keys: StorageKeys, files: readonly PlacedFile[], signal: AbortSignal): Promise<void> {
      const volume = await openS3(storage, async () => keys, `setup-${storage.volumeId}`)
      await untilThere(clock, signal, () => volume.findText('tunesmith/hello.txt', 1_000))
      for (const { key, path, sha256 } of files) await volume.putFile(key, path, sha256, { signal })
    },

    /** Keys that do not work on the volume throw here. */
    async tryStorage(storage: Storage, keys: StorageKeys): Promise<void> {
      const volume = await openS3(storage, async () => keys, 'trial')
      await volume.findText('tunesmith/hello.txt', 1_000)
    },

    async connect({ id, endpointId, apiKey, storage }: RunpodTarget): Promise<RunpodConnection> {
      const key = JSON.stringify([id, endpointId, storage?.volumeId ?? null, storage?.dataCentreId ?? null])
      const known = connections.get(key)
      if (known !== undefined) return known
      const client = createJobClient({ ...base, baseUrl: `${addresses.jobs}/${endpointId}`, apiKey })
      const jobs = onJobBilled === undefined ? client : meterJobs(client, (job) => onJobBilled(id, job))
      const volume =
        storage === null
          ? createJobsVolume({ ...base, jobs, journalFolder: join(transfersFolder, id), lastFreeBytes: () => null })
          : await openS3(storage, storage.keys, id)
      const plane = control(apiKey)
      const made: RunpodConnection = {
        jobs,
        volume,
        wake: () => wake(base.log, plane, endpointId),
        countBusyWorkers: () => countBusyWorkers(base.log, { plane, jobs, endpointId }),
        endWorkers: async () => void (await plane.updateEndpoint(endpointId, { workersMax: 0 })),
        explainWaiting: (queuedMs) => explainWaiting(base.log, { plane, jobs, endpointId }, queuedMs),
        streamWorkerLog: (workerId, options) => plane.streamWorkerLogs(endpointId, workerId, options),
      }
      connections.set(key, made)
      return made
    },
  }
}

/** A new volume is not known to its storage at once. */
async function untilThere(clock: Clock, signal: AbortSignal, look: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await look()
      return
    } catch (problem) {
      const isNotThere = problem instanceof AppError && problem.code === 'ENDPOINT_NOT_FOUND'
      if (!isNotThere || attempt >= looksForNewVolume) throw problem
      await delay(clock, lookForVolumeEveryMs, signal)
    }
  }
}

/** RunPod sets the number of workers to 0 when an endpoint was idle for a week; a key that may not read that is no reason to stop. */
async function wake(log: Log, plane: ControlPlane, endpointId: string): Promise<void> {
  const endpoint = await readOrNull(log, () => plane.getEndpoint(endpointId))
  if (endpoint?.workersMax !== 0) return
  try {
    await plane.updateEndpoint(endpointId, { workersMax: 1 })
  } catch (problem) {
    if (!(problem instanceof AppError)) throw problem
    const message =
      'RunPod has set the workers of this endpoint to 0 because it was idle, and the key may not change that. Set max workers to 1 in the RunPod console.'
    throw new AppError('ENDPOINT_NOT_READY', message, { cause: problem })
  }
}

/** A job can be cancelled and its worker go on, so the list of workers is asked, and the counts where the key may not read that. */
async function countBusyWorkers(
  log: Log,
  { plane, jobs, endpointId }: { plane: ControlPlane; jobs: FullJobClient; endpointId: string },
): Promise<number | null> {
  const workers = await readOrNull(log, () => plane.listWorkers(endpointId))
  if (workers !== null) return workers.filter(({ status }) => status === 'running').length
  return (await readOrNull(log, () => jobs.health()))?.workers.running ?? null
}

/** What keeps a job waiting, with the last words of a worker that does not come up. */
async function explainWaiting(
  log: Log,
  { plane, jobs, endpointId }: { plane: ControlPlane; jobs: FullJobClient; endpointId: string },
  queuedMs: number,
): Promise<string | null> {
  const health = await readOrNull(log, () => jobs.health())
  const workers = await readOrNull(log, () => plane.listWorkers(endpointId))
  const endpoint = await readOrNull(log, () => plane.getEndpoint(endpointId))
  const troubled = workers?.find(({ status }) => status === 'unhealthy' || status === 'initializing')
  const logTail =
    troubled === undefined ? null : await readOrNull(log, () => plane.workerLogLines(endpointId, troubled.id, { maxLines: 40 }))
  const { sentence, advice } = diagnoseQueue({
    queuedMs,
    health,
    workers,
    workersMax: endpoint?.workersMax ?? null,
    ...(logTail === null ? {} : { logTail }),
  })
  return `${sentence} ${advice}`.trim()
}
