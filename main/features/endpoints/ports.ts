import type { ConnectionReport, LocalState, PythonState, RemoteFacts, Storage } from '../../../preload/contract/endpoints.ts'
import type { JobClient } from '../../integrations/runpod/job-client.ts'
import type { VolumeStore } from '../../integrations/volume/volume-store.ts'

/** The two ways to reach an endpoint: its job API and its volume. */
export interface EndpointConnection {
  readonly jobs: JobClient
  readonly volume: VolumeStore
  /** Lets the endpoint start workers where RunPod has switched that off because it was idle; absent where that cannot be. */
  wake?(): Promise<void>
  /** Ends all its workers, whatever they do, and starts none until it is woken. */
  endWorkers?(): Promise<void>
  /** Why a job still waits after so long, in a sentence; absent where nothing can be asked. */
  explainWaiting?(queuedMs: number): Promise<string | null>
  /** The newest lines of a worker's log and those that follow; absent where none can be read. */
  streamWorkerLog?(workerId: string, options: { readonly tail: number; readonly signal: AbortSignal }): AsyncIterable<WorkerLine>
}

interface WorkerLine {
  readonly source: 'system' | 'container'
  readonly atMs: number | null
  readonly text: string
}

/** This computer as the endpoints feature sees it. */
export interface LocalComputer {
  python(): PythonState
  device(): LocalState['device']
  workerState(): LocalState['worker']
  freeBytes(): Promise<number>
  /** Creates or repairs the Python environment; its state tells how it goes. */
  setUp(): Promise<void>
  connect(): Promise<EndpointConnection>
}

/** Where the keys of RunPod endpoints are. */
export interface KeyStore {
  find(account: string): Promise<{ secret: string; stored: 'keychain' | 'session' } | undefined>
  set(account: string, secret: string): Promise<'keychain' | 'session'>
  delete(account: string): Promise<void>
  status(): Promise<{ isAvailable: boolean; message: string }>
}

/** Asks RunPod about an endpoint and a key. */
export type TestRunpod = (target: { endpointId: string; apiKey: string }) => Promise<ConnectionReport>

interface BillSpan {
  readonly fromMs: number
  readonly toMs: number
}

/** One line of RunPod's bill. */
interface BillLine extends BillSpan {
  readonly amountMicroUsd: number
}

/** Something RunPod sends a bill for. */
export interface BillSource {
  readonly subject: 'endpoint' | 'volume'
  readonly remoteId: string
  readonly name: string
  read(span: BillSpan): Promise<readonly BillLine[]>
}

/** RunPod as the endpoints feature uses it. */
export interface Runpod {
  readonly test: TestRunpod
  /** What can be read about an endpoint; what the key may not read is null, and nothing of it throws. */
  describe(target: { endpointId: string; apiKey: string }): Promise<RemoteFacts>
  /** The same connection every time, so that limits and unfinished transfers are kept; keys are asked for at each call. */
  connect(target: RunpodTarget): Promise<EndpointConnection>
  /** The lines of the bill of an endpoint, and of a network volume. */
  endpointBill(target: { endpointId: string; apiKey: string }, span: BillSpan): Promise<readonly BillLine[]>
  volumeBill(target: { volumeId: string; apiKey: string }, span: BillSpan): Promise<readonly BillLine[]>
  /** Tries S3 keys on a network volume; throws when they do not work there. */
  tryStorage(storage: Storage, keys: StorageKeys): Promise<void>
}

/** An endpoint, and how its volume is reached: through S3, or through jobs where there is no storage. */
interface RunpodTarget {
  readonly id: string
  readonly endpointId: string
  readonly apiKey: () => Promise<string>
  readonly storage: (Storage & { readonly keys: () => Promise<StorageKeys> }) | null
}

/** The pair of S3 keys of a RunPod account. */
export interface StorageKeys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}
