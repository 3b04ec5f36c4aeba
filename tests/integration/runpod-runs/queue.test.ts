import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startRunpodCloud, type RunpodCloud } from '../../support/runpod-cloud/cloud.ts'
import { openCloudApp, type CloudApp } from '../../support/runs/cloud-app.ts'
import { isEnded } from '../../support/runs/run-world.ts'

const priceMicroUsdPerHour = 4_180_000
const budgetMicroUsd = 700_000
let cloud: RunpodCloud
let remoteId: string
let app: CloudApp
let folder: string

const open = (changes: Partial<Parameters<typeof openCloudApp>[0]> = {}) =>
  openCloudApp({ addresses: cloud.addresses, remoteId, priceMicroUsdPerHour, ...changes })
const truths = async () => Object.values((await cloud.control.truth({})).runs)

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tunesmith-cloud-'))
  cloud = await startRunpodCloud({ stateFolder: folder, clock: { kind: 'standing' }, startMs: 1_800_000_000_000 })
  remoteId = (await cloud.control.createEndpoint({ pool: 'ADA_80_PRO', timeout: 86_400_000 })).endpointId
})

afterEach(async () => {
  await app.quit()
  await cloud.stop()
  app.remove()
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
})

describe('the queue on RunPod', () => {
  it('would start a second run beside the first, or leave the order that the user gave', async () => {
    app = open()
    app.runs.queue.pause()
    const first = await app.enqueue()
    const second = await app.enqueue()
    const third = await app.enqueue()
    app.runs.queue.move(third.id, 0)
    app.runs.queue.resume()
    await app.until(() => [first, second, third].every(({ id }) => isEnded(app.runs.get(id))))
    const inOrder = [third, first, second].map(({ id }) => app.runs.get(id))
    expect(inOrder.map(({ status }) => status)).toEqual(['completed', 'completed', 'completed'])
    const spans = inOrder.map(({ startedAtMs, endedAtMs }) => [startedAtMs ?? 0, endedAtMs ?? 0] as const)
    for (const [index, [startedAtMs]] of spans.entries()) expect(startedAtMs).toBeGreaterThanOrEqual(spans[index - 1]?.[1] ?? 0)
    expect(app.problems).toEqual([])
  })

  it('would spend more than the shared budget, or start the third run with money for two', async () => {
    app = open()
    app.runs.queue.update({ budgetMicroUsd: 9_000_000 })
    const first = await app.enqueue({ budgetMicroUsd })
    await app.ended(first.id)
    const { spentMicroUsd, reservedMicroUsd } = app.runs.queue.view().money
    // Enough for a second run like the first, and then less than the third may cost.
    const sharedMicroUsd = budgetMicroUsd + Math.floor(((spentMicroUsd ?? 0) + (reservedMicroUsd ?? 0)) * 1.5)
    app.runs.queue.update({ budgetMicroUsd: sharedMicroUsd })
    const second = await app.enqueue({ budgetMicroUsd })
    const third = await app.enqueue({ budgetMicroUsd })
    await app.until(() => app.runs.queue.view().paused !== null)
    const view = app.runs.queue.view()
    expect(view.paused).toMatchObject({ code: 'budget' })
    expect(view.entries.map(({ run }) => run.id)).toEqual([third.id])
    expect(app.runs.get(second.id).status).toBe('completed')
    const billed = (await truths()).reduce((total, { billedMicroUsd }) => total + billedMicroUsd, 0)
    expect(billed).toBeLessThanOrEqual(sharedMicroUsd)
    // More money is a reason to go on by itself.
    app.runs.queue.update({ budgetMicroUsd: 9_000_000 })
    await app.until(() => isEnded(app.runs.get(third.id)))
    expect(app.runs.queue.view().paused).toBeNull()
  })

  it('would tell the worker of another budget than the one it was started with', async () => {
    app = open()
    app.runs.queue.update({ budgetMicroUsd: 60_000_000 })
    await cloud.control.addFault({ operation: 'job.train', effect: { kind: 'hold', at: 3 } })
    const { id } = await app.enqueue()
    await cloud.control.whenHeld({ runId: id })
    expect(app.runs.queue.view().money).toMatchObject({ spentMicroUsd: 0, reservedMicroUsd: 60_000_000, leftMicroUsd: 0 })
    await cloud.control.release({ runId: '*' })
    await app.ended(id)
  })

  it('would forget a waiting run, or start one twice, when the app is closed between two', async () => {
    app = open()
    await cloud.control.addFault({ operation: 'job.train', effect: { kind: 'hold', at: 3 } })
    const first = await app.enqueue()
    const second = await app.enqueue()
    await cloud.control.whenHeld({ runId: first.id })
    const { home } = app
    await app.quit()
    await cloud.control.release({ runId: '*' })
    app = open({ folder: home })
    expect(app.runs.get(second.id).status).toBe('queued')
    app.runs.resumeAll()
    await app.until(() => [first, second].every(({ id }) => isEnded(app.runs.get(id))))
    for (const { jobIds, steps } of await truths()) {
      expect(jobIds).toHaveLength(1)
      expect(steps).toMatchObject({ mostWorkersAtOnce: 1, completions: 1 })
    }
  })

  it('would start at a higher price than was agreed to when the run was added', async () => {
    app = open()
    app.runs.queue.pause()
    const { id } = await app.enqueue()
    const { home } = app
    await app.quit()
    app = open({ folder: home, priceMicroUsdPerHour: 5_000_000 })
    app.runs.queue.resume()
    await app.until(() => app.runs.queue.view().entries[0]?.hold?.code === 'price')
    expect((await cloud.control.truth({})).jobsAccepted).toBe(0)
    app.runs.queue.agreeToPrice(id, 5_000_000)
    expect((await app.ended(id)).status).toBe('completed')
  })

  it('would go on after two failures in a row, or count a removed run as a cost', async () => {
    app = open()
    await cloud.control.addFault({ operation: 'job.train', count: 2, effect: { kind: 'raise' } })
    app.runs.queue.pause()
    const runs = [await app.enqueue(), await app.enqueue(), await app.enqueue(), await app.enqueue()]
    app.runs.queue.leave(runs[3]?.id ?? '')
    app.runs.queue.resume()
    await app.until(() => app.runs.queue.view().paused !== null)
    expect(app.runs.queue.view().paused).toMatchObject({ code: 'failures' })
    expect(runs.map(({ id }) => app.runs.get(id).status)).toEqual(['failed', 'failed', 'queued', 'cancelled'])
    const costs = app.costs.list({ fromMs: null, toMs: null })
    expect(costs.records.map(({ runId }) => runId)).not.toContain(runs[3]?.id)
    app.runs.queue.resume()
    expect((await app.ended(runs[2]?.id ?? '')).status).toBe('completed')
  })
})
