import { z } from 'zod'
import type { CloudEndpoint } from './cloud-endpoint.ts'
import type { EndpointRecord } from './cloud-state.ts'
import { notThere, problem, readBody, type RestRoute } from './rest-router.ts'
import type { CloudLogLine, WorkerLogStore } from './worker-log-store.ts'

const gpuSchema = z
  .strictObject({
    pools: z.array(z.string()).min(1),
    excludedTypes: z.array(z.string()).default([]),
    count: z.int().min(1).default(1),
    minCudaVersion: z.string().optional(),
    allowedCudaVersions: z.array(z.string()).optional(),
  })
  .refine(
    (gpu) => gpu.minCudaVersion === undefined || gpu.allowedCudaVersions === undefined,
    'minCudaVersion and allowedCudaVersions exclude each other',
  )
const scalingSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('QUEUE_DELAY'), queueDelay: z.int().min(1).default(4) }),
  z.strictObject({ type: z.literal('REQUEST_COUNT'), requestCount: z.int().min(1).default(1) }),
])
const workersSchema = z.strictObject({
  min: z.int().min(0).optional(),
  max: z.int().min(0).optional(),
  idleTimeout: z.int().min(1).max(3600).optional(),
})
const settings = {
  name: z.string().min(1),
  image: z.string().optional(),
  templateId: z.string().optional(),
  gpu: gpuSchema.optional(),
  cpu: z.unknown().optional(),
  scaling: scalingSchema,
  workers: workersSchema.optional(),
  timeout: z.int().min(0).max(604_800_000).optional(),
  flashboot: z.enum(['OFF', 'FLASHBOOT', 'PRIORITY_FLASHBOOT']).optional(),
  networkVolumes: z.array(z.string()).optional(),
  dataCenterIds: z.array(z.string()).optional(),
  disk: z.int().min(1).optional(),
  env: z.record(z.string(), z.string()).optional(),
  registry: z.string().optional(),
  args: z.string().optional(),
  ports: z.array(z.string()).optional(),
}
const createSchema = z
  .strictObject({ ...settings, type: z.enum(['QUEUE', 'LOAD_BALANCER']) })
  .refine((body) => (body.gpu === undefined) !== (body.cpu === undefined), 'exactly one of gpu and cpu is required')
  .refine((body) => body.image !== undefined || body.templateId !== undefined, 'image or templateId is required')
const patchSchema = z.strictObject(settings).partial()
type Patch = z.infer<typeof patchSchema>

/** What the serverless routes need of the cloud. */
export interface ServerlessDesk {
  endpoints(): readonly CloudEndpoint[]
  find(id: string): CloudEndpoint | undefined
  create(record: EndpointRecord): Promise<CloudEndpoint>
  remove(id: string): Promise<void>
  newEndpoint(): EndpointRecord
  volumeExists(id: string): boolean
  jobsBase(): string
  nowMs(): number
  readonly logs: WorkerLogStore
}

/** Endpoints, their workers and the workers' logs over REST v2. */
export function serverlessRoutes(desk: ServerlessDesk): readonly RestRoute[] {
  const withEndpoint = (id: string | undefined) => desk.find(id ?? '')
  const shown = (endpoint: CloudEndpoint) => endpointBody(endpoint.record, desk.jobsBase())
  const check = (body: Patch) => {
    const missing = body.networkVolumes?.find((id) => !desk.volumeExists(id))
    return missing === undefined ? undefined : problem(400, 'Bad Request', `network volume ${missing} not found`)
  }
  return [
    {
      name: 'serverless.list',
      method: 'GET',
      path: 'serverless',
      scope: 'read',
      handle: () => ({ status: 200, body: { endpoints: desk.endpoints().map(shown) } }),
    },
    {
      name: 'serverless.create',
      method: 'POST',
      path: 'serverless',
      scope: 'write',
      async handle({ exchange }) {
        const body = await readBody(exchange, createSchema)
        if ('refusal' in body) return body.refusal
        if (body.value.cpu !== undefined) return problem(400, 'Bad Request', 'cpu endpoints are not part of this cloud')
        const record = merged({ ...desk.newEndpoint(), type: body.value.type }, body.value)
        return check(body.value) ?? { status: 201, body: shown(await desk.create(record)) }
      },
    },
    {
      name: 'serverless.get',
      method: 'GET',
      path: 'serverless/:id',
      scope: 'read',
      handle({ parameters }) {
        const endpoint = withEndpoint(parameters['id'])
        return endpoint === undefined ? notThere('endpoint') : { status: 200, body: shown(endpoint) }
      },
    },
    {
      name: 'serverless.update',
      method: 'PATCH',
      path: 'serverless/:id',
      scope: 'write',
      async handle({ exchange, parameters }) {
        const endpoint = withEndpoint(parameters['id'])
        if (endpoint === undefined) return notThere('endpoint')
        const body = await readBody(exchange, patchSchema)
        if ('refusal' in body) return body.refusal
        const refusal = check(body.value)
        if (refusal !== undefined) return refusal
        Object.assign(endpoint.record, merged(endpoint.record, body.value), {
          version: endpoint.record.version + 1,
          lastActivityMs: desk.nowMs(),
        })
        endpoint.refresh()
        return { status: 200, body: shown(endpoint) }
      },
    },
    {
      name: 'serverless.delete',
      method: 'DELETE',
      path: 'serverless/:id',
      scope: 'write',
      async handle({ parameters }) {
        if (withEndpoint(parameters['id']) === undefined) return notThere('endpoint')
        await desk.remove(parameters['id'] ?? '')
        return { status: 204 }
      },
    },
    {
      name: 'serverless.workers',
      method: 'GET',
      path: 'serverless/:id/workers',
      scope: 'read',
      handle({ parameters }) {
        const endpoint = withEndpoint(parameters['id'])
        return endpoint === undefined ? notThere('endpoint') : { status: 200, body: workersBody(endpoint, desk.nowMs()) }
      },
    },
    {
      name: 'serverless.logs',
      method: 'GET',
      path: 'serverless/:id/workers/:workerId/logs',
      scope: 'read',
      handle({ parameters, exchange, lastEventId }) {
        const workerId = parameters['workerId'] ?? ''
        if (withEndpoint(parameters['id']) === undefined || !desk.logs.has(workerId)) return notThere('worker')
        const isWanted = lineFilter(exchange.query, lastEventId)
        const tail = Math.min(5000, Math.max(0, Number(exchange.query.get('tail') ?? 100)))
        return {
          stream(response) {
            response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
            const send = (line: CloudLogLine) => {
              if (isWanted(line))
                response.write(
                  `id: ${line.id}\ndata: ${JSON.stringify({ source: line.source, line: line.line, ts: new Date(line.tsMs).toISOString() })}\n\n`,
                )
            }
            const backlog = desk.logs.read(workerId).filter(isWanted)
            backlog.slice(Math.max(0, backlog.length - tail)).forEach(send)
            response.write(': end of backlog\n\n')
            response.once(
              'close',
              desk.logs.follow(workerId, send, () => response.destroy()),
            )
          },
        }
      },
    },
  ]
}

function lineFilter(query: URLSearchParams, lastEventId: string | undefined): (line: CloudLogLine) => boolean {
  const source = query.get('source')
  const since = query.get('since')
  const sinceMs = since === null ? Number.NEGATIVE_INFINITY : Date.parse(since)
  const afterId = Number(lastEventId ?? 0)
  return (line) => (source === null || line.source === source) && line.tsMs >= sinceMs && line.id > afterId
}

/** Settings with what a body changes. */
function merged(record: EndpointRecord, body: Patch): EndpointRecord {
  const { gpu } = body
  const { minCudaVersion, allowedCudaVersions, ...choice } = gpu ?? record.gpu
  return {
    ...record,
    name: body.name ?? record.name,
    image: body.image ?? record.image,
    templateId: body.templateId ?? record.templateId,
    gpu: {
      ...choice,
      ...(minCudaVersion === undefined ? {} : { minCudaVersion }),
      ...(allowedCudaVersions === undefined ? {} : { allowedCudaVersions }),
    },
    scaling: body.scaling ?? record.scaling,
    workers: {
      min: body.workers?.min ?? record.workers.min,
      max: body.workers?.max ?? record.workers.max,
      idleTimeout: body.workers?.idleTimeout ?? record.workers.idleTimeout,
    },
    timeout: body.timeout ?? record.timeout,
    flashboot: body.flashboot ?? record.flashboot,
    networkVolumes: body.networkVolumes ?? record.networkVolumes,
    dataCenterIds: body.dataCenterIds ?? record.dataCenterIds,
    disk: body.disk ?? record.disk,
    env: body.env ?? record.env,
    args: body.args ?? record.args,
  }
}

function endpointBody(record: EndpointRecord, jobsBase: string): Record<string, unknown> {
  const { script: _script, lastActivityMs: _lastActivityMs, createdAtMs, ...settings } = record
  const url = (path: string) => `${jobsBase}/${record.id}/${path}`
  return {
    ...settings,
    createdAt: new Date(createdAtMs).toISOString(),
    requestUrls: {
      run: url('run'),
      runSync: url('runsync'),
      status: url('status/{job_id}'),
      stream: url('stream/{job_id}'),
      cancel: url('cancel/{job_id}'),
      retry: url('retry/{job_id}'),
      purgeQueue: url('purge-queue'),
      health: url('health'),
    },
  }
}

function workersBody(endpoint: CloudEndpoint, nowMs: number): Record<string, unknown> {
  const workers = endpoint.fleet.live().map((worker) => ({
    id: worker.record.id,
    status: endpoint.fleet.statusOf(worker),
    isStale: false,
    version: endpoint.record.version,
    gpuCount: worker.record.gpuCount,
    image: endpoint.record.image,
    uptimeSeconds: worker.record.billedFromMs === null ? 0 : Math.floor((nowMs - worker.record.billedFromMs) / 1000),
    gpuTypeId: worker.record.gpuTypeId,
    dataCenterId: worker.record.dataCenterId,
    startedAt: new Date(worker.record.billedFromMs ?? worker.record.createdAtMs).toISOString(),
  }))
  const counts = endpoint.countWorkers()
  return { workers, summary: { ...counts, total: workers.length }, endpointVersion: endpoint.record.version }
}
