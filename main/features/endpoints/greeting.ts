import { z } from 'zod'
import { greetingLimitMs, workerFactsSchema, type WorkerFacts } from '../../../preload/contract/endpoints.ts'
import { AppError } from '../../../preload/contract/errors.ts'
import { timeMsSchema } from '../../../preload/contract/primitives.ts'
import { helloReplySchema } from '../../../preload/contract/worker-actions.ts'
import { delay, type Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { EndpointConnection } from './ports.ts'

/** What is stored of an endpoint's worker. */
export const workerStateSchema = z.object({
  facts: workerFactsSchema.nullable(),
  /** A greeting that was posted and has not ended. */
  asked: z.object({ jobId: z.string(), askedAtMs: timeMsSchema }).nullable(),
  problem: z.string().nullable(),
})
export type WorkerState = z.infer<typeof workerStateSchema>

/** Before anything is known. */
export const unknownWorker: WorkerState = { facts: null, asked: null, problem: null }

interface GreeterOptions {
  connect(id: string): Promise<EndpointConnection>
  read(id: string): WorkerState
  save(id: string, state: WorkerState): void
  onChanged(id: string): void
  readonly clock: Clock
  readonly log: Log
}

/** Asks workers for their version; each greeting is a billed job, so that there is never a second beside one. */
export interface Greeter {
  /** Follows the greeting that is under way, or posts one. A worker that does not answer within the limit throws. */
  greet(id: string): Promise<WorkerFacts>
  /** What the greeting waits for now; null when none is under way. */
  waitingText(id: string): string | null
  dispose(): void
}

const lookEveryMs = 3_000
const explainEveryMs = 60_000
/** The answer takes seconds once a worker is there. */
const executionTimeoutMs = 5 * 60_000

/** Builds the greeter; greetings that the app left behind are followed by calling `greet` again. */
export function createGreeter({ connect, read, save, onChanged, clock, log }: GreeterOptions): Greeter {
  const life = new AbortController()
  const underWay = new Map<string, Promise<WorkerFacts>>()
  const texts = new Map<string, string>()
  const tell = (id: string, text: string) => {
    if (texts.get(id) === text) return
    texts.set(id, text)
    onChanged(id)
  }

  const post = async (id: string, { jobs, wake }: EndpointConnection): Promise<{ jobId: string; askedAtMs: number }> => {
    const noted = read(id).asked
    if (noted !== null) return noted
    await wake?.()
    const { jobId } = await jobs.run({ v: 1, action: 'hello' }, { executionTimeoutMs, ttlMs: greetingLimitMs })
    const asked = { jobId, askedAtMs: clock.nowMs() }
    save(id, { ...read(id), asked, problem: null })
    return asked
  }
  const follow = async (id: string): Promise<WorkerFacts> => {
    const connection = await connect(id)
    tell(id, 'A worker is being started.')
    const asked = await post(id, connection)
    const waits = { explainedAtMs: asked.askedAtMs }
    while (true) {
      const waitedMs = clock.nowMs() - asked.askedAtMs
      const answer = await lookOnce(connection, asked.jobId, log)
      if (answer !== null) return factsOf(answer, clock.nowMs())
      if (waitedMs > greetingLimitMs) {
        await connection.jobs.cancel(asked.jobId)
        throw new AppError('ENDPOINT_NOT_READY', `No worker has answered within ${greetingLimitMs / 60_000} minutes.`)
      }
      if (clock.nowMs() - waits.explainedAtMs >= explainEveryMs) {
        waits.explainedAtMs = clock.nowMs()
        tell(id, (await connection.explainWaiting?.(waitedMs)) ?? 'A worker is being started.')
      }
      await delay(clock, lookEveryMs, life.signal)
    }
  }
  const greet = async (id: string): Promise<WorkerFacts> => {
    try {
      const facts = await follow(id)
      save(id, { facts, asked: null, problem: null })
      return facts
    } catch (error) {
      if (error instanceof AppError) {
        const state = read(id)
        // Only an ended greeting is forgotten; one that cannot be looked at now may still be answered, and is billed.
        save(id, { ...state, asked: error.code === 'ENDPOINT_NOT_READY' ? null : state.asked, problem: error.message })
      }
      throw error
    } finally {
      underWay.delete(id)
      texts.delete(id)
      onChanged(id)
    }
  }

  return {
    greet(id) {
      const known = underWay.get(id)
      if (known !== undefined) return known
      const started = greet(id)
      underWay.set(id, started)
      return started
    },
    waitingText: (id) => texts.get(id) ?? null,
    dispose: () => life.abort(),
  }
}

/** The worker's words, or null while there are none; a passing fault of the network is no answer. */
async function lookOnce({ jobs }: EndpointConnection, jobId: string, log: Log): Promise<unknown> {
  const job = await jobs.status(jobId).catch((problem: unknown) => {
    if (!(problem instanceof AppError) || !problem.retryable) throw problem
    log.info('A greeting could not be looked at', { code: problem.code })
    return null
  })
  if (job === null) return null
  switch (job.status) {
    case 'IN_QUEUE':
    case 'IN_PROGRESS':
      return null
    case 'COMPLETED':
      return job.output ?? {}
    case 'FAILED':
      throw new AppError('ENDPOINT_NOT_READY', `The worker refused the greeting: ${job.error ?? 'it gave no reason'}`)
    case 'CANCELLED':
      throw new AppError('ENDPOINT_NOT_READY', 'The greeting was cancelled before a worker answered.')
    case 'TIMED_OUT':
    case 'NOT_FOUND':
      throw new AppError('ENDPOINT_NOT_READY', 'RunPod gave the greeting up before a worker answered it.')
  }
}

function factsOf(answer: unknown, nowMs: number): WorkerFacts {
  const parsed = helloReplySchema.safeParse(answer)
  if (!parsed.success) {
    const message = 'Something answered the greeting, but not as a worker of this app does. The endpoint may run another image.'
    throw new AppError('ENDPOINT_NOT_READY', message, { details: { problem: parsed.error.issues[0]?.path.join('.') } })
  }
  const { trainer_version, python, torch, cuda, device, base_models, actions } = parsed.data
  return {
    trainerVersion: trainer_version,
    python,
    torch,
    cuda,
    gpu: { name: device.name, memoryBytes: device.memory_bytes, count: device.count },
    baseModels: base_models.map(({ id }) => id),
    actions,
    saidAtMs: nowMs,
  }
}
