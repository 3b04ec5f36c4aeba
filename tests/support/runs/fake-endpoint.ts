import { AppError } from '../../../preload/contract/errors.ts'
import { trainInputSchema, type TrainInput, type WorkerResult } from '../../../preload/contract/worker.ts'
import type { EndpointHealth, JobClient, JobStatus } from '../../../main/integrations/runpod/job-client.ts'
import type { VolumeStore } from '../../../main/integrations/volume/volume-store.ts'
import type { Clock } from '../../../main/lib/clock.ts'

type Operation = 'run' | 'status' | 'cancel' | 'health' | 'putFile' | 'findText' | 'readEventLines'

/** One job as the endpoint holds it. */
export interface FakeJob {
  readonly id: string
  readonly input: TrainInput
  status: JobStatus['status']
  output?: unknown
  error?: string
  retries: number
}

export type EventBody = { readonly kind: string } & Record<string, unknown>

/** An endpoint in memory: job API and volume that outlive the app under test. */
export function createFakeEndpoint(clock: Clock) {
  const jobs = new Map<string, FakeJob>()
  const files = new Map<string, string>()
  const eventLines = new Map<string, string[]>()
  const faults: { operation: Operation; problem: AppError | 'lost_reply' }[] = []
  const counts = { posts: 0, cancels: 0 }
  let freeBytes: number | null = 500_000_000_000
  let ids = 0

  const fault = (operation: Operation) => {
    const index = faults.findIndex((entry) => entry.operation === operation)
    return index === -1 ? undefined : faults.splice(index, 1)[0]?.problem
  }
  const guard = (operation: Operation) => {
    const problem = fault(operation)
    if (problem !== undefined) throw problem === 'lost_reply' ? unreachable() : problem
  }

  const count = (status: string) => [...jobs.values()].filter((job) => job.status === status).length

  const client: Pick<JobClient, 'run' | 'status' | 'cancel' | 'health'> = {
    async run(input) {
      const problem = fault('run')
      if (problem instanceof AppError) throw problem
      counts.posts += 1
      ids += 1
      const id = `job-${ids}-u1`
      jobs.set(id, { id, input: trainInputSchema.parse(input), status: 'IN_QUEUE', retries: 0 })
      if (problem === 'lost_reply') throw unreachable()
      return { jobId: id }
    },
    async status(jobId) {
      guard('status')
      const job = jobs.get(jobId)
      if (job === undefined) return { status: 'NOT_FOUND' }
      const { status, output, error, retries } = job
      return { status, retries, ...(output === undefined ? {} : { output }), ...(error === undefined ? {} : { error }) }
    },
    async cancel(jobId) {
      guard('cancel')
      counts.cancels += 1
      const job = jobs.get(jobId)
      if (job?.status === 'IN_QUEUE' || job?.status === 'IN_PROGRESS') job.status = 'CANCELLED'
    },
    async health(): Promise<EndpointHealth> {
      guard('health')
      return {
        jobs: {
          completed: count('COMPLETED'),
          failed: count('FAILED'),
          inProgress: count('IN_PROGRESS'),
          inQueue: count('IN_QUEUE'),
          retried: 0,
        },
        workers: { idle: 1, initializing: 0, ready: 1, running: 0, throttled: 0, unhealthy: 0 },
      }
    },
  }

  const volume: VolumeStore = {
    async putFile(key, sourcePath, _sha256, options) {
      guard('putFile')
      options?.onProgress?.(0, 100)
      files.set(key, sourcePath)
      options?.onProgress?.(100, 100)
    },
    async putText(key, text) {
      files.set(key, text)
    },
    getFile: async () => ({ bytes: 0 }),
    async findText(key) {
      guard('findText')
      return files.get(key)
    },
    list: async (prefix) => [...files].filter(([key]) => key.startsWith(prefix)).map(([key, text]) => ({ key, bytes: text.length })),
    async readEventLines(runId, afterSeq, maxEvents) {
      guard('readEventLines')
      return (eventLines.get(runId) ?? []).slice(afterSeq, afterSeq + maxEvents)
    },
    async removePrefix(prefix) {
      for (const key of files.keys()) if (key.startsWith(prefix)) files.delete(key)
    },
    freeBytes: async () => freeBytes,
  }

  return {
    client,
    volume,
    jobs,
    files,
    counts,
    /** Makes the next call of an operation fail. */
    failNext: (operation: Operation, problem: AppError | 'lost_reply' = unreachable()) => void faults.push({ operation, problem }),
    setFreeBytes: (bytes: number | null) => void (freeBytes = bytes),
    /** Appends an event as the worker does; also shows the last 64 as the job's progress. */
    emit(job: FakeJob, attempt: number, body: EventBody, isShown = true) {
      const runId = job.input.run_id
      const lines = eventLines.get(runId) ?? []
      lines.push(JSON.stringify({ seq: lines.length + 1, attempt, t: clock.nowMs(), ...body }))
      eventLines.set(runId, lines)
      if (job.status === 'IN_PROGRESS' && isShown) {
        const events = lines.slice(-64).map((line): unknown => JSON.parse(line))
        job.output = { v: 1, run_id: runId, attempt, from: lines.length - events.length + 1, to: lines.length, events }
      }
    },
    /** Appends any text to the run's log, also text that is no event. */
    appendLine: (runId: string, line: string) => void eventLines.set(runId, [...(eventLines.get(runId) ?? []), line]),
    linesOf: (runId: string): readonly string[] => eventLines.get(runId) ?? [],
    beat: (runId: string) => void files.set(`runs/${runId}/lease.json`, JSON.stringify({ workerId: 'w1', heartbeatMs: clock.nowMs() })),
    writeResult: (job: FakeJob, result: Partial<WorkerResult>) =>
      void files.set(`runs/${job.input.run_id}/result.json`, JSON.stringify(workerResult(job.input, result))),
    hasResult: (runId: string) => files.has(`runs/${runId}/result.json`),
    find: (runId: string) => [...jobs.values()].find((job) => job.input.run_id === runId),
  }
}

export type FakeEndpoint = ReturnType<typeof createFakeEndpoint>

/** What the client throws when nothing answers. */
export function unreachable(): AppError {
  return new AppError('ENDPOINT_UNREACHABLE', 'The endpoint does not answer.', { retryable: true })
}

function workerResult(input: TrainInput, changes: Partial<WorkerResult>): WorkerResult {
  return {
    v: 1,
    run_id: input.run_id,
    status: 'completed',
    attempt: 1,
    error: null,
    steps_done: 6,
    steps_total: 6,
    loss_first: 3,
    loss_last: 1,
    eval_loss_base: 3,
    eval_loss_best: 1.2,
    eval_loss_last: 1.2,
    best_step: 6,
    tokens_trained: 6000,
    train_seconds: 6,
    last_seq: 0,
    config_sha256: 'c'.repeat(64),
    dataset_sha256: input.dataset.sha256,
    base_model: null,
    manifest_sha256: 'd'.repeat(64),
    peak_memory_bytes: 1000,
    eval_rows: null,
    rows_truncated: 0,
    rows_dropped: 0,
    ...changes,
  }
}
