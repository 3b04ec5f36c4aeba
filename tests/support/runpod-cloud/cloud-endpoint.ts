import { join } from 'node:path'
import { createQueueFile } from '../../../main/integrations/local-platform/queue-file.ts'
import type { WorkerCounts } from '../../../main/integrations/runpod-protocol/client-dialect.ts'
import { createJobPlatform, type JobPlatform } from '../../../main/integrations/runpod-protocol/job-platform.ts'
import { isEnded, type JobRecord, type QueueRules } from '../../../main/integrations/runpod-protocol/job-queue.ts'
import { silentLog } from '../../../main/lib/log.ts'
import { gpuTypes } from './catalogue.ts'
import type { EndpointRecord, JobQuirk, StateStore } from './cloud-state.ts'
import type { Faults, JobEffect } from './faults.ts'
import { createFleet, type Fleet, type LiveWorker, type WorkerActor } from './fleet.ts'
import type { Holds } from './holds.ts'
import { place, priceOf } from './market.ts'
import { totalCostMicroUsd } from './billing.ts'
import { createQuickWorker, jobFacts } from './quick-worker.ts'
import type { QuickShop } from './quick-session.ts'
import { startRealWorker } from './real-worker.ts'
import type { WorkerLogStore } from './worker-log-store.ts'

const dayMs = 86_400_000
/** RunPod's own habit with endpoints nobody uses: after how long, and what is left of `workers.max`. */
const idleScaleDown = [
  { afterMs: 3 * dayMs, max: 2 },
  { afterMs: 7 * dayMs, max: 0 },
] as const

/** How long things take on this cloud. */
export interface CloudTimings {
  readonly coldStartMs: number
  /** Until a worker that died is missed. */
  readonly lossNoticeMs: number
}

/** One serverless endpoint with its queue and workers. */
export interface CloudEndpoint {
  readonly record: EndpointRecord
  readonly platform: JobPlatform
  readonly fleet: Fleet
  workerToken(workerId: string): string | undefined
  countWorkers(): WorkerCounts
  readonly volumeFolder: string
  /** Looks again after settings, script or market have changed. */
  refresh(): void
  stop(): Promise<void>
}

interface EndpointDependencies {
  readonly record: EndpointRecord
  readonly store: StateStore
  readonly folder: string
  readonly faults: Faults
  readonly holds: Holds
  readonly shop: QuickShop
  readonly logs: WorkerLogStore
  readonly timings: CloudTimings
  readonly rules: QueueRules
  readonly real: { readonly python: string | undefined; readonly trainerFolder: string }
  newToken(): string
  baseUrl(): string
}

/** Opens an endpoint with the queue of an earlier start. */
export async function openCloudEndpoint(dependencies: EndpointDependencies): Promise<CloudEndpoint> {
  const { record, store, faults, shop, logs, holds } = dependencies
  const { clock } = shop
  const state = store.data
  const volumeFolder = join(dependencies.folder, 'volumes', record.networkVolumes[0] ?? `none-${record.id}`)
  let isStopped = false
  let saving: Promise<unknown> = Promise.resolve()
  const file = createQueueFile({ path: join(dependencies.folder, 'queues', `${record.id}.json`), clock, log: silentLog })
  const dispatched = new Map<string, readonly JobEffect[]>()
  const lastProgress = new Map<string, unknown>()

  const inner = createJobPlatform({
    initial: await file.load(),
    rules: dependencies.rules,
    clock,
    log: silentLog,
    newJobId: () => `${store.newId('job-')}-u1`,
    mayTake: () => record.script.queueOpensAtMs === null || clock.nowMs() >= record.script.queueOpensAtMs,
    save(queue) {
      // Whoever stops the cloud may remove its folder at once.
      if (isStopped) return Promise.resolve()
      const saved = file.save(queue)
      saving = Promise.allSettled([saving, saved])
      return clock.busy(saved)
    },
    onChanged: () => fleet.evaluate(),
    onOverdue: (workerId) => fleet.kill(workerId),
  })
  const platform: JobPlatform = {
    ...inner,
    find: (jobId) => shownAs(inner.find(jobId), state.jobQuirks[jobId]),
    async submit(request) {
      const job = await inner.submit(request)
      const { action, runId } = jobFacts(request.input)
      state.accepted.push({ endpointId: record.id, jobId: job.id, runId, action, atMs: clock.nowMs() })
      record.lastActivityMs = clock.nowMs()
      scheduleScaleDown()
      await clock.busy(store.save())
      return job
    },
    async take(workerId, count, signal) {
      const jobs = await inner.take(workerId, count, signal)
      for (const job of jobs) dispatch(job)
      return jobs
    },
    progress(workerId, jobId, output) {
      lastProgress.set(jobId, output)
      inner.progress(workerId, jobId, output)
    },
    async finish(workerId, jobId, result) {
      const effects = dispatched.get(jobId) ?? []
      const has = (kind: JobEffect['kind']) => effects.some((effect) => effect.kind === kind)
      const isHolder = inner.find(jobId)?.workerId === workerId
      await inner.finish(workerId, jobId, has('no_output') && result.error === undefined ? {} : result)
      if (!isHolder) return
      if (has('timed_out')) state.jobQuirks[jobId] = { kind: 'timed_out' }
      if (has('progress_race')) state.jobQuirks[jobId] = { kind: 'progress_race', lastProgress: lastProgress.get(jobId) }
      store.touch()
    },
  }
  const dispatch = (job: JobRecord) => {
    const { action, runId } = jobFacts(job.input)
    const call = { operation: `job.${action}`, endpointId: record.id, runId: runId ?? undefined }
    const effects = faults.strikeJob(call)
    dispatched.set(job.id, effects)
    if (!effects.some((effect) => effect.kind === 'twice')) return
    fleet.addGhost((worker) => {
      const quick = quickWorker(worker, () => faults.strikeJob(call))
      if (runId !== null) worker.record.shares.push({ runId, jobId: job.id, fromMs: clock.nowMs() })
      // A moment later, so that the first worker is the first.
      const moment = new Promise<void>((resolve) => void clock.work(1, resolve))
      return { ...quick, serve: () => moment.then(() => quick.serveOnce(job)) }
    })
  }
  const quickWorker = (worker: LiveWorker, strike: (job: JobRecord) => readonly JobEffect[]) => {
    const gpu = gpuTypes.find((type) => type.id === worker.record.gpuTypeId)
    const workerId = worker.record.id
    return createQuickWorker({
      workerId,
      platform,
      volumeFolder,
      gpu: { name: worker.record.gpuTypeId, memoryGb: gpu?.memoryGb ?? 24, count: worker.record.gpuCount },
      shop,
      holds,
      echoes: record.script.echo,
      strike,
      events: { onReady: () => fleet.sawReady(workerId), onLog: (line) => logs.add(workerId, 'container', line) },
    })
  }
  const startActor = (worker: LiveWorker): WorkerActor => {
    if (record.script.workerKind === 'quick') return quickWorker(worker, (job) => dispatched.get(job.id) ?? [])
    const { python } = dependencies.real
    if (python === undefined) throw new Error('A real worker needs a Python: pass --python or set TUNESMITH_PYTHON')
    return startRealWorker({
      workerId: worker.record.id,
      endpointId: record.id,
      token: worker.token,
      baseUrl: dependencies.baseUrl(),
      volumeFolder,
      python,
      trainerFolder: dependencies.real.trainerFolder,
      env: record.env,
      onLog: (line) => logs.add(worker.record.id, 'container', line),
    })
  }
  const hasMoney = () => state.account.startBalanceMicroUsd > totalCostMicroUsd(state.workers, clock.nowMs())
  const rent: Parameters<typeof createFleet>[0]['rent'] = () => {
    const offer = place(state, record)
    if (offer === null || !hasMoney()) return null
    const worker = {
      id: store.newId('worker'),
      endpointId: record.id,
      gpuTypeId: offer.gpu.id,
      gpuCount: record.gpu.count,
      dataCenterId: offer.dataCenterId,
      priceMicroUsdPerHour: priceOf(state, offer.gpu),
      createdAtMs: clock.nowMs(),
      billedFromMs: null,
      endedAtMs: null,
      shares: [],
    }
    state.workers.push(worker)
    store.touch()
    return { record: worker, token: dependencies.newToken(), isThrottled: offer.isThrottled }
  }
  const fleet = createFleet({
    endpoint: record,
    clock,
    logs,
    ...dependencies.timings,
    platform: () => platform,
    rent,
    hasStock: () => place(state, record)?.isThrottled === false,
    startActor,
    onChanged: () => store.touch(),
  })

  let cancelScaleDown: (() => void)[] = []
  const scheduleScaleDown = () => {
    cancelScaleDown.forEach((cancel) => cancel())
    cancelScaleDown = idleScaleDown.map(({ afterMs, max }) =>
      clock.after(record.lastActivityMs + afterMs - clock.nowMs(), () => {
        if (inner.queue().jobs.some((job) => !isEnded(job.status))) return
        record.workers.max = Math.min(record.workers.max, max)
        store.touch()
        fleet.evaluate()
      }),
    )
  }
  let cancelGate: (() => void) | null = null
  const refresh = () => {
    cancelGate?.()
    const { queueOpensAtMs } = record.script
    if (queueOpensAtMs !== null) cancelGate = clock.after(queueOpensAtMs - clock.nowMs(), () => inner.wake())
    inner.wake()
    fleet.evaluate()
    store.touch()
  }
  scheduleScaleDown()
  refresh()

  return {
    record,
    platform,
    fleet,
    volumeFolder,
    refresh,
    workerToken: (workerId) => fleet.live().find((worker) => worker.record.id === workerId)?.token,
    countWorkers() {
      const statuses = fleet.live().map((worker) => fleet.statusOf(worker))
      const count = (status: string) => statuses.filter((other) => other === status).length
      const idle = count('IDLE')
      return {
        idle,
        initializing: count('INITIALIZING'),
        ready: idle,
        running: count('RUNNING'),
        throttled: count('THROTTLED'),
        unhealthy: count('UNHEALTHY'),
      }
    },
    async stop() {
      cancelScaleDown.forEach((cancel) => cancel())
      cancelGate?.()
      await fleet.stop()
      inner.close()
      isStopped = true
      await saving
    },
  }
}

/** A job as a quirk of the platform shows it. */
function shownAs(job: JobRecord | undefined, quirk: JobQuirk | undefined): JobRecord | undefined {
  if (job === undefined || quirk === undefined) return job
  switch (quirk.kind) {
    case 'gone':
      return undefined
    case 'timed_out':
      return { ...job, status: 'TIMED_OUT', output: undefined, error: null }
    case 'progress_race':
      return isEnded(job.status) ? { ...job, status: 'IN_PROGRESS', output: quirk.lastProgress, endedAtMs: null } : job
  }
}
