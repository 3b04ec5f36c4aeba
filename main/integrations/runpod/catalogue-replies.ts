import { z } from 'zod'
import { microUsd, textOrNull, texts, timeMs, wordOf } from './reply-fields.ts'

/** How much of a GPU is free right now. */
export type GpuStock = 'none' | 'low' | 'medium' | 'high' | 'unknown'

/** One GPU type of the catalogue with its live list price. */
export interface CatalogueGpu {
  /** The type id, as workers report it and as pools exclude it. */
  readonly id: string
  readonly name: string
  /** What an endpoint asks for; null when the type is not for serverless. */
  readonly poolId: string | null
  readonly memoryGb: number
  /** List price of one GPU on serverless; null when RunPod names none. */
  readonly pricePerHourMicroUsd: number | null
  readonly stock: GpuStock
  readonly dataCenters: readonly { readonly id: string; readonly stock: GpuStock }[]
  readonly cudaVersions: readonly { readonly version: string; readonly isAvailable: boolean }[]
}

/** All GPU types, and when their prices and stock were asked for. */
export interface GpuCatalogue {
  readonly gpus: readonly CatalogueGpu[]
  readonly pricedAtMs: number
}

const stock = wordOf(['none', 'low', 'medium', 'high'], 'unknown')
const places = listOfUsable(z.object({ id: z.string().min(1), availability: stock }))
const cudaVersions = listOfUsable(
  z.union([
    z.string().transform((version) => ({ version, isAvailable: true })),
    z
      .object({ version: z.string().min(1), available: z.boolean().catch(true) })
      .transform(({ version, available }) => ({ version, isAvailable: available })),
  ]),
)

/** A list in which entries that cannot be used are left out, and which may be missing. */
function listOfUsable<T>(schema: z.ZodType<T>) {
  return z
    .array(z.unknown())
    .catch([])
    .transform((items) =>
      items.flatMap((item) => {
        const parsed = schema.safeParse(item)
        return parsed.success ? [parsed.data] : []
      }),
    )
}

export const catalogueGpuSchema = z
  .object({
    id: z.string().min(1),
    name: z.string().catch(''),
    pool: textOrNull,
    memory: z.number().positive(),
    price: z.object({ serverless: microUsd.nullable().catch(null) }).catch({ serverless: null }),
    availability: stock,
    dataCenters: places,
    cudaVersions,
  })
  .transform(({ pool, memory, price, availability, dataCenters, ...rest }): CatalogueGpu => {
    // A price of nothing or less would make a GPU look free.
    const pricePerHourMicroUsd = price.serverless !== null && price.serverless > 0 ? price.serverless : null
    return {
      ...rest,
      name: rest.name === '' ? rest.id : rest.name,
      poolId: pool,
      memoryGb: memory,
      pricePerHourMicroUsd,
      stock: availability,
      dataCenters: dataCenters.map((place) => ({ id: place.id, stock: place.availability })),
    }
  })

/** One data centre: what volumes it has and which rules it is audited by. */
export interface CatalogueDataCenter {
  readonly id: string
  readonly name: string
  readonly region: string | null
  /** Empty: no network volumes here. */
  readonly volumeTypes: readonly ('STANDARD' | 'HIGH_PERFORMANCE' | 'unknown')[]
  readonly compliance: readonly string[]
  readonly gpus: readonly { readonly id: string; readonly stock: GpuStock }[]
}

export const catalogueDataCenterSchema = z
  .object({
    id: z.string().min(1),
    name: z.string().catch(''),
    region: textOrNull,
    networkVolumeTypes: z.array(wordOf(['STANDARD', 'HIGH_PERFORMANCE'], 'unknown')).catch([]),
    compliance: texts,
    gpuAvailability: places,
  })
  .transform(({ networkVolumeTypes, gpuAvailability, ...rest }): CatalogueDataCenter => ({
    ...rest,
    name: rest.name === '' ? rest.id : rest.name,
    volumeTypes: networkVolumeTypes,
    gpus: gpuAvailability.map((gpu) => ({ id: gpu.id, stock: gpu.availability })),
  }))

/** Width of one line of a bill. */
export type BillingBucket = 'hour' | 'day' | 'week' | 'month' | 'year'

/** What one endpoint cost in one bucket. */
export interface ServerlessBillingRecord {
  readonly startMs: number
  readonly endMs: number
  readonly endpointId: string | null
  readonly totalMicroUsd: number
  readonly gpuMicroUsd: number
  readonly cpuMicroUsd: number
  readonly diskMicroUsd: number
  readonly feeMicroUsd: number
}

/** What one network volume cost in one bucket. */
export interface VolumeBillingRecord {
  readonly startMs: number
  readonly endMs: number
  readonly volumeId: string | null
  readonly totalMicroUsd: number
}

const part = microUsd.nullish().transform((amount) => amount ?? 0)
const span = { startTime: timeMs, endTime: timeMs, totalAmount: microUsd }

export const serverlessBillingRecordSchema = z
  .object({ ...span, serverlessId: textOrNull, gpuAmount: part, cpuAmount: part, diskAmount: part, feeAmount: part })
  .transform((record): ServerlessBillingRecord => ({
    startMs: record.startTime,
    endMs: record.endTime,
    endpointId: record.serverlessId,
    totalMicroUsd: record.totalAmount,
    gpuMicroUsd: record.gpuAmount,
    cpuMicroUsd: record.cpuAmount,
    diskMicroUsd: record.diskAmount,
    feeMicroUsd: record.feeAmount,
  }))

export const volumeBillingRecordSchema = z.object({ ...span, networkVolumeId: textOrNull }).transform((record): VolumeBillingRecord => ({
  startMs: record.startTime,
  endMs: record.endTime,
  volumeId: record.networkVolumeId,
  totalMicroUsd: record.totalAmount,
}))
