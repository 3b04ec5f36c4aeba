import type { Dispatcher } from 'undici'
import type { z } from 'zod'
import { AppError } from '../../../preload/contract/errors.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import { checkedPathId, createApiSender, failureOf, parseJson, type ApiReply } from './api-request.ts'
import { healthReplySchema, purgeReplySchema, runReplySchema, statusReplySchema, streamReplySchema } from './replies.ts'

/** What the job API says about one job; `NOT_FOUND` stands for a 404. */
export interface JobStatus {
  status: 'IN_QUEUE' | 'IN_PROGRESS' | 'COMPLETED' | 'FAILED' | 'CANCELLED' | 'TIMED_OUT' | 'NOT_FOUND'
  output?: unknown
  /** The message of an exception without its traceback, or the words of the handler or the platform. */
  error?: string
  workerId?: string
  retries?: number
  /** Of the last attempt only: a retry by the platform begins anew. */
  delayTimeMs?: number
  executionTimeMs?: number
}

/** Counts of an endpoint's jobs and workers. */
export interface EndpointHealth {
  jobs: { completed: number; failed: number; inProgress: number; inQueue: number; retried: number }
  workers: { idle: number; initializing: number; ready: number; running: number; throttled: number; unhealthy: number }
}

/** The serverless job API of one endpoint. */
export interface JobClient {
  run(input: unknown, policy: { executionTimeoutMs: number; ttlMs: number }): Promise<{ jobId: string }>
  status(jobId: string): Promise<JobStatus>
  cancel(jobId: string): Promise<void>
  retry(jobId: string): Promise<void>
  health(): Promise<EndpointHealth>
}

/** The parts of the job API that runs do not need. */
export interface FullJobClient extends JobClient {
  /** Chunks of a streaming handler; the endpoint hands each one out once. */
  stream(jobId: string): Promise<{ status: JobStatus['status']; chunks: readonly unknown[] }>
  purgeQueue(): Promise<{ removed: number }>
}

interface JobClientOptions {
  /** For example https://api.runpod.ai/v2/abc123, without a closing slash. */
  readonly baseUrl: string
  readonly apiKey: () => string | Promise<string>
  readonly clock: Clock
  readonly log: Log
  readonly userAgent: string
  readonly dispatcher?: Dispatcher
}

const maxBodyBytes = 10 * 1024 * 1024
const attempts = 4

/** Creates the client; the same code serves RunPod and this computer. */
export function createJobClient({ baseUrl, apiKey, clock, log, userAgent, dispatcher }: JobClientOptions): FullJobClient {
  const send = createApiSender({ clock, userAgent, attempts, ...(dispatcher === undefined ? {} : { dispatcher }) })
  const call = async (method: 'GET' | 'POST', path: string, options: { body?: string; isRepeatable: boolean }): Promise<ApiReply> =>
    send({ method, url: `${baseUrl}/${path}`, apiKey: await apiKey(), ...options })
  const get = (path: string) => call('GET', path, { isRepeatable: true })
  const post = (path: string, isRepeatable: boolean, body = '{}') => call('POST', path, { body, isRepeatable })
  const read = <T>(reply: ApiReply, schema: z.ZodType<T>): T => {
    assertDone(reply)
    const parsed = schema.safeParse(parseJson(reply.text))
    if (parsed.success) return parsed.data
    const problem = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ')
    log.warning('An answer of the job API could not be used', {
      status: reply.status,
      problem: problem.slice(0, 300),
      start: reply.text.slice(0, 200),
    })
    throw new AppError('RUNPOD_REPLY_INVALID', 'The endpoint gave an answer this version does not understand.', {
      retryable: true,
      details: { status: reply.status, problem: problem.slice(0, 300) },
    })
  }

  return {
    async run(input, policy) {
      const body = JSON.stringify({ input, policy: { executionTimeout: policy.executionTimeoutMs, ttl: policy.ttlMs } })
      const bytes = Buffer.byteLength(body)
      if (bytes > maxBodyBytes) throw tooLarge({ bytes })
      // Never sent twice by itself: an answer that is lost may belong to a job that runs and costs money.
      const reply = await post('run', false, body)
      if (isTooLarge(reply)) throw tooLarge({ bytes, status: reply.status })
      return { jobId: read(reply, runReplySchema).id }
    },
    async status(jobId) {
      const reply = await get(`status/${checkedId(jobId)}`)
      return reply.status === 404 ? { status: 'NOT_FOUND' } : read(reply, statusReplySchema)
    },
    async cancel(jobId) {
      const reply = await post(`cancel/${checkedId(jobId)}`, true)
      // A job that is forgotten needs no cancelling; its status tells what became of it.
      if (reply.status !== 404) assertDone(reply)
    },
    async retry(jobId) {
      assertDone(await post(`retry/${checkedId(jobId)}`, false))
    },
    health: async () => read(await get('health'), healthReplySchema),
    async stream(jobId) {
      // Fetching empties the buffer, so an answer that is lost must not be asked for again as if it were new.
      const reply = await call('GET', `stream/${checkedId(jobId)}`, { isRepeatable: false })
      if (reply.status === 404) return { status: 'NOT_FOUND', chunks: [] }
      const { status, stream } = read(reply, streamReplySchema)
      return { status, chunks: stream.map((chunk) => chunk.output) }
    },
    purgeQueue: async () => read(await post('purge-queue', true), purgeReplySchema),
  }
}

function assertDone(reply: ApiReply): void {
  if (reply.status < 200 || reply.status > 299) throw failureOf(reply)
}

function checkedId(jobId: string): string {
  return checkedPathId(jobId, 'job')
}

/** The platform's refusal of a body over its limit comes as 400 with these words. */
function isTooLarge({ status, text }: ApiReply): boolean {
  return status === 413 || (status === 400 && /max(?:imum)? body size|body (?:is )?too large|10 ?MiB/i.test(text.slice(0, 2_000)))
}

function tooLarge(details: { bytes: number; status?: number }): AppError {
  return new AppError('INVALID_INPUT', 'The job is larger than the 10 MiB the endpoint accepts. Send the dataset through the volume.', {
    details,
  })
}
