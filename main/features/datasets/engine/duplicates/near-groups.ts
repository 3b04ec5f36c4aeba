import { AppError } from '../../../../../preload/contract/errors.ts'
import { createSigner, groupNearDuplicates, signatureLength } from '../hygiene/near-duplicates.ts'
import type { OpenDataset, PassWork } from '../open-dataset.ts'
import type { WorkerPool } from '../pass/worker-pool.ts'

/** Nearly equal rows of a dataset, by row. */
export interface NearGroups {
  readonly threshold: number
  /** Number of the row's group from 1; 0 for a row that is like no other. */
  readonly groupOf: Uint32Array
  /** Share of word sequences in common with the first row of the group. */
  readonly similarityOf: Float32Array
}

/** Signatures of more rows than this do not fit in memory at once. */
const maxRows = 3_000_000
const signPriority = 1

/** Signs every usable row in the workers and groups the ones that are alike. */
export async function findNearGroups(
  { index, view }: OpenDataset,
  pool: WorkerPool,
  threshold: number,
  work: PassWork,
): Promise<NearGroups> {
  const { rows } = view.table.columns
  if (rows > maxRows) {
    throw new AppError(
      'DATASET_FILE_TOO_LARGE',
      `The search for nearly equal rows holds at most ${maxRows.toLocaleString('en-US')} rows. Split the dataset and search each part.`,
    )
  }
  const signatures = await signRows(index, pool, rows, work)
  const signer = createSigner()
  for (let row = 0; row < rows; row += 1) {
    const { text, isDropped } = view.overlay.stateOf(row)
    const at = row * signatureLength
    if (isDropped || !view.isUsable(row)) signatures.fill(0, at, at + signatureLength)
    else if (text !== null) {
      const { content } = view.read(row)
      if (content !== null) signer.sign(content, signatures, at)
    }
  }
  const exact = (first: number, second: number) => {
    const a = view.read(first).content
    // The reader re-uses its reading, but the content of a row stays.
    const b = view.read(second).content
    return a === null || b === null ? 0 : signer.jaccardOf(a, b)
  }
  const { groupOf, similarityOf } = groupNearDuplicates(signatures, threshold, exact)
  return { threshold, groupOf, similarityOf }
}

async function signRows(
  index: OpenDataset['index'],
  pool: WorkerPool,
  rows: number,
  { signal, onProgress }: PassWork,
): Promise<Uint32Array> {
  const firstRows = index.firstRows()
  const signatures = new Uint32Array(rows * signatureLength)
  let doneBytes = 0
  await pool.run({
    job: { path: index.path, fileBytes: index.fileBytes, changedAtMs: index.changedAtMs, mapping: index.mapping, pass: { kind: 'sign' } },
    ranges: index.ranges,
    priority: signPriority,
    signal,
    onRange(range, { columns }) {
      signatures.set(new Uint32Array(columns), (firstRows[range.number] ?? 0) * signatureLength)
      doneBytes += range.to - range.from
      onProgress({ doneBytes, totalBytes: index.fileBytes, resumedBytes: 0 })
    },
  })
  return signatures
}
