import { workerResultSchema, type WorkerResult } from '../../../../preload/contract/worker.ts'
import type { VolumeStore } from '../../../integrations/volume/volume-store.ts'
import { redactText } from '../../../lib/redaction.ts'
import type { ResultSummary, RunState } from '../state.ts'
import { createContact, createLastDrain, drainEvents, type Work } from './work.ts'

const maxResultBytes = 4_000_000
const maxLeaseBytes = 10_000
const lookAgainMs = 2_000
/** A finished job has written its result before it reports; a few looks cover a slow volume. */
const looksWithoutLife = 4
/** A stopped trainer saves for a while; it counts as alive while its lease or its log changes. */
const silentForMs = 60_000

export type FoundResult =
  | { readonly kind: 'found'; readonly result: WorkerResult }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unusable' }

/** Reads result.json, the system of record of a run. */
export async function findResult(volume: VolumeStore, runId: string): Promise<FoundResult> {
  const text = await volume.findText(`runs/${runId}/result.json`, maxResultBytes)
  if (text === undefined) return { kind: 'absent' }
  try {
    const parsed = workerResultSchema.safeParse(JSON.parse(text))
    if (!parsed.success || parsed.data.run_id !== runId) return { kind: 'unusable' }
    const { error } = parsed.data
    // A worker's words may hold the token it used; they are stored and shown.
    const redacted = error === null ? null : { ...error, message: redactText(error.message), advice: redactText(error.advice) }
    return { kind: 'found', result: { ...parsed.data, error: redacted } }
  } catch (problem) {
    if (problem instanceof SyntaxError) return { kind: 'unusable' }
    throw problem
  }
}

/** The part of a result that decides how the run ends. */
export function summarise(result: WorkerResult): ResultSummary {
  return {
    status: result.status,
    hasAdapter: result.manifest_sha256 !== null,
    error: result.error,
    stepsDone: result.steps_done,
    stepsTotal: result.steps_total,
    endedBy: result.ended_by ?? null,
    peakMemoryBytes: result.peak_memory_bytes === 0 ? null : result.peak_memory_bytes,
    trainedMs: Math.ceil(result.train_seconds * 1_000),
  }
}

/** Waits for the result of a job that the job API has closed, for as long as a worker shows signs of life. */
export async function readResult(work: Work): Promise<void> {
  const contact = createContact(work)
  const life = createLifeSigns(work)
  const drainLast = createLastDrain(work)
  while (work.state().phase === 'reading_result') {
    try {
      const connection = await work.connect()
      // The result comes after the last event, so it is looked for first and the log is complete when it is there.
      const found = await findResult(connection.volume, work.runId)
      await (found.kind === 'found' ? drainLast(connection) : drainEvents(work, connection))
      const lease = await connection.volume.findText(`runs/${work.runId}/lease.json`, maxLeaseBytes)
      contact.answered()
      if (found.kind === 'found') {
        work.dispatch({ type: 'result_found', result: summarise(found.result) })
        return
      }
      if (!life.look(work.state(), lease)) {
        const reason = found.kind === 'unusable' ? 'result.json is not readable.' : 'No worker shows a sign of life.'
        work.dispatch({ type: 'result_missing', reason })
        return
      }
      await work.wait(lookAgainMs)
    } catch (problem) {
      await work.wait(contact.failed(problem))
    }
  }
}

/** A worker that gives a run back says so in the lease. */
function isReleased(lease: string): boolean {
  return /"released":\s*true/.test(lease)
}

/** Judges life by change, not by the worker's clock, which may differ from ours. */
export function createLifeSigns(work: Work) {
  let looks = 0
  let lastSign = ''
  let changedAtMs = work.clock.nowMs()
  return {
    /** True while it is worth waiting. */
    look(state: RunState, lease: string | undefined): boolean {
      looks += 1
      const sign = `${work.run().cursor} ${lease ?? ''}`
      if (sign !== lastSign) {
        lastSign = sign
        changedAtMs = work.clock.nowMs()
      }
      const isReported = state.remoteEnd?.how === 'COMPLETED' || state.remoteEnd?.how === 'FAILED'
      if (lease === undefined || isReleased(lease) || isReported) return looks < looksWithoutLife
      return work.clock.nowMs() - changedAtMs < silentForMs
    },
  }
}
