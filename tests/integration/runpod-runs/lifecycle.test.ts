import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startRunpodCloud, type RunpodCloud } from '../../support/runpod-cloud/cloud.ts'
import { openCloudApp, type CloudApp } from '../../support/runs/cloud-app.ts'

let cloud: RunpodCloud
let remoteId: string
let volumeId: string
let app: CloudApp
let folder: string

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tunesmith-cloud-'))
  cloud = await startRunpodCloud({ stateFolder: folder, clock: { kind: 'standing' }, startMs: 1_800_000_000_000 })
  const made = await cloud.control.createEndpoint({})
  remoteId = made.endpointId
  volumeId = made.volumeId
})

afterEach(async () => {
  await app.quit()
  await cloud.stop()
  app.remove()
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
})

describe('a run on RunPod', () => {
  it.each(['with nothing but an API key', 'with a network volume over S3'])(
    'would end without its adapter on this disk: %s',
    async (way) => {
      app = openCloudApp({ addresses: cloud.addresses, remoteId, ...(way.includes('S3') ? { volumeId } : {}) })
      const { id } = await app.start()
      const run = await app.ended(id)
      expect(run).toMatchObject({ status: 'completed', error: null, progress: 1 })
      expect(app.adapters()).toMatchObject([{ runId: id, status: 'verified' }])
      const truth = (await cloud.control.truth({})).runs[id]
      expect(truth?.steps).toMatchObject({ executed: 5, distinct: 5, mostWorkersAtOnce: 1 })
      expect(truth?.jobIds).toHaveLength(1)
      expect(app.problems).toEqual([])
    },
  )

  it('would show no dollars, or others than it records', async () => {
    app = openCloudApp({ addresses: cloud.addresses, remoteId, volumeId, priceMicroUsdPerHour: 3_600_000 })
    const { id } = await app.start()
    const run = await app.ended(id)
    const { records } = app.costs.list({ fromMs: null, toMs: null })
    expect(records).toMatchObject([{ runId: id, endpointKind: 'runpod', amountMicroUsd: run.costMicroUsd }])
    expect(run.costMicroUsd).toBeGreaterThan(0)
    // One dollar per 1,000 s: the bill is that of whole seconds.
    expect((run.costMicroUsd ?? 1) % 1000).toBe(0)
  })

  it('would pay a worker for looking at the volume while it trains', async () => {
    app = openCloudApp({ addresses: cloud.addresses, remoteId })
    await cloud.control.addFault({ operation: 'job.train', effect: { kind: 'hold', at: 3 } })
    const { id } = await app.start()
    await cloud.control.whenHeld({ runId: id })
    await app.until(() => app.eventTypes(id).includes('job_started'))
    const before = (await cloud.control.truth({})).jobsAccepted
    const seenAtMs = app.clock.nowMs()
    await app.until(() => app.clock.nowMs() > seenAtMs + 60_000)
    expect((await cloud.control.truth({})).jobsAccepted).toBe(before)
    await cloud.control.release({ runId: '*' })
    expect((await app.ended(id)).status).toBe('completed')
  })
})
