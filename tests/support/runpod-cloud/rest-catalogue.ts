import { billingRecords, isBucketSize, volumeBillingRecords } from './billing.ts'
import { cudaVersions, dataCentres, gpuTypes } from './catalogue.ts'
import type { CloudState } from './cloud-state.ts'
import { bestStock, priceOf, stockOf } from './market.ts'
import { problem, type RestRoute } from './rest-router.ts'

const dayMs = 86_400_000
const usd = (microUsd: number): number => microUsd / 1_000_000

/** GPUs with prices and stock, data centres, and the bill over REST v2. */
export function catalogueRoutes(state: CloudState, nowMs: () => number): readonly RestRoute[] {
  return [
    {
      name: 'catalog.gpus',
      method: 'GET',
      path: 'catalog/gpus',
      scope: 'read',
      handle: ({ exchange }) => ({ status: 200, body: { gpus: gpuList(state, exchange.query.get('include') === 'AVAILABILITY') } }),
    },
    {
      name: 'catalog.datacenters',
      method: 'GET',
      path: 'catalog/datacenters',
      scope: 'read',
      handle: ({ exchange }) => ({
        status: 200,
        body: { dataCenters: centreList(state, exchange.query.get('include') === 'GPU_AVAILABILITY') },
      }),
    },
    {
      name: 'billing.serverless',
      method: 'GET',
      path: 'billing/serverless',
      scope: 'read',
      handle: ({ exchange }) => bill(state, exchange.query, nowMs()),
    },
    {
      name: 'billing.network-volumes',
      method: 'GET',
      path: 'billing/network-volumes',
      scope: 'read',
      handle: ({ exchange }) => volumeBill(state, exchange.query, nowMs()),
    },
  ]
}

function gpuList(state: CloudState, withStock: boolean): unknown[] {
  return gpuTypes.map((gpu) => {
    const serverless = usd(priceOf(state, gpu))
    const price = { secure: Math.round(serverless * 80) / 100, community: Math.round(serverless * 60) / 100, serverless }
    const stock = {
      availability: bestStock(state, gpu),
      dataCenters: dataCentres.map((centre) => ({ id: centre.id, availability: stockOf(state, gpu, centre.id) })),
    }
    return { id: gpu.id, name: gpu.name, pool: gpu.pool, memory: gpu.memoryGb, price, cudaVersions, ...(withStock ? stock : {}) }
  })
}

function centreList(state: CloudState, withStock: boolean): unknown[] {
  return dataCentres.map(({ id, name, location, networkVolumeTypes }) => {
    const gpuAvailability = withStock ? gpuTypes.map((gpu) => ({ id: gpu.id, availability: stockOf(state, gpu, id) })) : undefined
    return { id, name, location, networkVolumeTypes, gpuAvailability }
  })
}

function bill(state: CloudState, query: URLSearchParams, nowMs: number) {
  const size = query.get('bucketSize') ?? 'day'
  if (!isBucketSize(size)) return problem(400, 'Bad Request', `unknown bucketSize ${size}`)
  const start = query.get('startTime')
  const end = query.get('endTime')
  const fromMs = start === null ? nowMs - 30 * dayMs : Date.parse(start)
  const toMs = Math.min(nowMs - state.billing.lagMs, end === null ? nowMs : Date.parse(end))
  const endpointId = query.get('serverlessId')
  const workers = state.workers.filter((worker) => endpointId === null || worker.endpointId === endpointId)
  const all = billingRecords(workers, size, fromMs, toMs)
  const lastN = Number(query.get('lastN') ?? all.length)
  const kept = all.slice(Math.max(0, all.length - lastN))
  const records = state.billing.isDoubled ? [...kept, ...kept] : kept
  const total = records.reduce((sum, record) => sum + record.amountMicroUsd, 0)
  const amounts = (microUsd: number) => ({
    totalAmount: usd(microUsd),
    gpuAmount: usd(microUsd),
    cpuAmount: 0,
    diskAmount: 0,
    feeAmount: 0,
  })
  return {
    status: 200,
    body: {
      records: records.map((record) =>
        Object.assign(amounts(record.amountMicroUsd), {
          startTime: new Date(record.startMs).toISOString(),
          endTime: new Date(record.endMs).toISOString(),
          serverlessId: record.endpointId,
        }),
      ),
      metadata: { totals: amounts(total) },
    },
  }
}

function volumeBill(state: CloudState, query: URLSearchParams, nowMs: number) {
  const start = query.get('startTime')
  const fromMs = start === null ? nowMs - 30 * dayMs : Date.parse(start)
  const volumes = state.volumes.filter(({ id }) => query.get('networkVolumeId') === null || id === query.get('networkVolumeId'))
  const records = volumes.flatMap((volume) =>
    volumeBillingRecords(volume, fromMs, nowMs - state.billing.lagMs).map(({ startMs, endMs, amountMicroUsd }) => ({
      totalAmount: usd(amountMicroUsd),
      startTime: new Date(startMs).toISOString(),
      endTime: new Date(endMs).toISOString(),
      networkVolumeId: volume.id,
    })),
  )
  return {
    status: 200,
    body: { records, metadata: { totals: { totalAmount: records.reduce((sum, { totalAmount }) => sum + totalAmount, 0) } } },
  }
}
