import type { ConnectionReport, LocalState, PythonState } from '../../../preload/contract/endpoints.ts'
import type { JobClient } from '../../integrations/runpod/job-client.ts'
import type { VolumeStore } from '../../integrations/volume/volume-store.ts'

/** The two ways to reach an endpoint: its job API and its volume. */
export interface EndpointConnection {
  readonly jobs: JobClient
  readonly volume: VolumeStore
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
