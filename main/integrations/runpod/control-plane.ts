import type { Dispatcher } from 'undici'
import type { z } from 'zod'
import { AppError } from '../../../preload/contract/errors.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import { checkedPathId, createApiSender, type ApiCall, type ApiReply } from './api-request.ts'
import {
  catalogueDataCenterSchema,
  catalogueGpuSchema,
  serverlessBillingRecordSchema,
  volumeBillingRecordSchema,
  type BillingBucket,
  type CatalogueDataCenter,
  type GpuCatalogue,
  type ServerlessBillingRecord,
  type VolumeBillingRecord,
} from './catalogue-replies.ts'
import type { EndpointBody, EndpointChange, TemplateBody, VolumeBody } from './control-bodies.ts'
import { endpointPatchOf } from './control-bodies.ts'
import { controlFailureOf, outcomeUnknown, type ControlSubject } from './control-failure.ts'
import {
  endpointEnvSchema,
  remoteEndpointSchema,
  remoteTemplateSchema,
  remoteVolumeSchema,
  remoteWorkerSchema,
  type RemoteEndpoint,
  type RemoteTemplate,
  type RemoteVolume,
  type RemoteWorker,
} from './control-replies.ts'
import { listOf, readEach, readOne } from './reply-fields.ts'
import { readWorkerLog, streamWorkerLog, type LogStreamOptions, type WorkerLogLine } from './worker-logs.ts'

interface BillingSpan {
  readonly bucket: BillingBucket
  /** RunPod widens the span to whole buckets. */
  readonly fromMs: number
  readonly toMs: number
}

/** RunPod's management API (REST v2): what exists in the user's account, what it costs and what can be had. */
export interface ControlPlane {
  listEndpoints(): Promise<readonly RemoteEndpoint[]>
  getEndpoint(endpointId: string): Promise<RemoteEndpoint>
  createEndpoint(body: EndpointBody): Promise<RemoteEndpoint>
  updateEndpoint(endpointId: string, change: EndpointChange): Promise<RemoteEndpoint>
  /** Changes what its workers run; the environment gains `env` and keeps the rest. */
  replaceWorker(
    endpointId: string,
    worker: { readonly image: string; readonly args?: string; readonly env: Readonly<Record<string, string>> },
  ): Promise<void>
  /** Done too when it is already gone. */
  deleteEndpoint(endpointId: string): Promise<void>
  listWorkers(endpointId: string): Promise<readonly RemoteWorker[]>
  streamWorkerLogs(
    endpointId: string,
    workerId: string,
    options: { readonly signal: AbortSignal; readonly tail?: number },
  ): AsyncIterable<WorkerLogLine>
  /** The newest lines there are now, oldest first; it does not wait for new ones. */
  workerLogLines(
    endpointId: string,
    workerId: string,
    options: { readonly maxLines: number; readonly signal?: AbortSignal },
  ): Promise<readonly WorkerLogLine[]>
  listTemplates(): Promise<readonly RemoteTemplate[]>
  createTemplate(body: TemplateBody): Promise<RemoteTemplate>
  deleteTemplate(templateId: string): Promise<void>
  listVolumes(): Promise<readonly RemoteVolume[]>
  createVolume(body: VolumeBody): Promise<RemoteVolume>
  /** Destroys the data on it. */
  deleteVolume(volumeId: string): Promise<void>
  listGpus(filter?: { readonly gpuCount?: number; readonly minCudaVersion?: string }): Promise<GpuCatalogue>
  listDataCentres(): Promise<readonly CatalogueDataCenter[]>
  serverlessBilling(query: BillingSpan & { readonly endpointId: string }): Promise<readonly ServerlessBillingRecord[]>
  volumeBilling(query: BillingSpan & { readonly volumeId: string }): Promise<readonly VolumeBillingRecord[]>
}

interface ControlPlaneOptions {
  readonly baseUrl?: string
  readonly apiKey: () => string | Promise<string>
  readonly clock: Clock
  readonly log: Log
  readonly userAgent: string
  readonly dispatcher?: Dispatcher
}

const defaultBaseUrl = 'https://api.runpod.io/v2'
const attempts = 4
const usualTail = 100
const longestTail = 5_000

/** Creates the client. Calls that do no harm twice are repeated; creates are not, except after a 429. */
export function createControlPlane(options: ControlPlaneOptions): ControlPlane {
  const { baseUrl = defaultBaseUrl, apiKey, clock, log, userAgent, dispatcher } = options
  const { list, one, create, remove, patch, ask } = createCalls({ ...options, baseUrl })
  const bill = async <T>(path: string, subjectId: Record<string, string>, span: BillingSpan, schema: z.ZodType<T>) => {
    const query = new URLSearchParams({
      ...subjectId,
      bucketSize: span.bucket,
      startTime: new Date(span.fromMs).toISOString(),
      endTime: new Date(span.toMs).toISOString(),
    })
    const reply = await ask(`billing/${path}?${query}`, 'billing record')
    // A record that cannot be read must not make the bill look smaller.
    return listOf(reply, 'records').map((record) => readOne(reply, schema, record))
  }
  const logOptions = (endpointId: string, workerId: string, tail: number, signal: AbortSignal): LogStreamOptions => ({
    url: `${baseUrl}/serverless/${checkedPathId(endpointId, 'endpoint')}/workers/${checkedPathId(workerId, 'worker')}/logs`,
    apiKey,
    userAgent,
    clock,
    signal,
    tail: Math.min(longestTail, Math.max(0, Math.trunc(tail))),
    ...(dispatcher === undefined ? {} : { dispatcher }),
  })

  return {
    listEndpoints: () => list('serverless', 'endpoints', remoteEndpointSchema, 'endpoint'),
    getEndpoint: (endpointId) => one(`serverless/${checkedPathId(endpointId, 'endpoint')}`, remoteEndpointSchema, 'endpoint'),
    createEndpoint: (body) => create('serverless', body, remoteEndpointSchema, 'endpoint'),
    updateEndpoint: (endpointId, change) =>
      patch(`serverless/${checkedPathId(endpointId, 'endpoint')}`, endpointPatchOf(change), remoteEndpointSchema, 'endpoint'),
    async replaceWorker(endpointId, { env, ...change }) {
      const path = `serverless/${checkedPathId(endpointId, 'endpoint')}`
      // RunPod replaces the environment as a whole; what the user has added to it goes back unseen.
      const there = readOne(await ask(path, 'endpoint'), endpointEnvSchema)
      await patch(path, endpointPatchOf({ ...change, env: { ...there, ...env } }), remoteEndpointSchema, 'endpoint')
    },
    deleteEndpoint: (endpointId) => remove(`serverless/${checkedPathId(endpointId, 'endpoint')}`, 'endpoint'),
    listWorkers: (endpointId) =>
      list(`serverless/${checkedPathId(endpointId, 'endpoint')}/workers`, 'workers', remoteWorkerSchema, 'endpoint'),
    streamWorkerLogs: (endpointId, workerId, { signal, tail = usualTail }) =>
      streamWorkerLog(logOptions(endpointId, workerId, tail, signal)),
    workerLogLines: async (endpointId, workerId, { maxLines, signal = new AbortController().signal }) =>
      readWorkerLog(logOptions(endpointId, workerId, Math.max(1, maxLines), signal)),
    listTemplates: () => list('templates', 'templates', remoteTemplateSchema, 'template'),
    createTemplate: (body) => create('templates', body, remoteTemplateSchema, 'template'),
    deleteTemplate: (templateId) => remove(`templates/${checkedPathId(templateId, 'template')}`, 'template'),
    listVolumes: () => list('network-volumes', 'networkVolumes', remoteVolumeSchema, 'network volume'),
    createVolume: (body) => create('network-volumes', body, remoteVolumeSchema, 'network volume'),
    deleteVolume: (volumeId) => remove(`network-volumes/${checkedPathId(volumeId, 'network volume')}`, 'network volume'),
    async listGpus({ gpuCount, minCudaVersion } = {}) {
      const query = new URLSearchParams({ include: 'AVAILABILITY', product: 'SERVERLESS' })
      if (gpuCount !== undefined) query.set('count', String(gpuCount))
      if (minCudaVersion !== undefined) query.set('minCudaVersion', minCudaVersion)
      const askedAtMs = clock.nowMs()
      const reply = await ask(`catalog/gpus?${query}`, 'GPU catalogue')
      return { gpus: readEach(reply, 'gpus', catalogueGpuSchema, log), pricedAtMs: reply.answeredAtMs ?? askedAtMs }
    },
    listDataCentres: () =>
      list('catalog/datacenters?include=GPU_AVAILABILITY', 'dataCenters', catalogueDataCenterSchema, 'list of data centres'),
    serverlessBilling: ({ endpointId, ...span }) => bill('serverless', { serverlessId: endpointId }, span, serverlessBillingRecordSchema),
    volumeBilling: ({ volumeId, ...span }) => bill('network-volumes', { networkVolumeId: volumeId }, span, volumeBillingRecordSchema),
  }
}

function createCalls({ baseUrl, apiKey, clock, log, userAgent, dispatcher }: ControlPlaneOptions & { readonly baseUrl: string }) {
  const send = createApiSender({ clock, userAgent, attempts, ...(dispatcher === undefined ? {} : { dispatcher }) })
  const call = async (method: ApiCall['method'], path: string, isRepeatable: boolean, body?: unknown): Promise<ApiReply> =>
    send({
      method,
      url: `${baseUrl}/${path}`,
      apiKey: await apiKey(),
      isRepeatable,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  const done = (reply: ApiReply, subject: ControlSubject): ApiReply => {
    if (reply.status >= 200 && reply.status <= 299) return reply
    throw controlFailureOf(reply, subject)
  }
  const ask = async (path: string, subject: ControlSubject) => done(await call('GET', path, true), subject)

  return {
    ask,
    async list<T>(path: string, name: string, schema: z.ZodType<T>, subject: ControlSubject): Promise<T[]> {
      return readEach(await ask(path, subject), name, schema, log)
    },
    async one<T>(path: string, schema: z.ZodType<T>, subject: ControlSubject): Promise<T> {
      return readOne(await ask(path, subject), schema)
    },
    async patch<T>(path: string, body: unknown, schema: z.ZodType<T>, subject: ControlSubject): Promise<T> {
      // The body holds the values that shall be, so sending it twice changes nothing more.
      return readOne(done(await call('PATCH', path, true, body), subject), schema)
    },
    async create<T>(path: string, body: unknown, schema: z.ZodType<T>, subject: ControlSubject): Promise<T> {
      const reply = await call('POST', path, false, body).catch((error: unknown) => {
        throw isSurelyUnsent(error) ? error : outcomeUnknown(subject, error)
      })
      if (reply.status >= 500 || reply.status === 408) throw outcomeUnknown(subject, controlFailureOf(reply, subject))
      done(reply, subject)
      try {
        return readOne(reply, schema)
      } catch (error) {
        throw outcomeUnknown(subject, error)
      }
    },
    async remove(path: string, subject: ControlSubject): Promise<void> {
      const reply = await call('DELETE', path, true)
      if (reply.status !== 404) done(reply, subject)
    },
  }
}

/** A refusal of the key before the call, or a connection that never came about. */
function isSurelyUnsent(error: unknown): boolean {
  if (!(error instanceof AppError) || error.code !== 'ENDPOINT_UNREACHABLE') return true
  const { cause } = error
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  return code === 'ECONNREFUSED' || code === 'ENOTFOUND' || code === 'EAI_AGAIN' || code === 'UND_ERR_CONNECT_TIMEOUT'
}
