import { z } from 'zod'
import type { Answer, Exchange } from './http-exchange.ts'
import type { JobPlatform } from './job-platform.ts'
import type { JobRecord } from './job-queue.ts'

/** Largest result or chunk a worker may post. */
const maxResultBytes = 20 * 1024 * 1024
const largestBatch = 10
const reportSchema = z.object({
  status: z.string().optional(),
  output: z.unknown().optional(),
  error: z.unknown().optional(),
  stopPod: z.boolean().optional(),
})
const ok: Answer = { status: 200, body: { status: 'ok' } }

/** What the platform's owner learns from a worker's calls. */
export interface WorkerEvents {
  /** It asks for work, so it has started and has nothing to do. */
  onReady(workerId: string): void
  /** It asked to be replaced after this job. */
  onRefreshAsked(workerId: string): void
}

/** Answers the worker protocol as the runpod SDK speaks it; undefined for another path. */
export async function answerWorker(
  exchange: Exchange,
  workerId: string,
  platform: JobPlatform,
  events: WorkerEvents,
): Promise<Answer | undefined> {
  const [operation, , jobId] = exchange.path
  const { method } = exchange
  if (operation === 'job-take' && method === 'GET') {
    const [job] = await take(exchange, workerId, 1, platform, events)
    return job === undefined ? { status: 204 } : { status: 200, body: jobBody(job) }
  }
  if (operation === 'job-take-batch' && method === 'GET') {
    const jobs = await take(exchange, workerId, batchSize(exchange), platform, events)
    return jobs.length === 0 ? { status: 204 } : { status: 200, body: jobs.map(jobBody) }
  }
  if (operation === 'job-stop' && method === 'GET') {
    const jobsToStop = await platform.stops(workerId, exchange.gone)
    return jobsToStop.length === 0 ? { status: 204 } : { status: 200, body: { jobsToStop } }
  }
  if (operation === 'ping' && method === 'GET') return ok
  if (jobId === undefined || method !== 'POST') return undefined
  if (operation === 'job-done') return report(exchange, workerId, jobId, platform, events)
  if (operation === 'job-stream') return addChunk(exchange, workerId, jobId, platform)
  return undefined
}

function batchSize(exchange: Exchange): number {
  const asked = Number(exchange.query.get('batch_size') ?? 1)
  return Number.isInteger(asked) ? Math.min(largestBatch, Math.max(1, asked)) : 1
}

async function take(
  exchange: Exchange,
  workerId: string,
  count: number,
  platform: JobPlatform,
  events: WorkerEvents,
): Promise<readonly JobRecord[]> {
  events.onReady(workerId)
  const jobs = await platform.take(workerId, count, exchange.gone)
  if (!exchange.gone.aborted) return jobs
  for (const job of jobs) await platform.giveBack(workerId, job.id)
  return []
}

/** What a handler gets as its job. */
function jobBody(job: JobRecord): Record<string, unknown> {
  return { id: job.id, input: job.input, delayTime: (job.startedAtMs ?? job.queuedAtMs) - job.queuedAtMs, retries: job.retries }
}

async function report(exchange: Exchange, workerId: string, jobId: string, platform: JobPlatform, events: WorkerEvents): Promise<Answer> {
  const body = await exchange.readJson(maxResultBytes)
  if (body === 'too_large') return { status: 400, body: { error: 'the result exceeded max body size of 20MiB' } }
  const parsed = body === 'invalid' ? undefined : reportSchema.safeParse(body.value)
  if (parsed?.success !== true) return { status: 400, body: { error: 'the report is not a JSON object' } }
  const { status, output, error, stopPod } = parsed.data
  if (status === 'IN_PROGRESS') {
    platform.progress(workerId, jobId, output)
    return ok
  }
  await platform.finish(workerId, jobId, { output, ...(isBlank(error) ? {} : { error: errorText(error) }) })
  if (stopPod === true) events.onRefreshAsked(workerId)
  return ok
}

async function addChunk(exchange: Exchange, workerId: string, jobId: string, platform: JobPlatform): Promise<Answer> {
  const body = await exchange.readJson(maxResultBytes)
  if (typeof body === 'string') return { status: 400, body: { error: 'the chunk is not usable JSON' } }
  const parsed = reportSchema.safeParse(body.value)
  if (!parsed.success) return { status: 400, body: { error: 'the chunk is not a JSON object' } }
  if (parsed.data.output !== undefined) platform.chunk(workerId, jobId, parsed.data.output)
  return ok
}

function isBlank(error: unknown): boolean {
  return error === undefined || error === null || error === ''
}

function errorText(error: unknown): string {
  return typeof error === 'string' ? error : JSON.stringify(error)
}
