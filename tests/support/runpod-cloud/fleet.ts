import type { JobPlatform } from '../../../main/integrations/runpod-protocol/job-platform.ts'
import type { CloudClock } from './cloud-clock.ts'
import type { EndpointRecord, WorkerRecord } from './cloud-state.ts'
import { jobFacts } from './quick-worker.ts'
import type { WorkerLogStore } from './worker-log-store.ts'

/** Whatever does a worker's work: scripted code or a process. */
export interface WorkerActor {
  /** Resolves when the worker has gone, however it went. */
  serve(): Promise<void>
  /** Whether it works on a job, its own or one that was taken from it. */
  isBusy?(): boolean
  leave(): void
  kill(): void
}

/** Words of the workers list. */
export type WorkerStatus = 'RUNNING' | 'IDLE' | 'INITIALIZING' | 'THROTTLED' | 'UNHEALTHY'

/** A worker that is there now. */
export interface LiveWorker {
  readonly record: WorkerRecord
  readonly token: string
  actor: WorkerActor | null
  isReady: boolean
  /** It got no machine, or none that works. */
  readonly isHeldBack: boolean
  readonly isGhost: boolean
  isEnding: boolean
  cancelIdle: (() => void) | null
}

/** The workers of one endpoint. */
export interface Fleet {
  /** Looks what is needed now; after every change of the queue, the settings or the market. */
  evaluate(): void
  live(): readonly LiveWorker[]
  statusOf(worker: LiveWorker): WorkerStatus
  sawReady(workerId: string): void
  /** Ends a worker without a word; its job is found missing later. */
  kill(workerId: string): boolean
  /** Replaces a worker after its job. */
  dismiss(workerId: string): void
  /** Adds a worker beside the queue, for a job that is dispatched a second time. */
  addGhost(start: (worker: LiveWorker) => WorkerActor): void
  /** Tells everybody to go; resolves when they have. */
  stop(): Promise<void>
}

interface FleetDependencies {
  readonly endpoint: EndpointRecord
  readonly clock: CloudClock
  readonly logs: WorkerLogStore
  readonly coldStartMs: number
  readonly lossNoticeMs: number
  platform(): JobPlatform
  /** Rents a machine; null without money, `throttled` without stock. */
  rent(): { record: WorkerRecord; token: string; isThrottled: boolean } | null
  hasStock(): boolean
  startActor(worker: LiveWorker): WorkerActor
  onChanged(): void
}

/** Builds the fleet; nobody works before the first job. */
export function createFleet(dependencies: FleetDependencies): Fleet {
  const { endpoint, clock, logs, platform } = dependencies
  const workers = new Map<string, LiveWorker>()
  const serving = new Set<Promise<void>>()
  const losses = new Set<Promise<void>>()
  let isStopped = false

  const holds = (workerId: string) =>
    platform()
      .queue()
      .holdings.some((holding) => holding.workerId === workerId)
  const waitingJobs = () =>
    platform()
      .queue()
      .jobs.filter((job) => job.status === 'IN_QUEUE').length
  const isThrottled = (worker: LiveWorker) => worker.record.billedFromMs === null
  const statusOf = (worker: LiveWorker): WorkerStatus => {
    if (worker.actor === null && endpoint.script.stuckAs === 'unhealthy') return 'UNHEALTHY'
    if (isThrottled(worker)) return 'THROTTLED'
    // A cancelled job is nobody's, but a worker that does not follow works on.
    if (worker.isGhost || holds(worker.record.id) || worker.actor?.isBusy?.() === true) return 'RUNNING'
    return worker.isReady ? 'IDLE' : 'INITIALIZING'
  }
  const end = (worker: LiveWorker) => {
    if (worker.record.endedAtMs !== null) return
    worker.record.endedAtMs = clock.nowMs()
    worker.cancelIdle?.()
    workers.delete(worker.record.id)
    logs.add(worker.record.id, 'system', 'stop container')
    logs.end(worker.record.id)
    dependencies.onChanged()
  }
  const run = (worker: LiveWorker, actor: WorkerActor) => {
    worker.actor = actor
    logs.add(worker.record.id, 'system', 'start container')
    const live = async () => {
      try {
        await actor.serve()
      } catch (error) {
        const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
        logs.add(worker.record.id, 'system', `worker exited: ${text}`)
      }
      serving.delete(served)
      end(worker)
      if (worker.isEnding || isStopped) lose(worker.record.id, false)
      else clock.work(dependencies.lossNoticeMs, () => (isStopped ? undefined : lose(worker.record.id, true)))
    }
    const served = live()
    serving.add(served)
  }
  /** The platform notices that a worker is gone. */
  const lose = (workerId: string, countsAsRetry: boolean) => {
    const noticed = clock
      .busy(platform().loseWorker(workerId, { countsAsRetry }))
      .then(evaluate)
      .catch((problem: unknown) => void process.stderr.write(`The loss of a worker could not be noted: ${String(problem)}\n`))
      .finally(() => losses.delete(noticed))
    losses.add(noticed)
  }
  const boot = (worker: LiveWorker) => {
    const isQuick = endpoint.script.workerKind === 'quick'
    const start = () => {
      if (worker.record.endedAtMs === null && endpoint.script.stuckAs === null && !isStopped) run(worker, dependencies.startActor(worker))
    }
    if (isQuick) clock.work(dependencies.coldStartMs, start)
    else start()
  }
  const hire = () => {
    const rented = dependencies.rent()
    if (rented === null) return false
    const { stuckAs } = endpoint.script
    const isThrottledNow = rented.isThrottled || stuckAs === 'throttled'
    const isHeldBack = isThrottledNow || stuckAs !== null
    if (!isThrottledNow && stuckAs !== 'unhealthy') rented.record.billedFromMs = clock.nowMs()
    const worker: LiveWorker = {
      record: rented.record,
      token: rented.token,
      actor: null,
      isReady: false,
      isHeldBack,
      isGhost: false,
      isEnding: false,
      cancelIdle: null,
    }
    workers.set(rented.record.id, worker)
    logs.add(rented.record.id, 'system', isThrottledNow ? 'no resources: throttled' : `create container ${endpoint.image ?? ''}`)
    if (stuckAs === 'unhealthy') logs.add(rented.record.id, 'container', 'ModuleNotFoundError: the image does not start')
    if (!isHeldBack) boot(worker)
    return true
  }
  const send = (worker: LiveWorker) => {
    if (worker.isEnding) return
    worker.isEnding = true
    if (worker.actor === null) end(worker)
    else worker.actor.leave()
  }
  const keepIdleTimer = (worker: LiveWorker) => {
    const isIdle = statusOf(worker) === 'IDLE' && workers.size > endpoint.workers.min && waitingJobs() === 0
    if (!isIdle || worker.isEnding) {
      worker.cancelIdle?.()
      worker.cancelIdle = null
    } else {
      worker.cancelIdle ??= clock.after(endpoint.workers.idleTimeout * 1000, () => {
        worker.cancelIdle = null
        if (statusOf(worker) === 'IDLE' && workers.size > endpoint.workers.min) send(worker)
      })
    }
  }
  const noteShares = () => {
    for (const { workerId, jobId } of platform().queue().holdings) {
      const record = workers.get(workerId)?.record
      const job = platform().find(jobId)
      if (record === undefined || job === undefined || record.shares.at(-1)?.jobId === jobId) continue
      const { runId } = jobFacts(job.input)
      if (runId !== null) record.shares.push({ runId, jobId, fromMs: clock.nowMs() })
    }
  }
  const evaluate = () => {
    if (isStopped) return
    noteShares()
    const regular = [...workers.values()].filter((worker) => !worker.isGhost && !worker.isEnding)
    // Whoever was held back when it was hired starts afresh once it no longer is.
    if (endpoint.script.stuckAs === null && dependencies.hasStock()) regular.filter((worker) => worker.isHeldBack).forEach(end)
    const present = regular.filter((worker) => workers.has(worker.record.id))
    const surplus = present.length - endpoint.workers.max
    const dispensable = present.toSorted((a, b) => Number(holds(a.record.id)) - Number(holds(b.record.id)))
    dispensable.slice(0, Math.max(0, surplus)).forEach(send)
    const staying = [...workers.values()].filter((worker) => !worker.isGhost && !worker.isEnding)
    const free = staying.filter((worker) => !holds(worker.record.id)).length
    const wanted = Math.min(endpoint.workers.max - staying.length, Math.max(waitingJobs() - free, endpoint.workers.min - staying.length))
    for (let hired = 0; hired < wanted && hire(); hired += 1);
    for (const worker of workers.values()) keepIdleTimer(worker)
  }

  return {
    evaluate,
    live: () => [...workers.values()],
    statusOf,
    sawReady(workerId) {
      const worker = workers.get(workerId)
      if (worker === undefined) return
      worker.isReady = true
      evaluate()
    },
    kill(workerId) {
      const worker = workers.get(workerId)
      worker?.actor?.kill()
      return worker !== undefined
    },
    dismiss(workerId) {
      const worker = workers.get(workerId)
      if (worker !== undefined) send(worker)
    },
    addGhost(start) {
      const rented = dependencies.rent()
      if (rented === null) return
      rented.record.billedFromMs = clock.nowMs()
      const worker: LiveWorker = {
        ...rented,
        actor: null,
        isReady: true,
        isHeldBack: false,
        isGhost: true,
        isEnding: true,
        cancelIdle: null,
      }
      workers.set(rented.record.id, worker)
      run(worker, start(worker))
    },
    async stop() {
      isStopped = true
      for (const worker of workers.values()) worker.actor?.kill()
      await Promise.all(serving)
      // They write to files that may be removed as soon as this is over.
      await Promise.all(losses)
      for (const worker of workers.values()) end(worker)
    },
  }
}
