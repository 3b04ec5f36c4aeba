import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startRunpodCloud, type RunpodCloud } from '../../support/runpod-cloud/cloud.ts'
import { openCloudApp, type CloudApp } from '../../support/runs/cloud-app.ts'

let cloud: RunpodCloud
let app: CloudApp
let folder: string
let runId: string

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tunesmith-cloud-'))
  cloud = await startRunpodCloud({ stateFolder: folder, clock: { kind: 'standing' }, startMs: 1_800_000_000_000 })
  const { endpointId: remoteId, volumeId } = await cloud.control.createEndpoint({ timeout: 86_400_000 })
  await cloud.control.addFault({ operation: 'job.train', effect: { kind: 'ignore_cancel' } })
  await cloud.control.addFault({ operation: 'job.train', effect: { kind: 'hold', at: 3 } })
  app = openCloudApp({ addresses: cloud.addresses, remoteId, volumeId })
  runId = (await app.start()).id
  await cloud.control.whenHeld({ runId })
  await app.until(() => app.runs.get(runId).startedAtMs !== null)
})

afterEach(async () => {
  await app.quit()
  await cloud.stop()
  app.remove()
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
})

/** The job is closed at the platform, and its worker works on. */
async function cancelledOnPaper(): Promise<void> {
  app.runs.stop(runId, 'discard')
  const askedAtMs = app.clock.nowMs()
  await app.until(() => app.clock.nowMs() > askedAtMs + 60_000)
  const jobId = app.runs.get(runId).jobId ?? ''
  await expect((await app.connect()).jobs.status(jobId)).resolves.toMatchObject({ status: 'CANCELLED' })
}

describe('a worker that does not follow a stop', () => {
  it('would be forgotten while it trains on and is billed, and not be ended when the user asks for it', async () => {
    await cancelledOnPaper()
    expect(app.runs.get(runId)).toMatchObject({ endedAtMs: null, stopRequested: 'discard', endingWorkers: 'not_asked' })
    app.runs.endWorkers(runId)
    const run = await app.ended(runId)
    expect(run).toMatchObject({ status: 'cancelled', endingWorkers: 'done', stageDetail: 'Stopped: its worker was seen to have ended' })
    expect(app.eventTypes(runId)).toEqual(expect.arrayContaining(['workers_end_asked', 'workers_ended']))
    expect(app.problems).toEqual([])
  })

  it('would be waited for without end, or called stopped although nobody saw it', async () => {
    await cancelledOnPaper()
    const run = await app.ended(runId)
    expect(run.status).toBe('cancelled')
    expect(run.stageDetail).toContain('was not seen to end and may still be billed')
  })

  it('would be ended although nobody asked the run to stop', () => {
    expect(() => app.runs.endWorkers(runId)).toThrow(/only after this run was told to stop/)
  })
})
