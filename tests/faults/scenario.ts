import type { RunConfig, RunStatus } from '../../preload/contract/runs.ts'
import type { CloudControl } from '../support/runpod-cloud/control.ts'
import type { FaultRule } from '../support/runpod-cloud/faults.ts'
import type { CloudApp } from '../support/runs/cloud-app.ts'

/** What a scenario can take hold of while its run goes on. */
export interface Stage {
  readonly control: CloudControl
  readonly remoteId: string
  readonly runId: string
  app(): CloudApp
  /** Quits the app and opens it again on the same folder. */
  restart(): Promise<void>
}

/** One run with what goes wrong in it, and the ends that are right. */
export interface Scenario {
  readonly name: string
  /** What goes wrong, in words for the table. */
  readonly injections: string
  /** Put in place before the run is started. */
  readonly faults?: readonly FaultRule[]
  /** Files go through S3 instead of jobs. */
  readonly hasS3?: boolean
  /** Our own trainer works on a tiny model with the platform's SDK, in its real time; a scripted worker otherwise. */
  readonly isTrainedForReal?: boolean
  /** Done to the cloud before the run is started. */
  readonly before?: (cloud: { readonly control: CloudControl; readonly remoteId: string }) => Promise<unknown>
  /** Done once the run has been started, beside it. */
  readonly during?: (stage: Stage) => Promise<void>
  readonly config?: Partial<RunConfig>
  readonly hyperparameters?: Partial<RunConfig['hyperparameters']>
  readonly rightStates: readonly RunStatus[]
  /** True when the result is thrown away on purpose or there is none. */
  readonly endsWithoutAdapter?: boolean
}

/** What came of a scenario; all but the number of runs must be zero. */
export interface Outcome {
  readonly scenario: string
  readonly injections: string
  readonly runs: number
  readonly adaptersLost: number
  readonly duplicateTrainings: number
  readonly overBudget: number
  readonly wrongStates: number
  /** Why it was not as it should be; empty when it was. */
  readonly notes: readonly string[]
}
