import { Worker } from 'node:worker_threads'
import { assertNever } from '../../../../lib/assert-never.ts'
import { compileRowScan } from '../rows/byte-scan.ts'
import type { ByteRange } from './range-reader.ts'
import type { PassJob, RangeResult, WorkerAnswer, WorkerRequest } from './worker-protocol.ts'

/** One pass as the pool sees it. */
export interface PoolJob {
  readonly job: PassJob
  readonly ranges: readonly ByteRange[]
  /** A higher number goes first, also before ranges of a pass that runs already. */
  readonly priority: number
  readonly signal: AbortSignal
  /** Called once per range, in the order in which they are ready. */
  readonly onRange: (range: ByteRange, result: RangeResult) => void
}

/** Worker threads that share all passes. */
export interface WorkerPool {
  /** Resolves when every range is done; rejects with the signal's reason when it is aborted and nothing runs any more. */
  run(job: PoolJob): Promise<void>
  /** Starts the threads before there is work, so that they are ready when it comes. */
  warm(): void
  dispose(): Promise<void>
}

interface RunningJob extends PoolJob {
  readonly number: number
  readonly cancelFlag: Int32Array<SharedArrayBuffer>
  readonly waiting: ByteRange[]
  inFlight: number
  error: unknown
  finish(): void
}

interface Member {
  readonly worker: Worker
  readonly opened: Set<number>
  readonly inFlight: RunningJob[]
}

/** So many ranges wait in a worker, so that it never idles between two. */
const rangesPerWorker = 2

/** Creates a pool; threads are started with the first pass and end when the pool is disposed of or idle. */
export function createWorkerPool(options: { readonly script: string | URL; readonly workers: number }): WorkerPool {
  const members: Member[] = []
  const jobs: RunningJob[] = []
  let scanCode: WebAssembly.Module | null = null
  let nextNumber = 1
  let isDisposed = false

  const start = () => {
    const worker = new Worker(options.script, {
      env: {},
      resourceLimits: { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 4 },
    })
    const member: Member = { worker, opened: new Set(), inFlight: [] }
    worker.on('message', (answer: WorkerAnswer) => onAnswer(member, answer))
    worker.on('error', (error) => onDeath(member, error))
    worker.on('exit', (code) => onDeath(member, new Error(`A dataset worker ended early (exit code ${code}).`)))
    members.push(member)
  }
  const send = (member: Member, request: WorkerRequest) => member.worker.postMessage(request)
  const fill = () => {
    while (members.length < options.workers && jobs.some((job) => job.waiting.length > 0)) start()
    for (let depth = 1; depth <= rangesPerWorker; depth += 1) {
      for (const member of members) {
        while (member.inFlight.length < depth) {
          const job = jobs.find(({ waiting }) => waiting.length > 0)
          const range = job?.waiting.shift()
          if (job === undefined || range === undefined) return
          give(member, job, range)
        }
      }
    }
  }
  const give = (member: Member, job: RunningJob, range: ByteRange) => {
    if (!member.opened.has(job.number)) {
      member.opened.add(job.number)
      scanCode ??= compileRowScan()
      send(member, { type: 'open', jobNumber: job.number, job: job.job, cancelFlag: job.cancelFlag, scanCode })
    }
    member.inFlight.push(job)
    job.inFlight += 1
    send(member, { type: 'range', jobNumber: job.number, range })
  }
  const stop = (job: RunningJob, error: unknown) => {
    job.error ??= error
    job.waiting.length = 0
    Atomics.store(job.cancelFlag, 0, 1)
  }
  const settle = (job: RunningJob) => {
    if (job.waiting.length > 0 || job.inFlight > 0) return
    jobs.splice(jobs.indexOf(job), 1)
    for (const member of members) {
      if (member.opened.delete(job.number)) send(member, { type: 'close', jobNumber: job.number })
    }
    job.finish()
  }
  const release = (member: Member, job: RunningJob) => {
    member.inFlight.splice(member.inFlight.indexOf(job), 1)
    job.inFlight -= 1
  }
  const onAnswer = (member: Member, answer: WorkerAnswer) => {
    const job = jobs.find(({ number }) => number === answer.jobNumber)
    if (job === undefined) return
    switch (answer.type) {
      case 'done':
        release(member, job)
        if (answer.result !== null && job.error === undefined) take(job, answer.range, answer.result)
        break
      case 'failed':
        stop(job, failureOf(answer))
        // What was given to a worker whose job failed is never answered.
        while (member.inFlight.includes(job)) release(member, job)
        break
      default:
        assertNever(answer)
    }
    settle(job)
    fill()
  }
  const take = (job: RunningJob, range: ByteRange, result: RangeResult) => {
    try {
      job.onRange(range, result)
    } catch (error) {
      stop(job, error)
    }
  }
  const onDeath = (member: Member, error: Error) => {
    const place = members.indexOf(member)
    if (place < 0) return
    members.splice(place, 1)
    for (const job of new Set(member.inFlight)) {
      stop(job, error)
      while (member.inFlight.includes(job)) release(member, job)
      settle(job)
    }
    if (!isDisposed) fill()
  }

  return {
    warm() {
      if (isDisposed) return
      while (members.length < options.workers) start()
      // Made here while the threads come up.
      scanCode ??= compileRowScan()
    },
    run: (request) =>
      new Promise((resolve, reject) => {
        if (request.signal.aborted || isDisposed) {
          reject(request.signal.aborted ? request.signal.reason : new Error('The dataset engine has ended.'))
          return
        }
        const onAbort = () => {
          stop(job, request.signal.reason)
          settle(job)
        }
        const job: RunningJob = {
          ...request,
          number: nextNumber,
          cancelFlag: new Int32Array(new SharedArrayBuffer(4)),
          waiting: [...request.ranges],
          inFlight: 0,
          error: undefined,
          finish() {
            request.signal.removeEventListener('abort', onAbort)
            if (job.error === undefined) resolve()
            else reject(job.error)
          },
        }
        nextNumber += 1
        request.signal.addEventListener('abort', onAbort, { once: true })
        jobs.push(job)
        jobs.sort((a, b) => b.priority - a.priority || a.number - b.number)
        if (job.waiting.length === 0) settle(job)
        fill()
      }),
    async dispose() {
      isDisposed = true
      for (const job of jobs) stop(job, new Error('The dataset engine has ended.'))
      await Promise.all(members.splice(0).map(({ worker }) => worker.terminate()))
      for (const job of jobs.slice()) {
        job.inFlight = 0
        settle(job)
      }
    },
  }
}

function failureOf({ systemCode, message }: { systemCode: string | null; message: string }): Error {
  const error = new Error(message)
  return systemCode === null ? error : Object.assign(error, { code: systemCode })
}
