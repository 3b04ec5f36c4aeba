import type { CostParts } from '../../../preload/contract/costs.ts'
import type { Span } from './calendar.ts'

/** What a run cost as the runs feature computes it. */
export interface RunCost {
  readonly runId: string
  readonly runName: string
  readonly endpointKind: 'local' | 'runpod'
  readonly endpointId: string
  readonly endpointName: string
  readonly durationMs: number
  /** Null where the price or the time is not known. */
  readonly amountMicroUsd: number | null
  readonly parts: CostParts | null
  readonly span: Span | null
  readonly detail: string
}

/** A run that has not ended: what it cost so far. */
export interface ActiveRunCost extends RunCost {
  /** What it may cost in all at most; null where its price is not known. */
  readonly mostMicroUsd: number | null
}

/** A job beside the runs that was seen to end: a file that travelled, or a greeting. */
export interface JobCost {
  readonly jobId: string
  readonly type: 'transfer' | 'hello'
  readonly runId: string | null
  readonly endpointId: string
  readonly endpointName: string
  readonly priceMicroUsdPerHour: number | null
  readonly executionMs: number
  readonly endedAtMs: number
}

/** One line of RunPod's bill. */
export interface BillLine extends Span {
  readonly amountMicroUsd: number
}

/** Something RunPod sends a bill for, and how that is read. */
export interface BillSource {
  readonly subject: 'endpoint' | 'volume'
  readonly remoteId: string
  readonly name: string
  read(span: Span): Promise<readonly BillLine[]>
}
