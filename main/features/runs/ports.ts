import type { CostParts, MonthStanding } from '../../../preload/contract/costs.ts'
import type { DatasetStats, DatasetTokens } from '../../../preload/contract/datasets.ts'
import type { ConnectionReport } from '../../../preload/contract/endpoints.ts'
import type { BaseModelRef, ModelFacts } from '../../../preload/contract/models.ts'
import type { NotificationType } from '../../../preload/contract/notifications.ts'
import type { Run } from '../../../preload/contract/runs.ts'
import type { WorkerResult } from '../../../preload/contract/worker.ts'
import type { JobClient } from '../../integrations/runpod/job-client.ts'
import type { VolumeStore } from '../../integrations/volume/volume-store.ts'

type Awaitable<T> = T | Promise<T>

/** What a run needs to know about a dataset. */
export interface DatasetFacts {
  readonly id: string
  readonly name: string
  readonly sha256: string | null
  readonly validRows: number
  readonly stats: DatasetStats | null
  readonly isTrainable: boolean
  /** Exact token counts, with the model whose tokenizer made them; absent or null when nobody has counted. */
  readonly tokens?: DatasetTokens | null
  /** The training file of its present state; absent or null when none was made yet. */
  readonly frozen?: { readonly sha256: string; readonly bytes: number } | null
}

/** The normalised training file of a dataset, content-addressed. */
export interface FrozenDataset {
  readonly path: string
  readonly sha256: string
  readonly bytes: number
  readonly rows: number
}

/** What a run needs to know about an endpoint. */
export interface EndpointFacts {
  readonly id: string
  readonly name: string
  readonly kind: 'local' | 'runpod'
  readonly canTrain: boolean
  /** Why it cannot train now, with the next action; null when it can. */
  readonly reason: string | null
  /** True when its workers have an NVIDIA GPU. */
  readonly hasCuda: boolean
  /** The GPUs of one worker; null where there are none or they are not known. */
  readonly gpu: { readonly name: string; readonly count: number } | null
  /** Of all GPUs of one worker together; null where nothing is charged or the price could not be read. */
  readonly priceMicroUsdPerHour: number | null
  /** The account's money when it was last read; null where it is not known or nothing is charged. */
  readonly balanceMicroUsd: number | null
  /** What the worker's version means for a run; absent or null where nobody asks for one. */
  readonly worker?: {
    readonly state: 'unknown' | 'current' | 'older' | 'newer' | 'unusable'
    readonly text: string
    readonly advice: string | null
  } | null
  /** What RunPod last told about it; absent or null where it tells nothing. */
  readonly remote?: {
    readonly stock: 'none' | 'low' | 'medium' | 'high' | 'unknown' | null
    readonly volumeGb: number | null
    readonly hasHfToken: boolean | null
    readonly maySeeSettings: boolean
    /** What the last look came to; absent where none is kept. */
    readonly lastCheck?: ConnectionReport['code'] | null
  } | null
}

/** The two ways to reach an endpoint: its job API and its volume. */
export interface EndpointConnection {
  readonly jobs: Pick<JobClient, 'run' | 'status' | 'cancel' | 'health'>
  readonly volume: VolumeStore
  /** Lets the endpoint start workers where that was switched off because it was idle; absent where that cannot be. */
  wake?(): Promise<void>
  /** How many of its workers work now; null where that cannot be read. */
  countBusyWorkers?(): Promise<number | null>
  /** Ends all its workers, whatever they do, and starts none until it is woken. */
  endWorkers?(): Promise<void>
  /** Why a job still waits after so long, in a sentence; absent where nothing can be asked. */
  explainWaiting?(queuedMs: number): Promise<string | null>
  /** The newest lines of a worker's log and those that follow, until the signal aborts; absent where none can be read. */
  streamWorkerLog?(workerId: string, options: { readonly tail: number; readonly signal: AbortSignal }): AsyncIterable<WorkerLine>
}

/** A line of a worker's log: of the machine around it, or of the program inside. */
export interface WorkerLine {
  readonly source: 'system' | 'container'
  readonly atMs: number | null
  readonly text: string
}

/** What is recorded about the money and time of an ended run. */
export interface CostEntry {
  readonly runId: string
  readonly runName: string
  readonly endpointKind: 'local' | 'runpod'
  readonly endpointId: string
  readonly endpointName: string
  readonly durationMs: number
  /** Null where the price or the time is not known. */
  readonly amountMicroUsd: number | null
  readonly parts: CostParts | null
  /** When it was billed, as far as that can be told; null where nothing was. */
  readonly span: { readonly fromMs: number; readonly toMs: number } | null
  readonly detail: string
}

/** The cost of a run that has not ended: so far, and at most. */
export interface ActiveCost extends CostEntry {
  /** Null where the price is not known. */
  readonly mostMicroUsd: number | null
}

/** A notice for the user; shown once per `dedupeKey`. */
export interface Notice {
  readonly type: NotificationType
  readonly priority: 'low' | 'medium' | 'high'
  readonly title: string
  readonly message: string
  readonly target: { readonly page: 'runs'; readonly id: string }
  readonly dedupeKey: string
}

/** Everything the runs feature asks of the rest of the app. */
export interface RunPorts {
  readonly datasets: {
    describe(id: string): Awaitable<DatasetFacts>
    freeze(id: string): Promise<FrozenDataset>
  }
  readonly endpoints: {
    describe(id: string): Awaitable<EndpointFacts>
    /** Reads anew what may have changed, unless that was done a moment ago; never throws for what a run is told about it. */
    refresh?(id: string): Promise<void>
    connect(id: string): Promise<EndpointConnection>
  }
  readonly adapters: {
    /** Fetches and checks the adapter; a corrupt one is quarantined and refused with ADAPTER_NOT_VERIFIED. */
    collect(
      run: Run,
      result: WorkerResult,
      volume: VolumeStore,
      onProgress: (doneBytes: number, totalBytes: number) => void,
      signal: AbortSignal,
    ): Promise<{ adapterId: string }>
  }
  readonly costs: {
    /** Records once per run, however often it is called. */
    record(entry: CostEntry): void
    /** Records, once per job, what a worker took to package what an ended run had saved; absent where no costs are kept. */
    recordPackaging?(job: {
      readonly jobId: string
      readonly runId: string
      readonly executionMs: number
      readonly endpointId: string
      readonly endpointName: string
      readonly priceMicroUsdPerHour: number | null
    }): void
    /** How this month stands against its budget; absent where no month is kept. */
    month?(): MonthStanding
    /** True when the month's budget would be exceeded by ending now and not before. */
    isMonthSpent?(closingMicroUsd: number): boolean
  }
  /** Shows a notice once per dedupe key. */
  notify(notice: Notice): void
  readonly models: { describe(model: BaseModelRef): Awaitable<ModelFacts> }
}
