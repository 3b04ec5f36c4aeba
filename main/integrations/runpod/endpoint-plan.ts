import type { CatalogueDataCenter, CatalogueGpu, GpuCatalogue, GpuStock } from './catalogue-replies.ts'

/** Data centres whose network volumes have the S3 interface, as documented on 2026-08-20; a head request on the bucket is the proof. */
export const s3DataCentreIds: readonly string[] = [
  'EU-CZ-1',
  'EU-RO-1',
  'EUR-IS-1',
  'EUR-NO-1',
  'US-CA-2',
  'US-GA-2',
  'US-IL-1',
  'US-KS-2',
  'US-MD-1',
  'US-MO-1',
  'US-MO-2',
  'US-NC-1',
  'US-NC-2',
  'US-NE-1',
  'US-WA-1',
]

/** List price of standard volumes; the catalogue does not tell it. */
const volumePricing = { firstGb: 1_000, perGbMonthMicroUsd: 70_000, beyondPerGbMonthMicroUsd: 50_000 }
const smallestVolumeGb = 10
const largestVolumeGb = 4_096
const bytesPerGb = 1_000_000_000
const mostPools = 3
/** A further pool may cost so much more than the first that it is still a help and not a surprise. */
const dearestFurtherPool = 1.6
const usualPlacesPerPool = 3
const stockRank: Readonly<Record<GpuStock, number>> = { none: 0, unknown: 0, low: 1, medium: 2, high: 3 }

/** What an endpoint is needed for. */
export interface EndpointNeed {
  /** Peak memory of training on one GPU. */
  readonly gpuMemoryBytes: number
  /** Base model, checkpoints, adapter and datasets together. */
  readonly volumeBytes: number
  /** The lowest CUDA version the image runs on, as in 12.8. */
  readonly minCudaVersion?: string
}

/** One way to set the endpoint up. */
export interface EndpointProposal {
  /** One to three; the first is the cheapest, the others are taken when it is full. */
  readonly poolIds: readonly string[]
  /** Types of these pools that are too small or too old. */
  readonly excludedGpuTypeIds: readonly string[]
  readonly gpuLabel: string
  readonly dataCentreId: string
  readonly dataCentreName: string
  readonly compliance: readonly string[]
  /** Of one GPU of the first pool. */
  readonly pricePerHourMicroUsd: number
  /** Of the dearest pool of the proposal. */
  readonly highestPricePerHourMicroUsd: number
  readonly pricedAtMs: number
  readonly stock: 'low' | 'medium' | 'high'
  readonly volumeGb: number
  readonly volumeType: 'STANDARD' | 'HIGH_PERFORMANCE'
  /** Null for the faster tier, whose price is not published in one list. */
  readonly volumePerMonthMicroUsd: number | null
  readonly why: string
}

interface PlanInput {
  readonly need: EndpointNeed
  readonly catalogue: GpuCatalogue
  readonly dataCentres: readonly CatalogueDataCenter[]
  readonly s3DataCentreIds?: readonly string[]
  /** How many data centres are offered per GPU pool. */
  readonly placesPerPool?: number
}

interface Pool {
  readonly id: string
  readonly label: string
  readonly memoryGb: number
  readonly pricePerHourMicroUsd: number
  readonly fitting: readonly CatalogueGpu[]
  readonly excludedTypeIds: readonly string[]
}

interface Offer {
  readonly pool: Pool
  readonly stock: 'low' | 'medium' | 'high'
}

type Place = Pick<EndpointProposal, 'volumeGb' | 'volumeType' | 'volumePerMonthMicroUsd'> & { readonly center: CatalogueDataCenter }

/** What can be set up right now: enough GPU memory, in stock, in a data centre with volumes and S3; cheapest first. */
export function proposeEndpoints({
  need,
  catalogue,
  dataCentres,
  s3DataCentreIds: withS3 = s3DataCentreIds,
  placesPerPool,
}: PlanInput): readonly EndpointProposal[] {
  const volumeGb = volumeGbFor(need.volumeBytes)
  if (volumeGb === null) return []
  const pools = poolsOf(catalogue.gpus, need)
  const proposals = dataCentres
    .filter((center) => withS3.includes(center.id))
    .flatMap((center) => {
      const place = placeOf(center, volumeGb)
      return place === null ? [] : proposalsAt(place, pools, need, catalogue.pricedAtMs)
    })
  return bestPlaces(proposals, placesPerPool ?? usualPlacesPerPool).toSorted(byPrice)
}

/** Whole GB within what RunPod sells; null when no volume is large enough. */
export function volumeGbFor(bytes: number): number | null {
  const wanted = Math.max(smallestVolumeGb, Math.ceil(bytes / bytesPerGb))
  return wanted <= largestVolumeGb ? wanted : null
}

/** What a standard network volume costs per month, used or not. */
export function volumeCostPerMonthMicroUsd(sizeGb: number): number {
  const { firstGb, perGbMonthMicroUsd, beyondPerGbMonthMicroUsd } = volumePricing
  return Math.min(sizeGb, firstGb) * perGbMonthMicroUsd + Math.max(0, sizeGb - firstGb) * beyondPerGbMonthMicroUsd
}

function poolsOf(gpus: readonly CatalogueGpu[], need: EndpointNeed): readonly Pool[] {
  const byPool = grouped(
    gpus.filter((gpu) => gpu.poolId !== null),
    (gpu) => gpu.poolId ?? '',
  )
  return [...byPool].flatMap(([id, types]) => {
    const fitting = types.filter((gpu) => isFitting(gpu, need))
    const prices = fitting.flatMap((gpu) => (gpu.pricePerHourMicroUsd === null ? [] : [gpu.pricePerHourMicroUsd]))
    // A price that is not known cannot be promised.
    if (prices.length === 0) return []
    return [
      {
        id,
        fitting,
        label: [...new Set(fitting.map((gpu) => gpu.name))].toSorted().join(' or '),
        memoryGb: Math.min(...fitting.map((gpu) => gpu.memoryGb)),
        pricePerHourMicroUsd: Math.max(...prices),
        excludedTypeIds: types.filter((gpu) => !fitting.includes(gpu)).map((gpu) => gpu.id),
      },
    ]
  })
}

/** GB are taken as 10⁹ bytes, which leaves 7 % of the card for the driver. */
function isFitting({ memoryGb, cudaVersions }: CatalogueGpu, { gpuMemoryBytes, minCudaVersion }: EndpointNeed): boolean {
  if (memoryGb * bytesPerGb < gpuMemoryBytes) return false
  if (minCudaVersion === undefined || cudaVersions.length === 0) return true
  return cudaVersions.some(({ version, isAvailable }) => isAvailable && compareVersions(version, minCudaVersion) >= 0)
}

function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => text.split('.').map(Number))
  const major = (left?.[0] ?? 0) - (right?.[0] ?? 0)
  return major === 0 ? (left?.[1] ?? 0) - (right?.[1] ?? 0) : major
}

function placeOf(center: CatalogueDataCenter, volumeGb: number): Place | null {
  if (center.volumeTypes.includes('STANDARD')) {
    return { center, volumeGb, volumeType: 'STANDARD', volumePerMonthMicroUsd: volumeCostPerMonthMicroUsd(volumeGb) }
  }
  if (center.volumeTypes.includes('HIGH_PERFORMANCE')) {
    return { center, volumeGb, volumeType: 'HIGH_PERFORMANCE', volumePerMonthMicroUsd: null }
  }
  return null
}

function proposalsAt(place: Place, pools: readonly Pool[], need: EndpointNeed, pricedAtMs: number): readonly EndpointProposal[] {
  const offers = pools
    .flatMap((pool): readonly Offer[] => {
      const stock = stockAt(pool, place.center.id)
      return stock === null ? [] : [{ pool, stock }]
    })
    .toSorted((a, b) => a.pool.pricePerHourMicroUsd - b.pool.pricePerHourMicroUsd || a.pool.id.localeCompare(b.pool.id))
  return offers.map((first, index) => {
    const highest = first.pool.pricePerHourMicroUsd * dearestFurtherPool
    const further = offers.slice(index + 1).filter(({ pool }) => pool.pricePerHourMicroUsd <= highest)
    return proposal(place, first, further.slice(0, mostPools - 1), need, pricedAtMs)
  })
}

function stockAt({ fitting }: Pool, dataCentreId: string): Offer['stock'] | null {
  const stocks = fitting.flatMap((gpu) => gpu.dataCenters.filter((center) => center.id === dataCentreId).map((center) => center.stock))
  const best = stocks.toSorted((a, b) => stockRank[b] - stockRank[a])[0]
  return best === 'low' || best === 'medium' || best === 'high' ? best : null
}

function proposal(
  { center, ...volume }: Place,
  first: Offer,
  further: readonly Offer[],
  need: EndpointNeed,
  pricedAtMs: number,
): EndpointProposal {
  const pools = [first.pool, ...further.map((offer) => offer.pool)]
  const needGb = Math.ceil(need.gpuMemoryBytes / bytesPerGb)
  const others = further.length === 0 ? '' : ` If it is taken, ${further.map((offer) => offer.pool.label).join(' or ')} is used.`
  return {
    ...volume,
    poolIds: pools.map((pool) => pool.id),
    excludedGpuTypeIds: pools.flatMap((pool) => pool.excludedTypeIds),
    gpuLabel: first.pool.label,
    dataCentreId: center.id,
    dataCentreName: center.name,
    compliance: center.compliance,
    pricePerHourMicroUsd: first.pool.pricePerHourMicroUsd,
    highestPricePerHourMicroUsd: Math.max(...pools.map((pool) => pool.pricePerHourMicroUsd)),
    pricedAtMs,
    stock: first.stock,
    why: `${first.pool.memoryGb} GB of GPU memory for the ${needGb} GB needed; stock in ${center.id} is ${first.stock}.${others}`,
  }
}

/** Keeps the data centres with the most stock of each first pool, so that one cheap GPU does not fill the list. */
function bestPlaces(proposals: readonly EndpointProposal[], places: number): readonly EndpointProposal[] {
  const byPool = grouped(proposals, (candidate) => candidate.poolIds[0] ?? '')
  return [...byPool.values()].flatMap((group) => group.toSorted(byStock).slice(0, places))
}

function grouped<T>(items: readonly T[], keyOf: (item: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const group = groups.get(keyOf(item))
    if (group === undefined) groups.set(keyOf(item), [item])
    else group.push(item)
  }
  return groups
}

function byStock(a: EndpointProposal, b: EndpointProposal): number {
  const isStandard = (candidate: EndpointProposal) => (candidate.volumeType === 'STANDARD' ? 1 : 0)
  return stockRank[b.stock] - stockRank[a.stock] || isStandard(b) - isStandard(a) || a.dataCentreId.localeCompare(b.dataCentreId)
}

function byPrice(a: EndpointProposal, b: EndpointProposal): number {
  return a.pricePerHourMicroUsd - b.pricePerHourMicroUsd || byStock(a, b)
}
