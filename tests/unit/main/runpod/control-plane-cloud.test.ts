import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createAccountQuery } from '../../../../main/integrations/runpod/account-query.ts'
import { createControlPlane } from '../../../../main/integrations/runpod/control-plane.ts'
import { createJobClient } from '../../../../main/integrations/runpod/job-client.ts'
import { diagnoseQueue } from '../../../../main/integrations/runpod/queue-diagnosis.ts'
import { systemClock } from '../../../../main/lib/clock.ts'
import { silentLog } from '../../../../main/lib/log.ts'
import { startRunpodCloud, type RunpodCloud } from '../../../support/runpod-cloud/cloud.ts'

const policy = { executionTimeoutMs: 3_600_000, ttlMs: 86_400_000 }

describe('control plane against the stand-in of the cloud', () => {
  let cloud: RunpodCloud
  let folder: string
  let made: { endpointId: string; volumeId: string }

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tunesmith-plane-'))
    cloud = await startRunpodCloud({ stateFolder: folder, clock: { kind: 'standing' }, startMs: 1_800_000_000_000 })
    made = await cloud.control.createEndpoint({ echo: true })
  })
  afterEach(async () => {
    await cloud.stop()
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  })

  const base = (apiKey = cloud.addresses.apiKey) => ({
    apiKey: () => apiKey,
    clock: systemClock,
    log: silentLog,
    userAgent: 'Tunesmith-test',
  })
  const plane = (apiKey?: string) => createControlPlane({ ...base(apiKey), baseUrl: cloud.addresses.rest })
  const jobs = () => createJobClient({ ...base(), baseUrl: `${cloud.addresses.jobs}/${made.endpointId}` })
  const diagnose = async () => {
    const [health, workers, endpoint] = await Promise.all([
      jobs().health(),
      plane().listWorkers(made.endpointId),
      plane().getEndpoint(made.endpointId),
    ])
    const first = workers[0]
    const logTail = first === undefined ? [] : await plane().workerLogLines(made.endpointId, first.id, { maxLines: 1 })
    return diagnoseQueue({ queuedMs: 90_000, health, workers, workersMax: endpoint.workersMax, logTail })
  }

  it('an endpoint scaled down for idleness is revived, and its waiting job starts', async () => {
    await cloud.control.setMaxWorkers({ endpointId: made.endpointId, max: 0 })
    const { jobId } = await jobs().run({ hello: 1 }, policy)
    await cloud.control.quiet({})
    expect(await diagnose()).toMatchObject({ cause: 'max_zero' })
    expect(await plane().updateEndpoint(made.endpointId, { workersMax: 1 })).toMatchObject({
      id: made.endpointId,
      workersMax: 1,
      workersMin: 0,
    })
    await cloud.control.quiet({})
    expect(await jobs().status(jobId)).toMatchObject({ status: 'COMPLETED' })
    expect(await plane().getEndpoint(made.endpointId)).toMatchObject({
      workersMax: 1,
      idleTimeoutMs: 5_000,
      timeoutMs: 600_000,
      networkVolumeIds: [made.volumeId],
      gpu: { poolIds: ['ADA_24'] },
    })
  })

  it.each([
    ['throttled', 'throttled'],
    ['unhealthy', 'crash_loop'],
    ['initializing', 'pulling_image'],
  ] as const)('a worker stuck as %s is told apart', async (stuckAs, cause) => {
    await cloud.control.setWorkers({ endpointId: made.endpointId, stuckAs })
    await jobs().run({ hello: 1 }, policy)
    await cloud.control.quiet({})
    const found = await diagnose()
    expect(found).toMatchObject({ cause })
    expect(found.lines.length).toBeGreaterThan(0)
  })

  it('volumes, prices, workers and the bill agree with what the cloud says is true', async () => {
    expect(await plane().listVolumes()).toMatchObject([{ id: made.volumeId, sizeGb: 100, dataCenterId: 'EU-RO-1', type: 'STANDARD' }])
    const { gpus } = await plane().listGpus()
    const card = gpus.find((gpu) => gpu.id === 'NVIDIA GeForce RTX 4090')
    expect(card).toMatchObject({ poolId: 'ADA_24', name: 'RTX 4090', memoryGb: 24, pricePerHourMicroUsd: 1_120_000, stock: 'high' })
    await jobs().run({ hello: 1 }, policy)
    await cloud.control.quiet({})
    expect(await plane().listWorkers(made.endpointId)).toMatchObject([{ status: 'idle', gpuTypeId: card?.id, dataCenterId: 'EU-RO-1' }])
    await cloud.control.advance({ ms: 60_000 })
    expect(await plane().listWorkers(made.endpointId)).toEqual([])
    const { nowMs } = await cloud.control.now({})
    const records = await plane().serverlessBilling({ endpointId: made.endpointId, bucket: 'hour', fromMs: nowMs - 3_600_000, toMs: nowMs })
    const billed = (await cloud.control.truth({})).billedMicroUsd
    expect(billed).toBeGreaterThan(0)
    expect(records.reduce((sum, record) => sum + record.totalMicroUsd, 0)).toBe(billed)
  })

  it('what a narrow key may not read is refused in words, and the balance is unknown', async () => {
    const token = 'rpa_NARROWNARROWNARROW'
    await cloud.control.setKeys({
      keys: [
        { token, scopes: ['jobs'] },
        { token: cloud.addresses.apiKey, scopes: ['jobs', 'read', 'balance'] },
      ],
    })
    await expect(plane(token).listWorkers(made.endpointId)).rejects.toMatchObject({ code: 'ENDPOINT_REFUSED', details: { status: 403 } })
    await expect(plane().updateEndpoint(made.endpointId, { workersMax: 1 })).rejects.toMatchObject({ code: 'ENDPOINT_REFUSED' })
    const account = (key: string) => createAccountQuery({ ...base(key), url: cloud.addresses.graphql })
    expect(await account(token).find()).toMatchObject({ unknown: 'not_allowed' })
    expect(await account('rpa_NEVERNEVERNEVER').find()).toMatchObject({ unknown: 'refused' })
    expect(await account(cloud.addresses.apiKey).find()).toMatchObject({ userId: 'user_2cloudfortests', balanceMicroUsd: 50_000_000 })
  })

  it('a change whose answer is lost is made once more and is the same', async () => {
    await cloud.control.addFault({ operation: 'rest.serverless.update', effect: { kind: 'reset_after' } })
    expect(await plane().updateEndpoint(made.endpointId, { timeoutMs: 7_200_000 })).toMatchObject({ timeoutMs: 7_200_000 })
  })

  it('half an answer is not taken for a whole one', async () => {
    await cloud.control.addFault({ operation: 'rest.serverless.get', effect: { kind: 'cut_short' } })
    await expect(plane().getEndpoint(made.endpointId)).rejects.toMatchObject({ code: 'RUNPOD_REPLY_INVALID', retryable: true })
  })
})
