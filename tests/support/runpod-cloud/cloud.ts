import { randomBytes } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defaultRules, type QueueRules } from '../../../main/integrations/runpod-protocol/job-queue.ts'
import { createCloudClock, type CloudClock, type ClockMode, type WorkPace } from './cloud-clock.ts'
import { openCloudEndpoint, type CloudEndpoint, type CloudTimings } from './cloud-endpoint.ts'
import { openStateStore, type CloudState, type EndpointRecord } from './cloud-state.ts'
import { createControl, type CloudControl } from './control.ts'
import { answerControl } from './control-routes.ts'
import { createFaults } from './faults.ts'
import { createFront } from './front.ts'
import { createHolds } from './holds.ts'
import { createLiveHolders } from './quick-lease.ts'
import { usualPace, type QuickPace } from './quick-session.ts'
import { catalogueRoutes } from './rest-catalogue.ts'
import { resourceRoutes } from './rest-resources.ts'
import { serverlessRoutes } from './rest-serverless.ts'
import { createS3Faults } from './s3/s3-faults.ts'
import { mountS3 } from './s3-mount.ts'
import { openStepLedger } from './step-ledger.ts'
import { createWorkerLogStore } from './worker-log-store.ts'

const loopback = '127.0.0.1'
const day = 86_400_000
/** What real RunPod is known to do: one retry, cancelled jobs are never killed, overdue ones after a minute. */
const cloudRules: QueueRules = { ...defaultRules, maxRetries: 1, cancelGraceMs: 30 * day, timeoutGraceMs: 60_000 }
const usualTimings: CloudTimings = { coldStartMs: 8_000, lossNoticeMs: 10_000 }

/** How a cloud is started; only the folder is needed. */
export interface CloudOptions {
  /** Everything the cloud remembers; a second start on it is the same cloud. */
  readonly stateFolder: string
  /** Ports of an earlier start are taken again unless named. */
  readonly port?: number
  readonly s3Port?: number
  /** Time of a fresh cloud; the real time unless named. */
  readonly startMs?: number
  readonly clock?: ClockMode
  readonly pace?: WorkPace
  readonly quick?: Partial<QuickPace>
  readonly timings?: Partial<CloudTimings>
  readonly rules?: Partial<QueueRules>
  /** For endpoints with real workers. */
  readonly python?: string
  readonly trainerFolder?: string
}

/** Where the cloud's services are, and what lets a client in. */
export interface CloudAddresses {
  /** Put /<endpointId> behind it. */
  readonly jobs: string
  readonly rest: string
  readonly graphql: string
  readonly control: string
  readonly s3: string
  readonly apiKey: string
  readonly s3AccessKeyId: string
  readonly s3SecretAccessKey: string
}

/** A running cloud. */
export interface RunpodCloud {
  readonly addresses: CloudAddresses
  readonly control: CloudControl
  readonly clock: CloudClock
  stop(): Promise<void>
}

/** Opens a cloud on loopback ports. */
export async function startRunpodCloud(options: CloudOptions): Promise<RunpodCloud> {
  const folder = options.stateFolder
  await mkdir(join(folder, 'volumes'), { recursive: true })
  const store = await openStateStore(folder, freshState(options.startMs ?? Date.now()))
  const state = store.data
  const mode = options.clock ?? { kind: 'flowing', speed: 1 }
  const clock = createCloudClock(
    mode.kind === 'standing' ? state.nowMs : Math.max(state.nowMs, options.startMs ?? Date.now()),
    mode,
    options.pace ?? 'instant',
  )
  // Whoever worked when the last process ended is gone.
  for (const worker of state.workers) worker.endedAtMs ??= clock.nowMs()
  const faults = createFaults(
    state.faults,
    () => store.newId('fault'),
    () => store.touch(),
  )
  const holds = createHolds()
  const ledger = openStepLedger(join(folder, 'steps.jsonl'))
  const logs = createWorkerLogStore(clock.nowMs)
  const endpoints = new Map<string, CloudEndpoint>()
  const shop = { clock, holders: createLiveHolders(), ledger, pace: { ...usualPace, ...options.quick } }
  let jobsBase = ''

  const open = async (record: EndpointRecord) => {
    const endpoint = await openCloudEndpoint({
      record,
      store,
      folder,
      faults,
      holds,
      shop,
      logs,
      timings: { ...usualTimings, ...options.timings },
      rules: { ...cloudRules, ...options.rules },
      real: {
        python: options.python ?? process.env['TUNESMITH_PYTHON'],
        trainerFolder: options.trainerFolder ?? fileURLToPath(new URL('../../../trainer', import.meta.url)),
      },
      newToken: () => randomBytes(16).toString('hex'),
      baseUrl: () => `${jobsBase}/${record.id}`,
    })
    endpoints.set(record.id, endpoint)
    return endpoint
  }
  const create = async (record: EndpointRecord) => {
    state.endpoints.push(record)
    const endpoint = await open(record)
    await mkdir(endpoint.volumeFolder, { recursive: true })
    await store.save()
    return endpoint
  }
  const desk = {
    logs,
    create,
    nowMs: clock.nowMs,
    endpoints: () => [...endpoints.values()],
    find: (id: string) => endpoints.get(id),
    jobsBase: () => jobsBase,
    volumeExists: (id: string) => state.volumes.some((volume) => volume.id === id),
    newEndpoint: () => newEndpoint(store.newId('ep'), clock.nowMs()),
    async remove(id: string) {
      const endpoint = endpoints.get(id)
      endpoints.delete(id)
      state.endpoints.splice(
        state.endpoints.findIndex((record) => record.id === id),
        1,
      )
      await endpoint?.stop()
      await rm(join(folder, 'queues', `${id}.json`), { force: true })
      await store.save()
    },
  }
  const s3Faults = createS3Faults()
  const control = createControl({ ...desk, store, clock, faults, s3Faults, holds, ledger, folder })
  const front = createFront({
    store,
    faults,
    clock,
    find: desk.find,
    restRoutes: [...serverlessRoutes(desk), ...resourceRoutes(store, folder), ...catalogueRoutes(state, clock.nowMs)],
    control: (exchange) => answerControl(exchange, control),
  })
  const api = await listen(front, options.port ?? state.ports?.api ?? 0)
  const s3 = await listen(mountS3({ state, folder, clock, faults, s3Faults }), options.s3Port ?? state.ports?.s3 ?? 0)
  state.ports = { api: api.port, s3: s3.port }
  jobsBase = `${api.url}/v2`
  for (const record of state.endpoints) await open(record)
  await store.save()

  return {
    control,
    clock,
    addresses: {
      jobs: jobsBase,
      rest: `${api.url}/rest/v2`,
      graphql: `${api.url}/graphql`,
      control: `${api.url}/__control`,
      s3: s3.url,
      apiKey: state.keys[0]?.token ?? '',
      s3AccessKeyId: state.s3Key.accessKeyId,
      s3SecretAccessKey: state.s3Key.secretAccessKey,
    },
    async stop() {
      await Promise.all([...endpoints.values()].map((endpoint) => endpoint.stop()))
      state.nowMs = clock.nowMs()
      clock.close()
      await Promise.all([close(api.server), close(s3.server)])
      await store.close()
    },
  }
}

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>

async function listen(handle: Handler, port: number): Promise<{ server: Server; port: number; url: string }> {
  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      process.stderr.write(`A request to the cloud failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
      if (!response.headersSent) response.writeHead(500).end()
      else response.destroy()
    })
  })
  server.keepAliveTimeout = 65_000
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, loopback, resolve)
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The cloud is not listening')
  return { server, port: address.port, url: `http://${loopback}:${address.port}` }
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

function freshState(nowMs: number): CloudState {
  return {
    v: 1,
    nowMs,
    nextId: 0,
    ports: null,
    account: { id: 'user_2cloudfortests', email: 'someone@example.org', startBalanceMicroUsd: 50_000_000, spendLimitMicroUsd: 80_000_000 },
    keys: [{ token: 'rpa_CLOUDFORTESTS0000000000000000000000', scopes: ['jobs', 'read', 'write', 'balance'] }],
    s3Key: { accessKeyId: 'user_2cloudfortests', secretAccessKey: 'rps_CLOUDFORTESTS0000000000000000000000' },
    s3SkewMs: 0,
    endpoints: [],
    templates: [],
    volumes: [],
    workers: [],
    accepted: [],
    faults: [],
    calls: {},
    jobQuirks: {},
    stock: {},
    prices: {},
    billing: { lagMs: 0, isDoubled: false },
    outage: null,
  }
}

function newEndpoint(id: string, nowMs: number): EndpointRecord {
  return {
    id,
    name: id,
    type: 'QUEUE',
    image: null,
    templateId: null,
    gpu: { pools: ['ADA_24'], excludedTypes: [], count: 1 },
    scaling: { type: 'QUEUE_DELAY', queueDelay: 4 },
    workers: { min: 0, max: 3, idleTimeout: 10 },
    timeout: 0,
    flashboot: 'OFF',
    networkVolumes: [],
    dataCenterIds: [],
    disk: 20,
    env: {},
    args: null,
    createdAtMs: nowMs,
    version: 1,
    lastActivityMs: nowMs,
    script: { workerKind: 'quick', stuckAs: null, queueOpensAtMs: null, echo: false },
  }
}
