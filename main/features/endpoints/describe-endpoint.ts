import type { ConnectionReport, LocalState, RemoteFacts, WorkerVerdict } from '../../../preload/contract/endpoints.ts'
import type { StoredEndpoint } from './repository.ts'

/** What a run has to know about the place it is trained at. */
export interface EndpointDescription {
  readonly id: string
  readonly name: string
  readonly kind: 'local' | 'runpod'
  readonly canTrain: boolean
  /** Why it cannot train now; null when it can. */
  readonly reason: string | null
  readonly hasCuda: boolean
  readonly gpu: { readonly name: string; readonly count: number } | null
  readonly priceMicroUsdPerHour: number | null
  readonly balanceMicroUsd: number | null
  /** Null for this computer. */
  readonly worker: WorkerVerdict | null
  /** What RunPod last told about it; null for this computer and before the first test. */
  readonly remote:
    | (Pick<RemoteFacts, 'stock' | 'volumeGb' | 'hasHfToken'> & {
        readonly maySeeSettings: boolean
        /** What the last look came to; null before the first. */
        readonly lastCheck: ConnectionReport['code'] | null
      })
    | null
}

interface Circumstances {
  readonly reason: string | null
  readonly device: LocalState['device']
  readonly verdict: WorkerVerdict
}

/** An endpoint in the words of a run. */
export function describeEndpoint(endpoint: StoredEndpoint, { reason, device, verdict }: Circumstances): EndpointDescription {
  const { id, name, kind, remote } = endpoint
  const isLocal = kind === 'local'
  return {
    id,
    name,
    kind,
    canTrain: reason === null,
    reason,
    hasCuda: !isLocal || device?.kind === 'cuda',
    gpu: isLocal ? localGpu(device) : remoteGpu(remote),
    priceMicroUsdPerHour: remote?.pricePerHourMicroUsd ?? null,
    balanceMicroUsd: remote?.balanceMicroUsd ?? null,
    worker: isLocal ? null : verdict,
    remote:
      remote === null
        ? null
        : { ...pickTold(remote), maySeeSettings: remote.workersMax !== null, lastCheck: endpoint.lastReport?.code ?? null },
  }
}

function pickTold({ stock, volumeGb, hasHfToken }: RemoteFacts) {
  return { stock, volumeGb, hasHfToken }
}

/** Newer facts over older ones: what could not be read this time stays as it was, other than what changes by the minute. */
export function mergeRemote(older: RemoteFacts | null, newer: RemoteFacts): RemoteFacts {
  if (older === null) return newer
  const balanceMicroUsd = newer.balanceMicroUsd ?? older.balanceMicroUsd
  // Without the endpoint's settings nothing else of it was read either.
  if (newer.workersMax === null) return { ...older, balanceMicroUsd, workersMax: null, stock: null, readAtMs: newer.readAtMs }
  const isSameGpu = newer.gpu === null || newer.gpu === older.gpu
  const pricePerHourMicroUsd = newer.pricePerHourMicroUsd ?? (isSameGpu ? older.pricePerHourMicroUsd : null)
  return { ...newer, gpu: newer.gpu ?? older.gpu, pricePerHourMicroUsd, balanceMicroUsd }
}

function localGpu(device: LocalState['device']): EndpointDescription['gpu'] {
  return device?.kind === 'cuda' ? { name: device.name, count: 1 } : null
}

function remoteGpu(remote: StoredEndpoint['remote']): EndpointDescription['gpu'] {
  return remote === null || remote.gpu === null ? null : { name: remote.gpu, count: remote.gpuCount }
}

/** A RunPod endpoint trains once a test has shown that its key works and that workers can start. */
export function remoteReasonOf({ lastReport }: StoredEndpoint): string | null {
  if (lastReport === null) return 'The connection has not been tested yet. Open Endpoints and test it.'
  // An endpoint that was idle for a week is woken before a run, and a rate limit or a lost network pass by themselves.
  if (lastReport.isOk || ['WORKERS_MAX_ZERO', 'RATE_LIMITED', 'UNREACHABLE', 'NO_WORKERS'].includes(lastReport.code)) return null
  return `${lastReport.summary} ${lastReport.advice ?? ''}`.trim()
}
