import { AppError } from '../../../../preload/contract/errors.ts'
import { errorFrom } from '../run-errors.ts'
import { bytesText } from '../stage-words.ts'
import { createContact, type Contact, type Work } from './work.ts'

/** Fixes the training file: normalised, content-addressed, never changed by a later edit of the dataset. */
export async function freezeDataset(work: Work): Promise<void> {
  try {
    const { sha256, bytes, rows } = await work.ports.datasets.freeze(work.run().config.datasetId)
    work.dispatch({ type: 'dataset_frozen', dataset: { sha256, bytes, rows } })
  } catch (problem) {
    refuse(work, problem)
  }
}

/** Where a training file lies on a volume. */
export function datasetKey(sha256: string): string {
  return `datasets/${sha256}.jsonl`
}

/** Puts the training file on the volume; the same file is copied once per volume. */
export async function uploadDataset(work: Work): Promise<void> {
  const contact = createContact(work)
  while (work.state().phase === 'uploading') {
    try {
      await uploadOnce(work, contact)
    } catch (problem) {
      if (!isWorthRetrying(problem)) return refuse(work, problem)
      await work.wait(contact.failed(problem))
    }
  }
}

async function uploadOnce(work: Work, contact: Contact): Promise<void> {
  const { dataset } = work.state()
  const frozen = await work.ports.datasets.freeze(work.run().config.datasetId)
  if (dataset === null || frozen.sha256 !== dataset.sha256) {
    throw new AppError('DATASET_NOT_READY', 'The dataset changed while the run was being prepared.')
  }
  const { volume, wake } = await work.connect()
  // Where only workers can write to the volume, one has to be able to start.
  await wake?.()
  let shownPercent = -1
  await volume.putFile(datasetKey(frozen.sha256), frozen.path, frozen.sha256, {
    signal: work.signal,
    onProgress(doneBytes, totalBytes) {
      const percent = totalBytes === 0 ? 100 : Math.floor((doneBytes / totalBytes) * 100)
      if (percent === shownPercent || work.signal.aborted) return
      shownPercent = percent
      work.showDetail(`Copying the dataset: ${bytesText(doneBytes)} of ${bytesText(totalBytes)}`)
    },
  })
  contact.answered()
  work.dispatch({ type: 'dataset_uploaded' })
}

/** True for failures that pass by themselves: an endpoint or volume that is out of reach for now. */
export function isWorthRetrying(problem: unknown): boolean {
  return problem instanceof AppError && problem.retryable
}

function refuse(work: Work, problem: unknown): void {
  if (work.signal.aborted) throw work.signal.reason
  work.log.warning('A run could not be prepared', { runId: work.runId, problem })
  work.dispatch({ type: 'prepare_failed', error: errorFrom(problem) })
}
