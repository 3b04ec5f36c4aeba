import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { CatalogueDataCenter, CatalogueGpu, GpuStock } from '../../../../main/integrations/runpod/catalogue-replies.ts'
import {
  proposeEndpoints,
  s3DataCentreIds,
  volumeCostPerMonthMicroUsd,
  volumeGbFor,
} from '../../../../main/integrations/runpod/endpoint-plan.ts'

const pricedAtMs = 1_780_000_000_000
const gb = 1_000_000_000
const gpu = (
  name: string,
  poolId: string | null,
  memoryGb: number,
  dollars: number | null,
  places: Readonly<Record<string, GpuStock>>,
  cuda: readonly string[] = ['12.8'],
): CatalogueGpu => ({
  id: `NVIDIA ${name}`,
  name,
  poolId,
  memoryGb,
  pricePerHourMicroUsd: dollars === null ? null : dollars * 1_000_000,
  stock: 'high',
  dataCenters: Object.entries(places).map(([id, stock]) => ({ id, stock })),
  cudaVersions: cuda.map((version) => ({ version, isAvailable: true })),
})
const center = (id: string, volumeTypes: CatalogueDataCenter['volumeTypes'] = ['STANDARD']): CatalogueDataCenter => ({
  id,
  name: id,
  region: null,
  volumeTypes,
  compliance: ['GDPR'],
  gpus: [],
})
const need = { gpuMemoryBytes: 20 * gb, volumeBytes: 60 * gb }
const plan = (gpus: readonly CatalogueGpu[], dataCentres: readonly CatalogueDataCenter[], changes: object = {}) =>
  proposeEndpoints({ need: { ...need, ...changes }, catalogue: { gpus, pricedAtMs }, dataCentres })

describe('proposals for an endpoint', () => {
  it('offers what has memory, stock, volumes and S3, cheapest first, with a fall-back', () => {
    const gpus = [
      gpu('A4000', 'AMPERE_16', 16, 0.5, { 'EU-RO-1': 'high' }),
      gpu('4090', 'ADA_24', 24, 1.1, { 'EU-RO-1': 'low', 'US-KS-2': 'high' }),
      gpu('L4', 'AMPERE_24', 24, 0.75, { 'EU-RO-1': 'medium' }),
      gpu('H100', 'ADA_80_PRO', 80, 4, { 'EU-RO-1': 'high' }),
    ]
    const proposals = plan(gpus, [center('EU-RO-1'), center('US-KS-2')])
    expect(proposals.map(({ poolIds, dataCentreId, stock }) => [poolIds, dataCentreId, stock])).toEqual([
      [['AMPERE_24', 'ADA_24'], 'EU-RO-1', 'medium'],
      [['ADA_24'], 'US-KS-2', 'high'],
      [['ADA_24'], 'EU-RO-1', 'low'],
      [['ADA_80_PRO'], 'EU-RO-1', 'high'],
    ])
    expect(proposals[0]).toEqual({
      poolIds: ['AMPERE_24', 'ADA_24'],
      excludedGpuTypeIds: [],
      gpuLabel: 'L4',
      dataCentreId: 'EU-RO-1',
      dataCentreName: 'EU-RO-1',
      compliance: ['GDPR'],
      pricePerHourMicroUsd: 750_000,
      highestPricePerHourMicroUsd: 1_100_000,
      pricedAtMs,
      stock: 'medium',
      volumeGb: 60,
      volumeType: 'STANDARD',
      volumePerMonthMicroUsd: 4_200_000,
      why: '24 GB of GPU memory for the 20 GB needed; stock in EU-RO-1 is medium. If it is taken, 4090 is used.',
    })
  })

  it('excludes the cards of a pool that are too small, since a worker may land on any of them', () => {
    const gpus = [gpu('A4500', 'AMPERE_16', 20, 0.6, { 'EU-RO-1': 'high' }), gpu('A4000', 'AMPERE_16', 16, 0.6, { 'EU-RO-1': 'high' })]
    expect(plan(gpus, [center('EU-RO-1')])).toMatchObject([
      { poolIds: ['AMPERE_16'], excludedGpuTypeIds: ['NVIDIA A4000'], gpuLabel: 'A4500' },
    ])
  })

  it('compares CUDA versions as numbers: 12.11 is above 12.8', () => {
    const gpus = [gpu('new', 'P1', 24, 1, { 'EU-RO-1': 'high' }, ['12.11']), gpu('old', 'P2', 24, 1, { 'EU-RO-1': 'high' }, ['12.4'])]
    expect(plan(gpus, [center('EU-RO-1')], { minCudaVersion: '12.8' }).map(({ poolIds }) => poolIds)).toEqual([['P1']])
  })

  it.each<[string, CatalogueGpu, CatalogueDataCenter]>([
    ['is out of stock', gpu('x', 'P', 24, 1, { 'EU-RO-1': 'none' }), center('EU-RO-1')],
    ['has a stock nobody knows', gpu('x', 'P', 24, 1, { 'EU-RO-1': 'unknown' }), center('EU-RO-1')],
    ['is not for serverless', gpu('x', null, 24, 1, { 'EU-RO-1': 'high' }), center('EU-RO-1')],
    ['has no price', gpu('x', 'P', 24, null, { 'EU-RO-1': 'high' }), center('EU-RO-1')],
    ['is where there is no S3', gpu('x', 'P', 24, 1, { 'OC-AU-1': 'high' }), center('OC-AU-1')],
    ['is where there are no volumes', gpu('x', 'P', 24, 1, { 'EU-RO-1': 'high' }), center('EU-RO-1', [])],
    ['is elsewhere', gpu('x', 'P', 24, 1, { 'US-KS-2': 'high' }), center('EU-RO-1')],
  ])('does not offer a GPU that %s', (_name, some, place) => {
    expect(plan([some], [place])).toEqual([])
  })

  it('names no price for the faster volumes, whose price is not published in one list', () => {
    const [offer] = plan([gpu('x', 'P', 24, 1, { 'EU-RO-1': 'high' })], [center('EU-RO-1', ['HIGH_PERFORMANCE'])])
    expect(offer).toMatchObject({ volumeType: 'HIGH_PERFORMANCE', volumePerMonthMicroUsd: null })
  })

  it('one cheap GPU in every data centre does not fill the list', () => {
    const everywhere = Object.fromEntries(s3DataCentreIds.map((id) => [id, 'high' as const]))
    expect(
      plan(
        [gpu('x', 'P', 24, 1, everywhere)],
        s3DataCentreIds.map((id) => center(id)),
      ),
    ).toHaveLength(3)
  })

  it('a volume is at least 10 GB, at most 4096 GB, and cheaper above 1 TB', () => {
    expect([volumeGbFor(1), volumeGbFor(60 * gb + 1), volumeGbFor(4096 * gb), volumeGbFor(4097 * gb)]).toEqual([10, 61, 4096, null])
    expect([volumeCostPerMonthMicroUsd(10), volumeCostPerMonthMicroUsd(1_001)]).toEqual([700_000, 70_050_000])
    expect(plan([gpu('x', 'P', 24, 1, { 'EU-RO-1': 'high' })], [center('EU-RO-1')], { volumeBytes: 5_000 * gb })).toEqual([])
  })

  it('whatever the catalogue, every proposal can be kept', () => {
    const ids = [...s3DataCentreIds.slice(0, 3), 'OC-AU-1']
    const stock = fc.constantFrom<GpuStock>('none', 'low', 'medium', 'high', 'unknown')
    const gpus = fc.array(
      fc
        .record({
          name: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
          pool: fc.constantFrom('P1', 'P2', 'P3', 'P4', null),
          memory: fc.integer({ min: 8, max: 40 }),
          dollars: fc.option(fc.integer({ min: 1, max: 9 })),
          places: fc.dictionary(fc.constantFrom(...ids), stock),
        })
        .map(({ name, pool, memory, dollars, places }) => gpu(name, pool, memory, dollars, places)),
      { maxLength: 12 },
    )
    fc.assert(
      fc.property(gpus, (some) => {
        const proposals = plan(
          some,
          ids.map((id) => center(id)),
        )
        const prices = proposals.map((offer) => offer.pricePerHourMicroUsd)
        expect(prices).toEqual(prices.toSorted((a, b) => a - b))
        for (const offer of proposals) {
          expect(offer.dataCentreId).not.toBe('OC-AU-1')
          expect(new Set(offer.poolIds).size).toBe(offer.poolIds.length)
          expect(offer.poolIds.length).toBeLessThanOrEqual(3)
          const possible = some.filter((type) => offer.poolIds.includes(type.poolId ?? '') && !offer.excludedGpuTypeIds.includes(type.id))
          for (const type of possible) expect(type.memoryGb).toBeGreaterThanOrEqual(20)
          for (const type of possible) expect(type.pricePerHourMicroUsd ?? 0).toBeLessThanOrEqual(offer.highestPricePerHourMicroUsd)
        }
      }),
      { seed: 71, numRuns: 200 },
    )
  })
})
