import { z } from 'zod'
import type { CloudClock } from './cloud-clock.ts'
import type { CloudEndpoint } from './cloud-endpoint.ts'
import type { EndpointRecord, StateStore } from './cloud-state.ts'
import { faultRuleSchema, trainingPointSchema, type Faults } from './faults.ts'
import { s3FaultSchema, type S3Faults } from './s3/s3-faults.ts'
import type { Held, Holds } from './holds.ts'
import { readTruth, type CloudTruth } from './truth.ts'
import type { StepLedger } from './step-ledger.ts'
import type { WorkerLogStore } from './worker-log-store.ts'

const stockSchema = z.enum(['NONE', 'LOW', 'MEDIUM', 'HIGH'])
const byEndpoint = { endpointId: z.string() }

/** What each control takes; the names are the routes below /__control. */
export const controlInputs = {
  now: z.strictObject({}),
  advance: z.strictObject({ ms: z.int().nonnegative() }),
  /** Resolves once no scripted worker has anything left to do. */
  quiet: z.strictObject({}),
  setClock: z.strictObject({
    mode: z.enum(['flowing', 'standing']).optional(),
    speed: z.number().positive().default(1),
    pace: z.enum(['instant', 'clock']).optional(),
  }),
  createEndpoint: z.strictObject({
    name: z.string().default('training'),
    workerKind: z.enum(['quick', 'real']).default('quick'),
    max: z.int().min(0).default(1),
    min: z.int().min(0).default(0),
    idleTimeout: z.int().min(1).default(5),
    pool: z.string().default('ADA_24'),
    timeout: z.int().min(0).default(600_000),
    dataCenter: z.string().default('EU-RO-1'),
    volumeId: z.string().optional(),
    env: z.record(z.string(), z.string()).default({}),
    /** Quick workers answer any input with itself, as a worker of another make would. */
    echo: z.boolean().default(false),
  }),
  addFault: faultRuleSchema,
  addS3Fault: s3FaultSchema,
  removeFault: z.strictObject({ id: z.string() }),
  clearFaults: z.strictObject({}),
  listFaults: z.strictObject({}),
  startOutage: z.strictObject({ scope: z.enum(['client', 'all']).default('client'), forMs: z.int().positive().optional() }),
  endOutage: z.strictObject({}),
  /** Holds the next worker that reaches the point of a run (`*`: any run). */
  hold: z.strictObject({ runId: z.string().default('*'), at: trainingPointSchema }),
  /** Resolves when a worker of the run waits. */
  whenHeld: z.strictObject({ runId: z.string().default('*') }),
  release: z.strictObject({ runId: z.string().default('*') }),
  setWorkers: z.strictObject({ ...byEndpoint, stuckAs: z.enum(['throttled', 'unhealthy', 'initializing']).nullable() }),
  killWorkers: z.strictObject({ ...byEndpoint, workerId: z.string().optional() }),
  /** Keeps the queue shut for a time, or opens it with 0. */
  shutQueue: z.strictObject({ ...byEndpoint, forMs: z.int().nonnegative() }),
  setMaxWorkers: z.strictObject({ ...byEndpoint, max: z.int().min(0) }),
  /** `where`: a GPU type, a pool, a data centre, or `GPU type@data centre`. */
  setStock: z.strictObject({ where: z.string(), stock: stockSchema }),
  setPrice: z.strictObject({ pool: z.string(), microUsdPerHour: z.int().nonnegative() }),
  setBalance: z.strictObject({ microUsd: z.int() }),
  setS3Skew: z.strictObject({ ms: z.int() }),
  /** The bill shows what happened only so much later, or names each line twice. */
  setBilling: z.strictObject({ lagMs: z.int().nonnegative().default(0), isDoubled: z.boolean().default(false) }),
  setKeys: z.strictObject({
    keys: z.array(z.object({ token: z.string(), scopes: z.array(z.enum(['jobs', 'read', 'write', 'balance'])) })),
  }),
  /** The platform forgets a job, as after its retention. */
  forgetJob: z.strictObject({ jobId: z.string() }),
  /** A worker writes into its log. */
  workerSays: z.strictObject({
    workerId: z.string(),
    lines: z.array(z.string()),
    source: z.enum(['container', 'system']).default('container'),
  }),
  /** Breaks the connections of all who follow a worker's log. */
  cutLogs: z.strictObject({}),
  truth: z.strictObject({}),
}

/** Names of all controls. */
export type ControlName = keyof typeof controlInputs
type Input<N extends ControlName> = z.input<(typeof controlInputs)[N]>

interface ControlOutputs {
  now: { nowMs: number }
  advance: { nowMs: number }
  quiet: { nowMs: number }
  createEndpoint: { endpointId: string; volumeId: string; volumeFolder: string }
  addFault: { id: string }
  listFaults: { faults: readonly { id: string; seen: number; struck: number }[] }
  whenHeld: Held
  release: { released: number }
  truth: CloudTruth
}

/** The remote control of a cloud, the same in its process and over HTTP. */
export type CloudControl = {
  readonly [N in ControlName]: (input: Input<N>) => Promise<N extends keyof ControlOutputs ? ControlOutputs[N] : { done: true }>
}

/** What the controls act on. */
interface ControlDependencies {
  readonly store: StateStore
  readonly clock: CloudClock
  readonly faults: Faults
  readonly s3Faults: S3Faults
  readonly holds: Holds
  readonly logs: WorkerLogStore
  readonly ledger: StepLedger
  readonly folder: string
  endpoints(): readonly CloudEndpoint[]
  find(id: string): CloudEndpoint | undefined
  newEndpoint(): EndpointRecord
  create(record: EndpointRecord): Promise<CloudEndpoint>
}

const done = { done: true } as const

/** Builds the controls over a running cloud. */
export function createControl(dependencies: ControlDependencies): CloudControl {
  const { store, clock, faults, holds } = dependencies
  const state = store.data
  const endpoint = (id: string) => {
    const found = dependencies.find(id)
    if (found === undefined) throw new Error(`There is no endpoint ${id}`)
    return found
  }
  const changed = async () => {
    dependencies.endpoints().forEach((each) => each.refresh())
    await store.save()
    return done
  }
  return {
    now: async () => ({ nowMs: clock.nowMs() }),
    async advance({ ms }) {
      await clock.advance(ms)
      return { nowMs: clock.nowMs() }
    },
    async quiet() {
      await clock.quiet()
      return { nowMs: clock.nowMs() }
    },
    async setClock(input) {
      const { mode, speed, pace } = controlInputs.setClock.parse(input)
      if (mode !== undefined) clock.setMode(mode === 'flowing' ? { kind: 'flowing', speed } : { kind: 'standing' })
      if (pace !== undefined) clock.setPace(pace)
      return done
    },
    async createEndpoint(input) {
      const wish = controlInputs.createEndpoint.parse(input)
      const volume = state.volumes.find((candidate) => candidate.id === wish.volumeId) ?? {
        id: store.newId('vol'),
        name: wish.name,
        size: 100,
        dataCenter: wish.dataCenter,
        type: 'STANDARD',
        createdAtMs: clock.nowMs(),
      }
      if (!state.volumes.includes(volume)) state.volumes.push(volume)
      const fresh = dependencies.newEndpoint()
      const created = await dependencies.create({
        ...fresh,
        name: wish.name,
        image: 'tunesmith-trainer:0.1.0',
        gpu: { pools: [wish.pool], excludedTypes: [], count: 1 },
        workers: { min: wish.min, max: wish.max, idleTimeout: wish.idleTimeout },
        timeout: wish.timeout,
        networkVolumes: [volume.id],
        dataCenterIds: [volume.dataCenter],
        env: wish.env,
        script: { ...fresh.script, workerKind: wish.workerKind, echo: wish.echo },
      })
      return { endpointId: created.record.id, volumeId: volume.id, volumeFolder: created.volumeFolder }
    },
    addFault: async (rule) => ({ id: faults.add(rule) }),
    async addS3Fault(fault) {
      dependencies.s3Faults.add(fault)
      return done
    },
    async removeFault({ id }) {
      faults.remove(id)
      return done
    },
    async clearFaults() {
      faults.clear()
      return done
    },
    listFaults: async () => ({ faults: faults.list().map(({ id, seen, struck }) => ({ id, seen, struck })) }),
    async startOutage(input) {
      const { scope, forMs } = controlInputs.startOutage.parse(input)
      state.outage = { scope, endsAtMs: forMs === undefined ? null : clock.nowMs() + forMs }
      await store.save()
      return done
    },
    async endOutage() {
      state.outage = null
      await store.save()
      return done
    },
    async hold(input) {
      const { runId, at } = controlInputs.hold.parse(input)
      holds.add(runId, at)
      return done
    },
    whenHeld: (input) => holds.whenHeld(controlInputs.whenHeld.parse(input).runId),
    release: async (input) => ({ released: holds.release(controlInputs.release.parse(input).runId) }),
    async setWorkers({ endpointId, stuckAs }) {
      endpoint(endpointId).record.script.stuckAs = stuckAs
      return changed()
    },
    async killWorkers({ endpointId, workerId }) {
      const { fleet } = endpoint(endpointId)
      const ids = workerId === undefined ? fleet.live().map((worker) => worker.record.id) : [workerId]
      ids.forEach((id) => fleet.kill(id))
      return done
    },
    async shutQueue({ endpointId, forMs }) {
      endpoint(endpointId).record.script.queueOpensAtMs = forMs === 0 ? null : clock.nowMs() + forMs
      return changed()
    },
    async setMaxWorkers({ endpointId, max }) {
      endpoint(endpointId).record.workers.max = max
      return changed()
    },
    async setStock({ where, stock }) {
      state.stock[where] = stock
      return changed()
    },
    async setPrice({ pool, microUsdPerHour }) {
      state.prices[pool] = microUsdPerHour
      return changed()
    },
    async setBalance({ microUsd }) {
      const spent = readTruth(state, dependencies.ledger, dependencies.folder, clock.nowMs()).billedMicroUsd
      state.account.startBalanceMicroUsd = microUsd + spent
      return changed()
    },
    async setKeys({ keys }) {
      state.keys.splice(0, state.keys.length, ...keys)
      return changed()
    },
    async setS3Skew({ ms }) {
      state.s3SkewMs = ms
      return changed()
    },
    async setBilling(input) {
      state.billing = controlInputs.setBilling.parse(input)
      return changed()
    },
    async workerSays(input) {
      const { workerId, lines, source } = controlInputs.workerSays.parse(input)
      for (const line of lines) dependencies.logs.add(workerId, source, line)
      return done
    },
    async cutLogs() {
      dependencies.logs.cut()
      return done
    },
    async forgetJob({ jobId }) {
      state.jobQuirks[jobId] = { kind: 'gone' }
      return changed()
    },
    truth: async () => readTruth(state, dependencies.ledger, dependencies.folder, clock.nowMs()),
  }
}
