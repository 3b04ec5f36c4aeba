import { AppError } from '../../../../preload/contract/errors.ts'
import { trainInputSchema, type TrainInput } from '../../../../preload/contract/worker.ts'
import { isRescuing } from '../machine-end.ts'
import { limitsOf } from '../money.ts'
import { errorFrom } from '../run-errors.ts'
import type { StoredRun } from '../repository.ts'
import type { EndpointConnection } from '../ports.ts'
import { findResult, summarise } from './read-result.ts'
import { datasetKey, isWorthRetrying } from './prepare.ts'
import { backOffMs, createContact, type Work } from './work.ts'

/** Posts the job once. What is not certain to have failed is looked for before it is posted again. */
export async function submitJob(work: Work): Promise<void> {
  if (work.state().submission === 'sent') {
    work.dispatch({ type: 'submit_lost', message: 'the app was closed while it waited for the answer' })
    return
  }
  const connection = await connectPatiently(work)
  if (connection === null) return
  const run = work.run()
  const input = trainInputFor(run)
  if (work.dispatch({ type: 'submit_started' }).submission !== 'sent') return
  try {
    // The worker trains no further when it finds this, also where the stop itself never reached one.
    if (isRescuing(run.state)) await connection.volume.putText(`runs/${run.id}/stop.json`, JSON.stringify({ v: 1, reason: 'user' }))
    await connection.wake?.()
    const { jobId } = await connection.jobs.run(input, limitsOf(run.state, run.config).policy)
    work.recordFact({ type: 'submit_accepted', jobId })
  } catch (problem) {
    if (isRefusal(problem)) work.recordFact({ type: 'submit_refused', error: errorFrom(problem) })
    else work.recordFact({ type: 'submit_lost', message: problem instanceof AppError ? problem.message : 'no usable answer came' })
  }
}

/** The job input of a run; the same run always gives the same input. */
export function trainInputFor(run: StoredRun): TrainInput {
  const { dataset } = run.state
  const { accepts, samplePrompts } = run.config
  if (dataset === null) throw new Error('A run without a training file cannot be submitted')
  return trainInputSchema.parse({
    v: 1,
    action: 'train',
    run_id: run.id,
    dataset: { kind: 'volume', key: datasetKey(dataset.sha256), ...dataset },
    base_model: run.config.baseModel,
    hyperparameters: run.config.hyperparameters,
    limits: limitsOf(run.state, run.config).worker,
    accepts: { rows_without_answer: accepts.rowsWithoutAnswer, rows_cut: accepts.rowsCut },
    sample_prompts: samplePrompts,
  })
}

const refusals: ReadonlySet<string> = new Set([
  'ENDPOINT_REFUSED',
  'ENDPOINT_NOT_FOUND',
  'ENDPOINT_NOT_READY',
  'ENDPOINT_KEY_MISSING',
  'KEYCHAIN_UNAVAILABLE',
  'PYTHON_NOT_FOUND',
  'PYTHON_SETUP_FAILED',
  'WORKER_START_FAILED',
  'INVALID_INPUT',
])

function isRefusal(problem: unknown): boolean {
  return problem instanceof AppError && refusals.has(problem.code)
}

async function connectPatiently(work: Work): Promise<EndpointConnection | null> {
  const contact = createContact(work)
  while (work.state().phase === 'submitting') {
    try {
      const connection = await work.connect()
      contact.answered()
      return connection
    } catch (problem) {
      if (work.signal.aborted) throw work.signal.reason
      if (!isWorthRetrying(problem)) {
        work.dispatch({ type: 'submit_refused', error: errorFrom(problem) })
        return null
      }
      await work.wait(contact.failed(problem))
    }
  }
  return null
}

const lookAgainMs = 15_000
/** A job that was accepted shows in the endpoint's counts well within this many looks. */
const quietLooksNeeded = 3

/**
 * Finds out what became of a post whose answer was lost, by the run's id.
 *
 * On this computer a second post is safe: one queue feeds one worker, which works by run id, so the later of two
 * jobs finds the finished result or goes on from the checkpoint; nothing is trained twice or billed.
 * On RunPod two workers could train, and bill, at once. There it is posted again only when the volume shows no
 * worker on this run and the endpoint has held no job at all for several looks.
 */
export async function reconcileSubmission(work: Work): Promise<void> {
  const contact = createContact(work)
  let quietLooks = 0
  while (work.state().phase === 'reconciling') {
    try {
      const connection = await work.connect()
      const outcome = await lookForJob(work, connection)
      contact.answered()
      if (outcome === 'settled') return
      quietLooks = outcome === 'quiet' ? quietLooks + 1 : 0
      if (quietLooks >= quietLooksNeeded) {
        work.dispatch({ type: 'submit_again', reason: 'the endpoint holds no job and no worker has begun it' })
        return
      }
      await work.wait(lookAgainMs)
    } catch (problem) {
      await work.wait(contact.failed(problem))
    }
  }
}

async function lookForJob(work: Work, { jobs, volume }: EndpointConnection): Promise<'settled' | 'quiet' | 'busy'> {
  const found = await findResult(volume, work.runId)
  if (found.kind === 'found') {
    work.dispatch({ type: 'result_found', result: summarise(found.result) })
    return 'settled'
  }
  const { facts, posts } = work.state()
  if (facts.endpointKind === 'local') {
    if (posts > 1) await work.wait(backOffMs(posts - 1))
    work.dispatch({ type: 'submit_again', reason: 'on this computer a second post of the same run is safe' })
    return 'settled'
  }
  const lease = await volume.findText(`runs/${work.runId}/lease.json`, 10_000)
  if (lease !== undefined) {
    work.dispatch({ type: 'job_adopted' })
    return 'settled'
  }
  const health = await jobs.health()
  return health.jobs.inQueue === 0 && health.jobs.inProgress === 0 ? 'quiet' : 'busy'
}
