import type { DatasetError } from '../../../preload/contract/datasets.ts'
import type { CheckSummary } from './check-rows.ts'

/** What the worker thread is started for. */
export type WorkerJob =
  | { readonly kind: 'validate'; readonly path: string }
  | { readonly kind: 'freeze'; readonly path: string; readonly targetPath: string }

/** A portion of findings, small enough to be written in one short transaction. */
export interface ValidationBatch {
  /** Line, offset and length of each usable row, three numbers per row. */
  readonly rows: Float64Array
  readonly errors: readonly DatasetError[]
}

/** The end of a validation: the findings as a whole and the hash of what was read. */
export interface ValidationReport extends CheckSummary {
  readonly fileSha256: string
}

/** The end of a freeze: the file that was written and the hash of what it was made from. */
export interface FreezeReport {
  readonly sourceSha256: string
  readonly sha256: string
  readonly bytes: number
  readonly rows: number
}

/** What the worker thread tells the main thread. */
export type WorkerMessage =
  | { readonly type: 'progress'; readonly doneBytes: number }
  | { readonly type: 'batch'; readonly batch: ValidationBatch }
  | { readonly type: 'validated'; readonly report: ValidationReport }
  | { readonly type: 'frozen'; readonly report: FreezeReport }
  | { readonly type: 'failed'; readonly systemCode: string | null; readonly message: string }

/** The main thread's only answer: one batch is stored, send the next. */
export interface BatchStored {
  readonly type: 'stored'
}

/** Numbers per row in `ValidationBatch.rows`. */
export const numbersPerRow = 3
/** Rows and errors of one batch; keeps the transaction well under a frame. */
export const maxBatchRows = 500
export const maxBatchErrors = 250
