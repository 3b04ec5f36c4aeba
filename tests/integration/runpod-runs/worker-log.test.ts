import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openDatabase } from '../../../main/db/open.ts'
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
  app = openCloudApp({ addresses: cloud.addresses, remoteId, volumeId })
})

afterEach(async () => {
  await app.quit()
  await cloud.stop()
  app.remove()
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
})

/** A run whose worker waits before its third step. */
async function heldRun(): Promise<{ id: string; workerId: string }> {
  await cloud.control.addFault({ operation: 'job.train', effect: { kind: 'hold', at: 3 } })
  const { id } = await app.start()
  const { workerId } = await cloud.control.whenHeld({ runId: id })
  await app.until(() => app.eventTypes(id).includes('job_started'))
  return { id, workerId }
}

const logOf = (id: string) => app.runs.log.list({ id, filter: { source: 'all', level: 'debug' }, offset: 0, limit: 2_000 }).lines
const workerLines = (id: string) =>
  logOf(id)
    .filter(({ source }) => source === 'worker')
    .map(({ message }) => message)
const said = (id: string, text: string) => app.until(() => workerLines(id).includes(text))
const count = (lines: readonly string[], text: string) => lines.filter((line) => line === text).length

async function finish(id: string): Promise<void> {
  await cloud.control.release({ runId: '*' })
  expect(await app.ended(id)).toMatchObject({ status: 'completed', error: null })
  expect(app.problems).toEqual([])
}

describe('the log of a worker', () => {
  it('would miss what the worker wrote before or after a broken connection, or hold it twice', async () => {
    const { id, workerId } = await heldRun()
    await cloud.control.workerSays({ workerId, lines: ['loading shards', 'same', 'same'] })
    await said(id, 'same')
    await cloud.control.cutLogs({})
    await cloud.control.workerSays({ workerId, lines: ['after the cut'] })
    await said(id, 'after the cut')
    expect(workerLines(id).slice(-4)).toEqual(['loading shards', 'same', 'same', 'after the cut'])
    await finish(id)
  })

  it('would stand still after sleep on a connection that died meanwhile, or begin again from its start', async () => {
    const { id, workerId } = await heldRun()
    await cloud.control.workerSays({ workerId, lines: ['before sleep'] })
    await said(id, 'before sleep')
    const calls = () => cloud.control.truth({}).then(({ calls: made }) => made['rest.serverless.logs'] ?? 0)
    const before = await calls()
    app.runs.onWoken()
    await expect.poll(calls).toBeGreaterThan(before)
    await cloud.control.workerSays({ workerId, lines: ['after sleep'] })
    await said(id, 'after sleep')
    const lines = workerLines(id)
    expect([count(lines, 'before sleep'), count(lines, 'after sleep')]).toEqual([1, 1])
    await finish(id)
  })

  it('would be lost or doubled by a restart of the app', async () => {
    const { id, workerId } = await heldRun()
    await cloud.control.workerSays({ workerId, lines: ['before', 'twice', 'twice'] })
    await said(id, 'twice')
    await app.quit()
    await cloud.control.workerSays({ workerId, lines: ['while closed'] })
    app = openCloudApp({ addresses: cloud.addresses, remoteId, volumeId, folder: app.home })
    app.runs.resumeAll()
    await said(id, 'while closed')
    const lines = workerLines(id)
    expect([count(lines, 'before'), count(lines, 'twice'), count(lines, 'while closed')]).toEqual([1, 2, 1])
    await finish(id)
  })

  it('would hold up or fail the run where the key may not read it, or say so with every look', async () => {
    await cloud.control.addFault({
      operation: 'rest.serverless.logs',
      count: null,
      effect: { kind: 'status', status: 403, body: { title: 'Forbidden' } },
    })
    const { id } = await heldRun()
    const told = () => logOf(id).filter(({ message }) => message.includes('log is not kept here'))
    await app.until(() => told().length > 0)
    const fromMs = app.clock.nowMs()
    await app.until(() => app.clock.nowMs() > fromMs + 600_000)
    expect(told()).toMatchObject([{ source: 'app', level: 'warning' }])
    expect(told()[0]?.message).toContain('no permission')
    expect(workerLines(id)).toEqual([])
    await finish(id)
  })

  it('would not be kept once a sign-in page had answered in its place', async () => {
    await cloud.control.addFault({ operation: 'rest.serverless.logs', count: 2, effect: { kind: 'html', status: 200 } })
    const { id, workerId } = await heldRun()
    await cloud.control.workerSays({ workerId, lines: ['at last'] })
    await said(id, 'at last')
    expect(logOf(id).some(({ message }) => message.includes('DOCTYPE'))).toBe(false)
    await finish(id)
  })

  it('would put a secret that a worker printed on the disk', async () => {
    const { id, workerId } = await heldRun()
    const secret = `hf_${'PLANTED'.repeat(4)}`
    const colour = String.fromCodePoint(27)
    await cloud.control.workerSays({ workerId, lines: [`login with ${secret}`, `token=hf_${colour}[1mPLANTEDPLANTED${colour}[0m`, 'done'] })
    await said(id, 'done')
    expect(workerLines(id)).toContain('login with [redacted]')
    const path = join(app.home, 'tunesmith.sqlite')
    await finish(id)
    openDatabase({ path }).pragma('wal_checkpoint(TRUNCATE)')
    expect(readFileSync(path, 'latin1')).toContain('login with [redacted]')
    expect(readFileSync(path, 'latin1')).not.toContain('PLANTEDPLANTED')
  })

  it('would mix the lines of two runs that one worker had after each other', async () => {
    const first = await heldRun()
    await cloud.control.workerSays({ workerId: first.workerId, lines: ['about the first'] })
    await said(first.id, 'about the first')
    await finish(first.id)
    const second = await heldRun()
    await cloud.control.workerSays({ workerId: second.workerId, lines: ['about the second'] })
    await said(second.id, 'about the second')
    expect(workerLines(second.id)).not.toContain('about the first')
    expect(workerLines(first.id)).not.toContain('about the second')
    await finish(second.id)
  })
})
