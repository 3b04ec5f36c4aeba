import { AppError } from '../../../../preload/contract/errors.ts'
import { bytesText } from '../stage-words.ts'
import { toRun } from '../run-view.ts'
import { findResult } from './read-result.ts'
import { backOffMs, type Work } from './work.ts'

const firstRetryMs = 2_000
const slowestRetryMs = 600_000

/** Fetches the adapter; what fails is tried again for as long as it takes, and visibly so. */
export async function collectAdapter(work: Work): Promise<void> {
  work.showDetail(null)
  try {
    const { volume } = await work.connect()
    const found = await findResult(volume, work.runId)
    if (found.kind !== 'found')
      throw new AppError('VOLUME_UNREADABLE', 'The result of the run cannot be read from the volume.', { retryable: true })
    const { adapterId } = await work.ports.adapters.collect(toRun(work.run()), found.result, volume, showProgress(work), work.signal)
    work.recordFact({ type: 'collected', adapterId })
  } catch (problem) {
    if (work.signal.aborted) throw work.signal.reason
    work.showDetail(null)
    if (problem instanceof AppError && problem.code === 'ADAPTER_NOT_VERIFIED') {
      work.dispatch({ type: 'adapter_quarantined', adapterId: adapterIdIn(problem.details), message: problem.message })
      return
    }
    await retryLater(work, problem)
  }
}

async function retryLater(work: Work, problem: unknown): Promise<void> {
  const delayMs = backOffMs(work.state().collectFailures + 1, firstRetryMs, slowestRetryMs)
  const reason = problem instanceof AppError ? problem.message : 'The adapter could not be fetched; the log file has the details.'
  work.log.warning('An adapter could not be fetched', { runId: work.runId, problem })
  work.dispatch({ type: 'collect_failed', message: `${reason} Trying again in ${Math.round(delayMs / 1000)} s.` })
  await work.wait(delayMs)
}

function showProgress(work: Work): (doneBytes: number, totalBytes: number) => void {
  let shownPercent = -1
  return (doneBytes, totalBytes) => {
    const percent = totalBytes === 0 ? 100 : Math.floor((doneBytes / totalBytes) * 100)
    if (percent === shownPercent || work.signal.aborted) return
    shownPercent = percent
    work.showDetail(`Fetching the adapter: ${bytesText(doneBytes)} of ${bytesText(totalBytes)}`)
  }
}

function adapterIdIn(details: unknown): string | null {
  if (typeof details !== 'object' || details === null || !('adapterId' in details)) return null
  return typeof details.adapterId === 'string' ? details.adapterId : null
}
