import { createHash } from 'node:crypto'
import { gunzipSync, gzipSync } from 'node:zlib'
import { AppError } from '../../../preload/contract/errors.ts'
import type { JobStatus } from '../../../main/integrations/runpod/job-client.ts'
import type { VolumeJobs } from '../../../main/integrations/volume/jobs-ask.ts'

/** What goes wrong with one job. */
export type Fault =
  | 'none'
  | 'reply_of_run_lost'
  | 'run_refused'
  | 'forgotten'
  | 'platform_failure'
  | 'no_output'
  | 'damaged_bytes'
  | 'other_offset'
  | 'status_unreachable'
  | 'worker_internal'
  | 'stays_queued'
  | 'cancelled_elsewhere'

interface Job {
  readonly fault: Fault
  readonly output: Record<string, unknown> | { error: string }
  looks: number
}

export interface PiecesWorker {
  readonly jobs: VolumeJobs
  readonly files: Map<string, Buffer>
  /** What lies of unfinished uploads, by key. */
  readonly parts: Map<string, Buffer>
  /** Input and policy of every job that reached the platform. */
  readonly posted: { input: Record<string, unknown>; policy: { executionTimeoutMs: number; ttlMs: number } }[]
  readonly cancelled: string[]
  /** Asked once per job. */
  nextFault: () => Fault
  /** Called after a job has been posted. */
  onPosted: (count: number) => void
  /** Jobs that are on the platform and not closed at this moment, and the most there were. */
  readonly load: { now: number; most: number }
}

const sha256 = (data: Buffer) => createHash('sha256').update(data).digest('hex')

/** A volume and its worker in memory, with the trainer's rules for pieces and a fault per job. */
export function createPiecesWorker(): PiecesWorker {
  const files = new Map<string, Buffer>()
  const parts = new Map<string, Buffer>()
  const posted: PiecesWorker['posted'] = []
  const cancelled: string[] = []
  const open = new Map<string, Job>()
  const load = { now: 0, most: 0 }
  let number = 0
  const close = (jobId: string) => {
    if (open.delete(jobId)) load.now -= 1
  }

  const worker: PiecesWorker = {
    files,
    parts,
    posted,
    cancelled,
    load,
    nextFault: () => 'none',
    onPosted: () => undefined,
    jobs: {
      run(input, policy) {
        const fault = worker.nextFault()
        if (fault === 'run_refused') return Promise.reject(unreachable())
        const asked = input as Record<string, unknown>
        posted.push({ input: asked, policy })
        number += 1
        const jobId = `job-${number}`
        const output =
          fault === 'worker_internal' ? { error: 'INTERNAL: The volume did not answer. Try again.' } : work(asked, files, parts)
        open.set(jobId, { fault, output, looks: 0 })
        load.now += 1
        load.most = Math.max(load.most, load.now)
        worker.onPosted(posted.length)
        if (fault !== 'reply_of_run_lost') return Promise.resolve({ jobId })
        close(jobId)
        return Promise.reject(unreachable())
      },
      status(jobId) {
        const job = open.get(jobId)
        if (job === undefined) return Promise.resolve({ status: 'NOT_FOUND' })
        job.looks += 1
        if (job.fault === 'status_unreachable' && job.looks < 3) return Promise.reject(unreachable())
        if (job.fault === 'stays_queued' || job.looks === 1) return Promise.resolve({ status: 'IN_QUEUE' })
        if (job.looks === 2) return Promise.resolve({ status: 'IN_PROGRESS', workerId: 'w' })
        close(jobId)
        return Promise.resolve(closing(job))
      },
      cancel(jobId) {
        cancelled.push(jobId)
        close(jobId)
        return Promise.resolve()
      },
    },
  }
  return worker
}

function unreachable(): AppError {
  return new AppError('ENDPOINT_UNREACHABLE', 'The endpoint cannot be reached.', { retryable: true })
}

function closing({ fault, output }: Job): JobStatus {
  switch (fault) {
    case 'forgotten':
      return { status: 'NOT_FOUND' }
    case 'platform_failure':
      return { status: 'FAILED', error: 'job timed out after 1 retries' }
    case 'no_output':
      return { status: 'COMPLETED' }
    case 'cancelled_elsewhere':
      return { status: 'CANCELLED' }
    case 'damaged_bytes':
      return { status: 'COMPLETED', output: { ...output, sha256: '0'.repeat(64), received_bytes: -1 } }
    case 'other_offset':
      return { status: 'COMPLETED', output: { ...output, offset: 1, key: 'runs/other' } }
    case 'none':
    case 'reply_of_run_lost':
    case 'run_refused':
    case 'status_unreachable':
    case 'worker_internal':
    case 'stays_queued':
      return typeof output['error'] === 'string' ? { status: 'FAILED', error: output['error'] } : { status: 'COMPLETED', output }
  }
}

function work(input: Record<string, unknown>, files: Map<string, Buffer>, parts: Map<string, Buffer>): Job['output'] {
  switch (input['action']) {
    case 'get':
      return get(input, files)
    case 'put':
      return put(input, files, parts)
    case 'list': {
      const prefix = `${String(input['prefix'])}/`
      const found = [...files].filter(([key]) => key.startsWith(prefix))
      return { v: 1, files: found.map(([key, data]) => ({ key, bytes: data.length, modified_ms: 1 })), is_truncated: false }
    }
    case 'mark_stop':
      files.set(`runs/${String(input['run_id'])}/stop.json`, Buffer.from('{"v":1,"reason":"user"}'))
      return { v: 1, run_id: input['run_id'] }
    default:
      return { error: `INVALID_INPUT: input.action: expected hello, got ${String(input['action'])}. Update the worker.` }
  }
}

function get(input: Record<string, unknown>, files: Map<string, Buffer>): Job['output'] {
  const key = String(input['key'])
  const file = files.get(key)
  if (file === undefined) return { error: `NOT_FOUND: ${key} is not a file on the volume of this worker. Look at what is on the volume.` }
  const offset = Number(input['offset'])
  const data = file.subarray(offset, offset + Number(input['max_bytes']))
  const packed = gzipSync(data)
  const isPacked = packed.length < data.length
  return {
    v: 1,
    key,
    offset,
    bytes: data.length,
    total_bytes: file.length,
    sha256: sha256(data),
    encoding: isPacked ? 'gzip' : 'identity',
    data: (isPacked ? packed : data).toString('base64'),
  }
}

function put(input: Record<string, unknown>, files: Map<string, Buffer>, parts: Map<string, Buffer>): Job['output'] {
  const key = String(input['key'])
  const total = Number(input['total_bytes'])
  if (files.has(key)) return { v: 1, key, received_bytes: total, is_complete: true }
  const sent = Buffer.from(String(input['data']), 'base64')
  const data = input['encoding'] === 'gzip' ? gunzipSync(sent) : sent
  const offset = Number(input['offset'])
  let part = parts.get(key) ?? Buffer.alloc(0)
  if (offset <= part.length && offset + data.length > part.length) part = Buffer.concat([part, data.subarray(part.length - offset)])
  parts.set(key, part)
  if (part.length === total) {
    parts.delete(key)
    if (sha256(part) !== input['sha256'])
      return { error: 'DATASET_MISMATCH: The training file that arrived has another hash. Send it again.' }
    files.set(key, part)
  }
  return { v: 1, key, received_bytes: part.length, is_complete: files.has(key) }
}
