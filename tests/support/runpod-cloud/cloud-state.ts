import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { writeFileAtomically } from '../../../main/lib/atomic-file.ts'
import { keptFaultSchema } from './faults.ts'

const scopeSchema = z.enum(['jobs', 'read', 'write', 'balance'])
/** What an API key may do: the job API, reading and changing over REST, and GraphQL. */
export type KeyScope = z.infer<typeof scopeSchema>

const gpuChoiceSchema = z.object({
  pools: z.array(z.string()),
  excludedTypes: z.array(z.string()),
  count: z.int(),
  minCudaVersion: z.string().optional(),
  allowedCudaVersions: z.array(z.string()).optional(),
})

/** An endpoint: its settings as REST shows them, and what a test makes of it. */
export const endpointRecordSchema = z.object({
  id: z.string(),
  name: z.string(),
  type: z.enum(['QUEUE', 'LOAD_BALANCER']),
  image: z.string().nullable(),
  templateId: z.string().nullable(),
  gpu: gpuChoiceSchema,
  scaling: z.record(z.string(), z.unknown()),
  workers: z.object({ min: z.int(), max: z.int(), idleTimeout: z.int() }),
  timeout: z.int(),
  flashboot: z.string(),
  networkVolumes: z.array(z.string()),
  dataCenterIds: z.array(z.string()),
  disk: z.int(),
  env: z.record(z.string(), z.string()),
  args: z.string().nullable(),
  createdAtMs: z.int(),
  version: z.int(),
  lastActivityMs: z.int(),
  script: z.object({
    workerKind: z.enum(['quick', 'real']),
    /** New workers get no further than this. */
    stuckAs: z.enum(['throttled', 'unhealthy', 'initializing']).nullable(),
    /** No job is handed out before this. */
    queueOpensAtMs: z.int().nullable(),
    /** Answer of a quick worker to anything that is no action of ours. */
    echo: z.boolean(),
  }),
})
export type EndpointRecord = z.infer<typeof endpointRecordSchema>

const templateSchema = z.object({ id: z.string(), name: z.string() }).catchall(z.unknown())
const volumeSchema = z.object({
  id: z.string(),
  name: z.string(),
  size: z.int(),
  dataCenter: z.string(),
  type: z.string(),
  createdAtMs: z.int().optional(),
})

/** One rented worker, also after its end: the bill is made from these. */
const workerRecordSchema = z.object({
  id: z.string(),
  endpointId: z.string(),
  gpuTypeId: z.string(),
  gpuCount: z.int(),
  dataCenterId: z.string(),
  priceMicroUsdPerHour: z.int(),
  createdAtMs: z.int(),
  /** The bill runs from here; null while no machine was had. */
  billedFromMs: z.int().nullable(),
  endedAtMs: z.int().nullable(),
  /** Jobs of runs it worked on, in order; the bill is split along these. */
  shares: z.array(z.object({ runId: z.string(), jobId: z.string(), fromMs: z.int() })),
})
export type WorkerRecord = z.infer<typeof workerRecordSchema>

const acceptedSchema = z.object({
  endpointId: z.string(),
  jobId: z.string(),
  runId: z.string().nullable(),
  action: z.string().nullable(),
  atMs: z.int(),
})

/** How one job is shown otherwise than it is. */
const jobQuirkSchema = z.object({ kind: z.enum(['progress_race', 'timed_out', 'gone']), lastProgress: z.unknown().optional() })
export type JobQuirk = z.infer<typeof jobQuirkSchema>

const cloudStateSchema = z.object({
  v: z.literal(1),
  nowMs: z.int(),
  nextId: z.int(),
  ports: z.object({ api: z.int(), s3: z.int() }).nullable(),
  account: z.object({ id: z.string(), email: z.string(), startBalanceMicroUsd: z.int(), spendLimitMicroUsd: z.int() }),
  keys: z.array(z.object({ token: z.string(), scopes: z.array(scopeSchema) })),
  s3Key: z.object({ accessKeyId: z.string(), secretAccessKey: z.string() }),
  /** How far the S3 service's clock is from the real one, by which clients sign. */
  s3SkewMs: z.int(),
  endpoints: z.array(endpointRecordSchema),
  templates: z.array(templateSchema),
  volumes: z.array(volumeSchema),
  workers: z.array(workerRecordSchema),
  accepted: z.array(acceptedSchema),
  faults: z.array(keptFaultSchema),
  calls: z.record(z.string(), z.int()),
  jobQuirks: z.record(z.string(), jobQuirkSchema),
  stock: z.record(z.string(), z.enum(['NONE', 'LOW', 'MEDIUM', 'HIGH'])),
  prices: z.record(z.string(), z.int()),
  /** How far the bill lags behind, and whether it names each line twice. */
  billing: z.object({ lagMs: z.int().nonnegative(), isDoubled: z.boolean() }).default({ lagMs: 0, isDoubled: false }),
  outage: z.object({ scope: z.enum(['client', 'all']), endsAtMs: z.int().nullable() }).nullable(),
})
/** Everything a cloud remembers besides queues, volumes and the ledger of steps. */
export type CloudState = z.infer<typeof cloudStateSchema>

/** The state in memory and its file. */
export interface StateStore {
  readonly data: CloudState
  /** Resolves once a state at least as new as now is on disk. */
  save(): Promise<void>
  /** Saves soon; for what nobody waits for. */
  touch(): void
  newId(prefix: string): string
  /** Waits for all writes. */
  close(): Promise<void>
}

/** Reads the state of an earlier start, or begins with the given one. */
export async function openStateStore(folder: string, fresh: CloudState): Promise<StateStore> {
  await mkdir(folder, { recursive: true })
  const path = join(folder, 'state.json')
  const data = (await readState(path)) ?? fresh
  let scheduled: Promise<void> | null = null
  let running: Promise<void> = Promise.resolve()
  const save = () => {
    if (scheduled === null) {
      scheduled = running.then(() => {
        scheduled = null
        return writeFileAtomically(path, JSON.stringify(data))
      })
      running = scheduled.catch(() => undefined)
    }
    return scheduled
  }
  return {
    data,
    save,
    touch: () => void save().catch((error: unknown) => process.stderr.write(`The cloud's state could not be saved: ${String(error)}\n`)),
    newId(prefix) {
      data.nextId += 1
      return `${prefix}${data.nextId.toString(36).padStart(6, '0')}`
    },
    async close() {
      await save()
      await running
    },
  }
}

async function readState(path: string): Promise<CloudState | undefined> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  })
  return text === undefined ? undefined : cloudStateSchema.parse(JSON.parse(text))
}
