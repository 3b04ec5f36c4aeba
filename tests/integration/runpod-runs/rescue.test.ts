import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { startRunpodCloud, type RunpodCloud } from '../../support/runpod-cloud/cloud.ts'
import { openCloudApp, type CloudApp } from '../../support/runs/cloud-app.ts'

let cloud: RunpodCloud
let remoteId: string
let volumeId: string
let app: CloudApp
let folder: string

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tunesmith-rescue-'))
  cloud = await startRunpodCloud({ stateFolder: folder, clock: { kind: 'standing' }, startMs: 1_800_000_000_000 })
  ;({ endpointId: remoteId, volumeId } = await cloud.control.createEndpoint({}))
})

afterEach(async () => {
  await app.quit()
  await cloud.stop()
  app.remove()
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
})

const open = (hasS3: boolean, home?: string) =>
  openCloudApp({ addresses: cloud.addresses, remoteId, ...(hasS3 ? { volumeId } : {}), ...(home === undefined ? {} : { folder: home }) })

/** A run that has saved a checkpoint when RunPod gives it up: every worker dies at the same step. */
async function cutOff(): Promise<string> {
  const fault = await cloud.control.addFault({ operation: 'job.train', count: null, effect: { kind: 'kill', at: 5 } })
  const { id } = await app.start({}, { save_every_steps: 2 })
  const run = await app.ended(id)
  expect(run).toMatchObject({ status: 'failed', adapterId: null })
  await cloud.control.removeFault({ id: fault.id })
  await app.until(() => app.runs.get(id).rescue !== null)
  return id
}

it.each([true, false])(
  'a run that RunPod cut off is lost no more: its checkpoint becomes a verified adapter (over S3: %s)',
  async (hasS3) => {
    app = open(hasS3)
    const id = await cutOff()
    const jobsBefore = (await cloud.control.truth({})).jobsAccepted
    expect(app.runs.get(id).rescue).toMatchObject({ state: 'offered', step: 4, message: null })
    // Nothing is asked of a billed worker before the user says so.
    expect((await cloud.control.truth({})).jobsAccepted).toBe(jobsBefore)

    app.runs.rescue(id)
    await app.until(() => app.runs.get(id).adapterId !== null)
    expect(app.adapters()).toMatchObject([{ runId: id, status: 'verified', stoppedEarly: true, summary: { stepsDone: 4 } }])
    expect(app.runs.get(id)).toMatchObject({ status: 'failed', rescue: null })
    expect((await cloud.control.truth({})).runs[id]?.steps.mostWorkersAtOnce).toBe(1)
    const { records } = app.costs.list({ fromMs: null, toMs: null })
    expect(records.filter(({ type }) => type === 'training_compute')).toHaveLength(1)
    expect(records.some(({ type, runId }) => type === 'transfer' && runId === id)).toBe(true)
  },
)

it('a rescue goes on after the app was closed in the middle of it, and packages once', async () => {
  app = open(true)
  const id = await cutOff()
  await cloud.control.shutQueue({ endpointId: remoteId, forMs: 600_000 })
  app.runs.rescue(id)
  await app.until(() => app.eventTypes(id).includes('rescue_posted'))
  expect(app.runs.isInUse(app.runs.get(id).config.endpointId)).toBe(true)
  const { home } = app
  await app.quit()
  await cloud.control.shutQueue({ endpointId: remoteId, forMs: 0 })
  app = open(true, home)
  app.runs.resumeAll()
  await app.until(() => app.runs.get(id).adapterId !== null)
  expect(app.eventTypes(id).filter((type) => type === 'rescue_posted')).toHaveLength(1)
})

it('what cannot be packaged says why and can be tried again', async () => {
  app = open(true)
  const id = await cutOff()
  await cloud.control.addFault({ operation: 'job.train', effect: { kind: 'raise', message: 'CUDA error' } })
  app.runs.rescue(id)
  await app.until(() => app.runs.get(id).rescue?.message !== null)
  expect(app.runs.get(id).rescue).toMatchObject({ state: 'offered', message: expect.stringContaining('CUDA error') })
  app.runs.rescue(id)
  await app.until(() => app.runs.get(id).adapterId !== null)
})

it('nothing is offered for a run that was thrown away, or whose result came', async () => {
  app = open(true)
  const whole = await app.start()
  await app.ended(whole.id)
  expect(app.runs.get(whole.id).rescue).toBeNull()
  expect(() => app.runs.rescue(whole.id)).toThrow('no checkpoint')
})
