import type { RemoteFacts } from '../../../preload/contract/endpoints.ts'
import { AppError } from '../../../preload/contract/errors.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { AccountQuery } from './account-query.ts'
import type { CatalogueGpu, GpuStock } from './catalogue-replies.ts'
import type { ControlPlane } from './control-plane.ts'
import type { RemoteEndpoint } from './control-replies.ts'

const stockOrder: readonly GpuStock[] = ['high', 'medium', 'low', 'none', 'unknown']

/** What can be read about an endpoint now; what the key may not read, or a passing fault hides, is null. */
export async function describeRemote(
  { plane, account }: { readonly plane: ControlPlane; readonly account: AccountQuery },
  endpointId: string,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Promise<RemoteFacts> {
  const endpoint = await readOrNull(log, () => plane.getEndpoint(endpointId))
  const count = Math.max(1, endpoint?.gpu?.count ?? 1)
  const volumeId = endpoint?.networkVolumeIds[0] ?? null
  const [gpus, volumes, found] = await Promise.all([
    endpoint?.gpu === undefined || endpoint.gpu === null ? null : possibleGpus(log, plane, endpoint.gpu),
    volumeId === null ? null : readOrNull(log, () => plane.listVolumes()),
    account.find(),
  ])
  const volume = volumes?.find(({ id }) => id === volumeId)
  const gpu = gpus === null ? null : dearestOf(gpus)
  const places = volume === undefined ? (endpoint?.dataCenterIds ?? []) : [volume.dataCenterId]
  return {
    gpu: gpu?.name ?? null,
    gpuCount: count,
    pricePerHourMicroUsd: gpu?.pricePerHourMicroUsd === null || gpu === null ? null : gpu.pricePerHourMicroUsd * count,
    workersMax: endpoint?.workersMax ?? null,
    idleTimeoutMs: endpoint?.idleTimeoutMs ?? null,
    volumeId,
    dataCentreId: volume?.dataCenterId ?? endpoint?.dataCenterIds[0] ?? null,
    balanceMicroUsd: 'unknown' in found ? null : found.balanceMicroUsd,
    stock: gpus === null ? null : bestStock(gpus, places),
    volumeGb: volume?.sizeGb ?? null,
    hasHfToken: endpoint?.hasHfToken ?? null,
    readAtMs: clock.nowMs(),
  }
}

async function possibleGpus(
  log: Log,
  plane: ControlPlane,
  { poolIds, excludedTypeIds, count }: NonNullable<RemoteEndpoint['gpu']>,
): Promise<readonly CatalogueGpu[] | null> {
  const catalogue = await readOrNull(log, () => plane.listGpus({ gpuCount: count }))
  return catalogue?.gpus.filter((gpu) => gpu.poolId !== null && poolIds.includes(gpu.poolId) && !excludedTypeIds.includes(gpu.id)) ?? null
}

/** The dearest GPU the endpoint may start: what a run costs at most. */
function dearestOf(possible: readonly CatalogueGpu[]): CatalogueGpu | null {
  // A GPU without a price could be the dearest of all.
  const unpriced = possible.find((gpu) => gpu.pricePerHourMicroUsd === null)
  if (unpriced !== undefined) return unpriced
  return possible.toSorted((a, b) => (b.pricePerHourMicroUsd ?? 0) - (a.pricePerHourMicroUsd ?? 0))[0] ?? null
}

/** The best stock of any GPU the endpoint may start, where it may start it; null where the catalogue names neither. */
function bestStock(gpus: readonly CatalogueGpu[], places: readonly string[]): GpuStock | null {
  const stocks = new Set(
    gpus.flatMap((gpu) =>
      places.length === 0 || gpu.dataCenters.length === 0
        ? [gpu.stock]
        : gpu.dataCenters.filter(({ id }) => places.includes(id)).map(({ stock }) => stock),
    ),
  )
  return stockOrder.find((stock) => stocks.has(stock)) ?? null
}

/** What a restricted key may not read, or a passing fault, is not known; it stops nothing. */
export async function readOrNull<T>(log: Log, read: () => Promise<T>): Promise<T | null> {
  try {
    return await read()
  } catch (problem) {
    if (!(problem instanceof AppError)) throw problem
    log.info('Something about an endpoint could not be read', { code: problem.code })
    return null
  }
}
