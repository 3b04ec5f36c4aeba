import type { BaseModelRef, ModelFacts } from '../../../../preload/contract/models.ts'
import type { Storage } from '../../../../preload/contract/endpoints.ts'
import type { SetupAccount } from '../../../integrations/runpod/setup-account.ts'
import type { StorageKeys } from '../ports.ts'

/** The worker that comes with the app, as it is put on a network volume. */
export interface WorkerFiles {
  readonly image: string
  readonly startCommand: string
  readonly env: Readonly<Record<string, string>>
  readonly files: readonly { readonly key: string; readonly path: string; readonly sha256: string }[]
  readonly version: string
}

/** RunPod as the set-up of endpoints uses it. */
export interface SetupRunpod {
  account(apiKey: () => Promise<string>): SetupAccount
  /** Puts files on a network volume over S3; a volume that was made a moment ago is waited for. */
  placeFiles(storage: Storage, keys: StorageKeys, files: WorkerFiles['files'], signal: AbortSignal): Promise<void>
}

/** The list of endpoints as their set-up uses it. */
export interface SetupEndpoints {
  adopt(made: { id: string; name: string; runpodEndpointId: string; storage: Storage | null }): Promise<void>
  /** Takes it off the list; its keys stay. */
  forget(id: string): void
  /** Starts a billed worker and waits until it has said its version. */
  greet(id: string): Promise<void>
  /** What the greeting waits for now. */
  greetingText(id: string): string | null
  /** Forgets what the former worker has said. */
  workerReplaced(id: string): void
  /** Ends all workers, so that nothing goes on costing. */
  endWorkers(id: string): Promise<void>
}

/** What else the set-up asks of the app. */
export interface SetupModels {
  describe(model: BaseModelRef): ModelFacts | Promise<ModelFacts>
}
