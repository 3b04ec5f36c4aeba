import { dataCentres, gpuTypes, usualStock, type GpuType, type Stock } from './catalogue.ts'
import type { CloudState, EndpointRecord } from './cloud-state.ts'

const stockRank: Readonly<Record<Stock, number>> = { NONE: 0, LOW: 1, MEDIUM: 2, HIGH: 3 }

/** What a GPU costs per hour now. */
export function priceOf(state: CloudState, gpu: GpuType): number {
  return state.prices[gpu.pool] ?? gpu.priceMicroUsdPerHour
}

/** How much of a GPU one data centre has now; a test may set it for the pair, the GPU, the pool or the place. */
export function stockOf(state: CloudState, gpu: GpuType, dataCenterId: string): Stock {
  const { stock } = state
  return stock[`${gpu.id}@${dataCenterId}`] ?? stock[gpu.id] ?? stock[gpu.pool] ?? stock[dataCenterId] ?? usualStock
}

/** The best stock of a GPU anywhere. */
export function bestStock(state: CloudState, gpu: GpuType): Stock {
  const all = dataCentres.map((centre) => stockOf(state, gpu, centre.id))
  return all.toSorted((a, b) => stockRank[b] - stockRank[a])[0] ?? 'NONE'
}

/** GPU and place that an endpoint's next worker gets; `isThrottled` when nothing of what it accepts is free. */
export function place(state: CloudState, endpoint: EndpointRecord): { gpu: GpuType; dataCenterId: string; isThrottled: boolean } | null {
  const { pools, excludedTypes } = endpoint.gpu
  const accepted = pools.flatMap((pool) => gpuTypes.filter((gpu) => gpu.pool === pool && !excludedTypes.includes(gpu.id)))
  const volumePlaces = state.volumes.filter((volume) => endpoint.networkVolumes.includes(volume.id)).map((volume) => volume.dataCenter)
  const named = endpoint.dataCenterIds.length > 0 ? endpoint.dataCenterIds : dataCentres.map((centre) => centre.id)
  const places = volumePlaces.length > 0 ? named.filter((id) => volumePlaces.includes(id)) : named
  const offers = accepted.flatMap((gpu) => places.map((dataCenterId) => ({ gpu, dataCenterId })))
  const free = offers.find(({ gpu, dataCenterId }) => stockOf(state, gpu, dataCenterId) !== 'NONE')
  const first = free ?? offers[0]
  return first === undefined ? null : { ...first, isThrottled: free === undefined }
}
