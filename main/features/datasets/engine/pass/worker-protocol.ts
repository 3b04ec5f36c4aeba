import type { ColumnMapping } from '../../../../../preload/contract/datasets.ts'
import type { TokenSource } from '../row-tokens.ts'
import type { CheckFacts } from './check-range.ts'
import type { ByteRange } from './range-reader.ts'

/** What a pass does with the rows. */
export type PassKind =
  | { readonly kind: 'check' }
  | { readonly kind: 'tokens'; readonly source: TokenSource; readonly route: 'fast' | 'jinja' }
  | { readonly kind: 'scan' }
  | { readonly kind: 'sign' }
  | { readonly kind: 'search'; readonly text: string }

/** One pass over one file. */
export interface PassJob {
  readonly path: string
  readonly fileBytes: number
  readonly changedAtMs: number
  readonly mapping: ColumnMapping | null
  readonly pass: PassKind
}

/** What a worker is asked; it answers in order. */
export type WorkerRequest =
  | {
      readonly type: 'open'
      readonly jobNumber: number
      readonly job: PassJob
      readonly cancelFlag: Int32Array<SharedArrayBuffer>
      readonly scanCode: WebAssembly.Module
    }
  | { readonly type: 'range'; readonly jobNumber: number; readonly range: ByteRange }
  | { readonly type: 'close'; readonly jobNumber: number }

/** What a worker answers to a range; no result when the job was cancelled. */
export type WorkerAnswer =
  | { readonly type: 'done'; readonly jobNumber: number; readonly range: ByteRange; readonly result: RangeResult | null }
  | { readonly type: 'failed'; readonly jobNumber: number; readonly systemCode: string | null; readonly message: string }

/** What a pass makes of one range. */
export interface RangeResult {
  readonly facts: CheckFacts | null
  readonly columns: ArrayBuffer
}

/** System code of a file that is not the one the pass was started for. */
export const fileChangedCode = 'TUNESMITH_FILE_CHANGED'
