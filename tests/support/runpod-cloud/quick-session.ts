import type { CloudClock } from './cloud-clock.ts'
import type { JobEffect, TrainingPoint } from './faults.ts'
import type { LiveHolders } from './quick-lease.ts'
import type { TrainerEvent } from './run-folder.ts'
import type { StepLedger } from './step-ledger.ts'

/** How long scripted work takes, by the cloud's clock, and how large what it makes is. */
export interface QuickPace {
  readonly loadMs: number
  readonly stepMs: number
  readonly adapterBytes: number
  /** Steps of a training whose input names no maximum and would have more. */
  readonly mostSteps: number
}

export const usualPace: QuickPace = { loadMs: 20_000, stepMs: 1_000, adapterBytes: 4_096, mostSteps: 2_000 }

/** What all scripted workers of a cloud share. */
export interface QuickShop {
  readonly clock: CloudClock
  readonly holders: LiveHolders
  readonly ledger: StepLedger
  readonly pace: QuickPace
}

/** Ends a scripted worker at once, wherever it is. */
export class WorkerKilled extends Error {}

/** One job at a scripted worker: its surroundings and what may interrupt it. */
export interface QuickSession {
  readonly workerId: string
  readonly volumeFolder: string
  readonly shop: QuickShop
  /** Work that takes time; throws WorkerKilled when the worker dies meanwhile. */
  work(ms: number): Promise<void>
  /** Waits for something that happens elsewhere, or for a stop. */
  until(happens: Promise<void>): Promise<void>
  /** `user`: the job was cancelled; `shutdown`: the worker was told to go. */
  stop(): 'user' | 'shutdown' | null
  /** Passes a point of the training, where a test may hold or kill it. */
  pass(point: TrainingPoint): Promise<void>
  find<K extends JobEffect['kind']>(kind: K): Extract<JobEffect, { kind: K }> | undefined
  onEvent(event: TrainerEvent): void
  log(line: string): void
}
