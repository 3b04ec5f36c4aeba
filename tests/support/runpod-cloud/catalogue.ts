/** One GPU type as the cloud's catalogue knows it. */
export interface GpuType {
  readonly id: string
  readonly name: string
  readonly pool: string
  readonly memoryGb: number
  /** List price per GPU-hour on serverless, unless a test sets another. */
  readonly priceMicroUsdPerHour: number
}

/** How much of a GPU a data centre has. */
export type Stock = 'NONE' | 'LOW' | 'MEDIUM' | 'HIGH'

const gpu = (id: string, name: string, pool: string, memoryGb: number, dollars: number): GpuType => ({
  id,
  name,
  pool,
  memoryGb,
  priceMicroUsdPerHour: Math.round(dollars * 1_000_000),
})

/** What can be rented; prices are the published list of summer 2026. */
export const gpuTypes: readonly GpuType[] = [
  gpu('NVIDIA RTX A4000', 'RTX A4000', 'AMPERE_16', 16, 0.58),
  gpu('NVIDIA L4', 'L4', 'AMPERE_24', 24, 0.68),
  gpu('NVIDIA GeForce RTX 4090', 'RTX 4090', 'ADA_24', 24, 1.12),
  gpu('NVIDIA GeForce RTX 5090', 'RTX 5090', 'ADA_32_PRO', 32, 1.58),
  gpu('NVIDIA A40', 'A40', 'AMPERE_48', 48, 1.22),
  gpu('NVIDIA L40', 'L40', 'ADA_48_PRO', 48, 1.91),
  gpu('NVIDIA L40S', 'L40S', 'ADA_48_PRO', 48, 1.91),
  gpu('NVIDIA A100 80GB PCIe', 'A100 PCIe', 'AMPERE_80', 80, 2.74),
  gpu('NVIDIA H100 80GB HBM3', 'H100 SXM', 'ADA_80_PRO', 80, 4.18),
  gpu('NVIDIA H200', 'H200 SXM', 'HOPPER_141', 141, 5.58),
  gpu('NVIDIA B200', 'B200', 'BLACKWELL_180', 180, 8.64),
]

/** One place with GPUs. */
export interface DataCentre {
  readonly id: string
  readonly name: string
  readonly location: string
  readonly hasS3: boolean
  readonly networkVolumeTypes: readonly string[]
}

const centre = (id: string, location: string, hasS3 = true): DataCentre => ({
  id,
  name: id,
  location,
  hasS3,
  networkVolumeTypes: hasS3 ? ['STANDARD', 'HIGH_PERFORMANCE'] : [],
})

/** Where it can be rented; the last one has neither volumes nor S3. */
export const dataCentres: readonly DataCentre[] = [
  centre('EU-CZ-1', 'Czech Republic'),
  centre('EU-RO-1', 'Romania'),
  centre('EUR-IS-1', 'Iceland'),
  centre('US-KS-2', 'Kansas'),
  centre('US-CA-2', 'California'),
  centre('OC-AU-1', 'Australia', false),
]

/** Stock without a test's say: everything everywhere. */
export const usualStock: Stock = 'HIGH'
export const cudaVersions = ['12.4', '12.6', '12.8', '12.9'] as const
