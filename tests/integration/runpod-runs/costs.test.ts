import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startRunpodCloud, type RunpodCloud } from '../../support/runpod-cloud/cloud.ts'
import { openCloudApp, type CloudApp } from '../../support/runs/cloud-app.ts'

const price = 3_600_000
let cloud: RunpodCloud
let remoteId: string
let volumeId: string
let app: CloudApp
let folder: string

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tunesmith-cloud-'))
  cloud = await startRunpodCloud({ stateFolder: folder, clock: { kind: 'standing' }, startMs: 1_800_000_000_000 })
  await cloud.control.setPrice({ pool: 'ADA_24', microUsdPerHour: price })
  ;({ endpointId: remoteId, volumeId } = await cloud.control.createEndpoint({}))
})

afterEach(async () => {
  await app.quit()
  await cloud.stop()
  app.remove()
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
})

/** A run to its end, and the cloud some hours later, so that its worker is gone and billed. */
async function trainOnce(way: { volumeId?: string }): Promise<string> {
  app = openCloudApp({ addresses: cloud.addresses, remoteId, priceMicroUsdPerHour: price, ...way })
  const { id } = await app.start()
  expect((await app.ended(id)).status).toBe('completed')
  await cloud.control.advance({ ms: 6 * 3_600_000 })
  return id
}

const billed = async () => (await cloud.control.truth({})).billedByEndpoint[remoteId] ?? 0

describe('the bill of RunPod beside the runs', () => {
  it('reading it twice, or after a restart, would charge it twice; and the storage of the volume would be missing', async () => {
    const runId = await trainOnce({ volumeId })
    await app.bills.readNow()
    const before = app.costs.overview('all')
    expect(before.entries.filter((entry) => entry.runId === runId && entry.type === 'training_compute')).toHaveLength(1)
    expect(before.comparisons.reduce((sum, { billedMicroUsd }) => sum + billedMicroUsd, 0)).toBe(await billed())
    expect(before.storageMicroUsd).toBeGreaterThan(0)
    expect(before.checks).toMatchObject([
      { subject: 'endpoint', problem: null },
      { subject: 'volume', problem: null },
    ])
    await cloud.control.setBilling({ isDoubled: true })
    await app.bills.readNow()
    expect(app.costs.overview('all')).toMatchObject({ totalMicroUsd: before.totalMicroUsd, otherMicroUsd: before.otherMicroUsd })
    await app.quit()
    app = openCloudApp({ addresses: cloud.addresses, remoteId, priceMicroUsdPerHour: price, folder: app.home, volumeId })
    await app.bills.readNow()
    expect(app.costs.overview('all').totalMicroUsd).toBe(before.totalMicroUsd)
  })

  it('a bill that lags would lower what the runs were computed to cost', async () => {
    await cloud.control.setBilling({ lagMs: 12 * 3_600_000 })
    await trainOnce({ volumeId })
    const computed = app.costs.overview('all').runsMicroUsd
    await app.bills.readNow()
    expect(app.costs.overview('all')).toMatchObject({ runsMicroUsd: computed, otherMicroUsd: 0 })
    await cloud.control.setBilling({ lagMs: 0 })
    await app.bills.readNow()
    const { comparisons } = app.costs.overview('all')
    expect(comparisons.reduce((sum, { billedMicroUsd }) => sum + billedMicroUsd, 0)).toBe(await billed())
  })

  it('a key that may not read the bill would end the runs, or look as if nothing was billed', async () => {
    await trainOnce({ volumeId })
    const before = app.costs.overview('all').totalMicroUsd
    await cloud.control.setKeys({ keys: [{ token: cloud.addresses.apiKey, scopes: ['jobs'] }] })
    await app.bills.readNow()
    const { checks, comparisons, totalMicroUsd } = app.costs.overview('all')
    expect(checks.map(({ problem, readAtMs }) => [problem?.code, readAtMs])).toEqual([
      ['ENDPOINT_REFUSED', null],
      ['ENDPOINT_REFUSED', null],
    ])
    expect({ comparisons, totalMicroUsd }).toEqual({ comparisons: [], totalMicroUsd: before })
  })

  it('files that travel as jobs would be free in the app', async () => {
    const runId = await trainOnce({})
    const transfers = app.costs.list({ fromMs: null, toMs: null }).records.filter(({ type }) => type === 'transfer')
    expect(transfers.length).toBeGreaterThan(0)
    expect(transfers.some((record) => record.runId === runId)).toBe(true)
    expect(transfers.every(({ amountMicroUsd }) => amountMicroUsd !== null)).toBe(true)
  })
})

describe('the budget of the month', () => {
  it('a run would go on when the month is used up by others, or would lose its adapter', async () => {
    app = openCloudApp({ addresses: cloud.addresses, remoteId, priceMicroUsdPerHour: price, volumeId })
    app.month.budgetMicroUsd = 50_000_000
    await cloud.control.addFault({ operation: 'job.train', effect: { kind: 'hold', at: 3 } })
    const { id } = await app.start({ budgetMicroUsd: 40_000_000 })
    await cloud.control.whenHeld({ runId: id })
    await app.until(() => app.eventTypes(id).includes('job_started'))
    expect(app.costs.month()).toMatchObject({ budgetMicroUsd: 50_000_000, leftMicroUsd: 10_000_000 })
    // The user lowers it to less than the run has cost already.
    app.month.budgetMicroUsd = 10_000
    await app.until(() => app.runs.get(id).stopRequested === 'keep')
    expect(app.notices).toContain("The month's budget is used up")
    await cloud.control.release({ runId: '*' })
    expect(await app.ended(id)).toMatchObject({ status: 'cancelled', error: null })
    expect(app.adapters()).toMatchObject([{ runId: id, status: 'verified' }])
  })

  it('the worker would be told of no limit but the run’s own', async () => {
    app = openCloudApp({ addresses: cloud.addresses, remoteId, priceMicroUsdPerHour: price, volumeId })
    app.month.budgetMicroUsd = 60_000_000
    const { id } = await app.start()
    expect(app.runs.get(id).meter).toMatchObject({ capMicroUsd: 60_000_000, priceMicroUsdPerHour: price })
    expect(app.costs.month().leftMicroUsd).toBe(0)
    await expect(app.start({ budgetMicroUsd: 1_000_000 })).rejects.toMatchObject({ code: 'RUN_CONFIG_INVALID' })
    await app.ended(id)
    expect(app.costs.month()).toMatchObject({ committedMicroUsd: 0 })
  })
})

describe('a laptop that was asleep while the run ended', () => {
  it('the run would be charged for the days until it was opened again', async () => {
    app = openCloudApp({ addresses: cloud.addresses, remoteId, priceMicroUsdPerHour: price, volumeId })
    await cloud.control.addFault({ operation: 'job.train', effect: { kind: 'hold', at: 3 } })
    const { id } = await app.start()
    await cloud.control.whenHeld({ runId: id })
    await app.until(() => app.eventTypes(id).includes('job_started'))
    await app.quit()
    await cloud.control.release({ runId: '*' })
    await cloud.control.quiet({})
    // The app's time goes on while it is closed.
    const closedAtMs = app.clock.nowMs()
    await app.until(() => app.clock.nowMs() > closedAtMs + 5 * 60_000)
    app = openCloudApp({ addresses: cloud.addresses, remoteId, priceMicroUsdPerHour: price, folder: app.home, volumeId })
    app.runs.resumeAll()
    const run = await app.ended(id)
    expect(run.status).toBe('completed')
    const [record] = app.costs.list({ fromMs: null, toMs: null }).records
    expect(run.endedAtMs ?? 0).toBeGreaterThan(closedAtMs + 5 * 60_000)
    expect(record?.span?.toMs ?? Number.POSITIVE_INFINITY).toBeLessThan(closedAtMs + 4 * 60_000)
    expect(record?.amountMicroUsd ?? Number.POSITIVE_INFINITY).toBeLessThan(4 * 60_000_000)
  })
})
