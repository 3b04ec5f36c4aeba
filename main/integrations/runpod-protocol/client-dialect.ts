import { z } from 'zod'
import type { Answer, Exchange } from './http-exchange.ts'
import type { JobPlatform } from './job-platform.ts'
import { isEnded, type JobRecord } from './job-queue.ts'

/** Largest body of /run. */
export const maxRunBodyBytes = 10 * 1024 * 1024

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const defaultExecutionTimeoutMs = 600_000
const defaultPolicy = { ttl: dayMs }
const runRequestSchema = z.object({
  input: z.record(z.string(), z.unknown()).refine((input) => Object.keys(input).length > 0, 'input must not be empty'),
  policy: z
    .object({
      executionTimeout: z
        .number()
        .min(5_000)
        .max(7 * dayMs)
        .optional(),
      ttl: z
        .number()
        .min(10_000)
        .max(7 * dayMs)
        .default(defaultPolicy.ttl),
    })
    .default(defaultPolicy),
})
const defaultStreamWaitMs = 10_000
const longestStreamWaitMs = 300_000

/** Counts the client API shows as workers. */
export interface WorkerCounts {
  readonly idle: number
  readonly initializing: number
  readonly ready: number
  readonly running: number
  readonly throttled: number
  readonly unhealthy: number
}

/** Answers the job API: run, status, stream, cancel, retry, health, purge-queue; undefined for another path. */
export async function answerClient(
  exchange: Exchange,
  platform: JobPlatform,
  countWorkers: () => WorkerCounts,
  /** For jobs that name no time limit of their own. */
  executionTimeoutMs = defaultExecutionTimeoutMs,
): Promise<Answer | undefined> {
  const [operation, jobId, ...rest] = exchange.path
  if (rest.length > 0 || operation === undefined) return undefined
  const { method } = exchange
  if (jobId === undefined) {
    if (operation === 'run' && method === 'POST') return run(exchange, platform, executionTimeoutMs)
    if (operation === 'health' && method === 'GET') return { status: 200, body: healthBody(platform, countWorkers()) }
    if (operation === 'purge-queue' && method === 'POST')
      return { status: 200, body: { removed: await platform.purge(), status: 'completed' } }
    return undefined
  }
  if (operation === 'status' && method === 'GET') return answerJob(platform.find(jobId), statusBody)
  if (operation === 'stream' && method === 'GET') return stream(exchange, platform, jobId)
  if (operation === 'cancel' && method === 'POST')
    return answerJob(await platform.cancel(jobId), (job) => ({ id: job.id, status: job.status }))
  if (operation === 'retry' && method === 'POST') return retry(platform, jobId)
  return undefined
}

async function run(exchange: Exchange, platform: JobPlatform, executionTimeoutMs: number): Promise<Answer> {
  const body = await exchange.readJson(maxRunBodyBytes)
  if (body === 'too_large') return { status: 400, body: { error: 'request body exceeded max body size of 10MiB' } }
  if (body === 'invalid') return { status: 400, body: { error: 'the request body is not JSON' } }
  const request = runRequestSchema.safeParse(body.value)
  if (!request.success) return { status: 400, body: { error: z.prettifyError(request.error) } }
  const { input, policy } = request.data
  const job = await platform.submit({
    input,
    policy: { executionTimeoutMs: policy.executionTimeout ?? executionTimeoutMs, ttlMs: policy.ttl },
  })
  return { status: 200, body: { id: job.id, status: 'IN_QUEUE' } }
}

async function stream(exchange: Exchange, platform: JobPlatform, jobId: string): Promise<Answer> {
  const asked = Number(exchange.query.get('wait') ?? defaultStreamWaitMs)
  const waitMs = Number.isFinite(asked) ? Math.min(longestStreamWaitMs, Math.max(0, asked)) : defaultStreamWaitMs
  const found = await platform.stream(jobId, waitMs, exchange.gone)
  return answerJob(found, ({ job, chunks }) => ({ status: job.status, stream: chunks.map((output) => ({ output })) }))
}

async function retry(platform: JobPlatform, jobId: string): Promise<Answer> {
  if (platform.find(jobId) === undefined) return notFound
  const job = await platform.retry(jobId)
  return job === undefined
    ? { status: 400, body: { error: 'only a job that is FAILED or TIMED_OUT can be retried' } }
    : { status: 200, body: { id: job.id, status: job.status } }
}

const notFound: Answer = { status: 404, body: { error: 'job not found' } }

function answerJob<T>(job: T | undefined, body: (job: T) => unknown): Answer {
  return job === undefined ? notFound : { status: 200, body: body(job) }
}

/** A job as /status shows it: keys appear only when there is something to say. */
function statusBody(job: JobRecord): Record<string, unknown> {
  if (job.status === 'IN_QUEUE') return { id: job.id, status: job.status, ...(job.retries > 0 ? { retries: job.retries } : {}) }
  const startedAtMs = job.startedAtMs ?? job.endedAtMs ?? job.queuedAtMs
  return {
    id: job.id,
    status: job.status,
    delayTime: startedAtMs - job.queuedAtMs,
    ...(isEnded(job.status) && job.startedAtMs !== null && job.endedAtMs !== null
      ? { executionTime: job.endedAtMs - job.startedAtMs }
      : {}),
    ...(job.workerId === null ? {} : { workerId: job.workerId }),
    ...(job.retries > 0 ? { retries: job.retries } : {}),
    ...(job.output === undefined ? {} : { output: job.output }),
    ...(job.error === null ? {} : { error: job.error }),
  }
}

function healthBody(platform: JobPlatform, workers: WorkerCounts): Record<string, unknown> {
  const { jobs, totals } = platform.queue()
  const count = (status: JobRecord['status']) => jobs.filter((job) => job.status === status).length
  return {
    jobs: {
      completed: totals.completed,
      failed: totals.failed,
      inProgress: count('IN_PROGRESS'),
      inQueue: count('IN_QUEUE'),
      retried: totals.retried,
    },
    workers,
  }
}
