import { z } from 'zod'
import { countOrNull, microUsd, textOrNull, texts, timeOrNull, wordOf } from './reply-fields.ts'

const id = z.string().min(1)
const secondsOrNull = z.number().nonnegative().nullable().catch(null)

/** An endpoint as RunPod keeps it. Its environment is left out: it may hold secrets. */
export interface RemoteEndpoint {
  readonly id: string
  readonly name: string
  readonly type: 'QUEUE' | 'LOAD_BALANCER' | 'unknown'
  readonly workersMin: number
  /** 0 means that no job can start; RunPod sets it when an endpoint was idle for a week. */
  readonly workersMax: number
  readonly idleTimeoutMs: number | null
  /** Null when none is set or none is told. */
  readonly timeoutMs: number | null
  readonly gpu: { readonly poolIds: readonly string[]; readonly excludedTypeIds: readonly string[]; readonly count: number } | null
  readonly minCudaVersion: string | null
  readonly dataCenterIds: readonly string[]
  readonly networkVolumeIds: readonly string[]
  readonly flashboot: 'OFF' | 'FLASHBOOT' | 'PRIORITY_FLASHBOOT' | 'unknown'
  readonly image: string | null
  /** Where its settings came from when it was created; later edits of the template do not reach it. */
  readonly templateId: string | null
  /** Whether its environment names a Hugging Face token; null when it does not show its environment. */
  readonly hasHfToken: boolean | null
  readonly createdAtMs: number | null
}

/** Names of things that come as texts or as objects with an id. */
const ids = z
  .array(z.unknown())
  .catch([])
  .transform((items) =>
    items.flatMap((item) => {
      const value: unknown = typeof item === 'object' && item !== null ? Reflect.get(item, 'id') : item
      return typeof value === 'string' && value !== '' ? [value] : []
    }),
  )

/** The names under which the worker's libraries look for a Hugging Face token. */
const hfTokenNames = ['HF_TOKEN', 'HUGGING_FACE_HUB_TOKEN']

const endpointGpuSchema = z
  .object({ pools: texts, excludedTypes: texts, count: z.int().positive().catch(1), minCudaVersion: textOrNull })
  .nullable()
  .catch(null)

/** Reads an endpoint; only its id and its worker limits must be there. */
export const remoteEndpointSchema = z
  .object({
    id,
    name: z.string().catch(''),
    type: wordOf(['QUEUE', 'LOAD_BALANCER'], 'unknown'),
    workers: z.object({ min: z.int().nonnegative().catch(0), max: z.int().nonnegative(), idleTimeout: secondsOrNull }),
    timeout: countOrNull,
    gpu: endpointGpuSchema,
    dataCenterIds: texts,
    networkVolumes: ids,
    flashboot: wordOf(['OFF', 'FLASHBOOT', 'PRIORITY_FLASHBOOT'], 'unknown'),
    image: textOrNull,
    templateId: textOrNull,
    env: z.record(z.string(), z.unknown()).nullable().catch(null),
    createdAt: timeOrNull,
  })
  .transform(({ workers, timeout, gpu, createdAt, dataCenterIds, networkVolumes, env, ...rest }): RemoteEndpoint => {
    const idleTimeoutMs = workers.idleTimeout === null ? null : Math.round(workers.idleTimeout * 1000)
    return {
      ...rest,
      workersMin: workers.min,
      workersMax: workers.max,
      idleTimeoutMs,
      timeoutMs: timeout === 0 ? null : timeout,
      gpu: gpu === null ? null : { poolIds: gpu.pools, excludedTypeIds: gpu.excludedTypes, count: gpu.count },
      minCudaVersion: gpu?.minCudaVersion ?? null,
      dataCenterIds,
      networkVolumeIds: networkVolumes,
      hasHfToken: env === null ? null : hfTokenNames.some((name) => name in env),
      createdAtMs: createdAt,
    }
  })

/** An endpoint's environment, read only to be sent back with a change. */
export const endpointEnvSchema = z
  .object({ env: z.record(z.string(), z.string()).nullish() })
  .transform(({ env }): Readonly<Record<string, string>> => env ?? {})

/** One worker of an endpoint, with the GPU it really has. */
export interface RemoteWorker {
  readonly id: string
  readonly status: 'running' | 'idle' | 'initializing' | 'throttled' | 'unhealthy' | 'unknown'
  /** True while it runs older settings than the endpoint's. */
  readonly isStale: boolean
  readonly version: number | null
  readonly gpuCount: number
  readonly gpuTypeId: string | null
  readonly gpuName: string | null
  /** Of all its GPUs together; null where it is not told, then the catalogue has the price of the type. */
  readonly pricePerHourMicroUsd: number | null
  readonly dataCenterId: string | null
  readonly image: string | null
  readonly uptimeMs: number | null
  readonly startedAtMs: number | null
}

export const remoteWorkerSchema = z
  .object({
    id,
    status: wordOf(['running', 'idle', 'initializing', 'throttled', 'unhealthy'], 'unknown'),
    isStale: z.boolean().catch(false),
    version: countOrNull,
    gpuCount: z.int().nonnegative().catch(1),
    gpuTypeId: textOrNull,
    gpu: z.object({ displayName: textOrNull }).catch({ displayName: null }),
    costPerHr: microUsd.nullable().catch(null),
    dataCenterId: textOrNull,
    image: textOrNull,
    uptimeSeconds: secondsOrNull,
    startedAt: timeOrNull,
  })
  .transform(({ uptimeSeconds, startedAt, gpu, costPerHr, ...rest }): RemoteWorker => {
    const uptimeMs = uptimeSeconds === null ? null : Math.round(uptimeSeconds * 1000)
    // A price of nothing or less would make a worker look free.
    const pricePerHourMicroUsd = costPerHr !== null && costPerHr > 0 ? costPerHr : null
    return { ...rest, gpuName: gpu.displayName ?? rest.gpuTypeId, pricePerHourMicroUsd, uptimeMs, startedAtMs: startedAt }
  })

/** A template: settings that an endpoint copies when it is created. */
export interface RemoteTemplate {
  readonly id: string
  readonly name: string
  readonly image: string | null
  readonly isServerless: boolean
}

export const remoteTemplateSchema = z
  .object({ id, name: z.string().catch(''), image: textOrNull, serverless: z.boolean().catch(false) })
  .transform(({ serverless, ...rest }): RemoteTemplate => ({ ...rest, isServerless: serverless }))

/** A network volume; it costs money as long as it exists. */
export interface RemoteVolume {
  readonly id: string
  readonly name: string
  readonly sizeGb: number
  readonly dataCenterId: string
  readonly type: 'STANDARD' | 'HIGH_PERFORMANCE' | 'unknown'
}

export const remoteVolumeSchema = z
  .object({
    id,
    name: z.string().catch(''),
    size: z.number().nonnegative(),
    dataCenter: id,
    type: wordOf(['STANDARD', 'HIGH_PERFORMANCE'], 'unknown'),
  })
  .transform(({ size, dataCenter, ...rest }): RemoteVolume => ({ ...rest, sizeGb: size, dataCenterId: dataCenter }))
