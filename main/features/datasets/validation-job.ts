import type { DatasetError } from '../../../preload/contract/datasets.ts'
import { createRowChecker } from './check-rows.ts'
import { maxRowBytes } from './parse-row.ts'
import { readLines } from './read-lines.ts'
import { maxBatchErrors, maxBatchRows, numbersPerRow, type ValidationBatch, type ValidationReport } from './worker-protocol.ts'

interface ValidationSink {
  onProgress(doneBytes: number): void
  /** Resolves once there is room for another batch. */
  onBatch(batch: ValidationBatch): Promise<void>
}

/** Checks a whole file and hands the findings on in small batches, in file order. */
export async function runValidation(path: string, sink: ValidationSink): Promise<ValidationReport> {
  let rows: number[] = []
  let errors: DatasetError[] = []
  const full: ValidationBatch[] = []
  const closeBatch = () => {
    if (rows.length === 0 && errors.length === 0) return
    full.push({ rows: Float64Array.from(rows), errors })
    rows = []
    errors = []
  }
  const checker = createRowChecker({
    onUsableRow(line) {
      rows.push(line.number, line.offsetBytes, line.lengthBytes)
      if (rows.length >= maxBatchRows * numbersPerRow) closeBatch()
    },
    onError(error) {
      errors.push(error)
      if (errors.length >= maxBatchErrors) closeBatch()
    },
  })
  const sendFull = async () => {
    for (const batch of full.splice(0)) await sink.onBatch(batch)
  }
  const file = await readLines({
    path,
    maxLineBytes: maxRowBytes,
    onLine: (line) => checker.check(line),
    async onChunk(doneBytes) {
      await sendFull()
      sink.onProgress(doneBytes)
    },
  })
  closeBatch()
  await sendFull()
  return { ...checker.summary(), fileSha256: file.sha256 }
}
