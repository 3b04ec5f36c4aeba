import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createJobClient } from '../../../main/integrations/runpod/job-client.ts'
import { silentLog } from '../../../main/lib/log.ts'
import { createInstantClock } from '../../support/instant-clock.ts'
import type { CloudAddresses } from '../../support/runpod-cloud/cloud.ts'
import { createRemoteControl } from '../../support/runpod-cloud/control-routes.ts'
import { openCloudLab, policy, trainingText } from './cloud-lab.ts'

const script = fileURLToPath(new URL('../../support/runpod-cloud/start.ts', import.meta.url))
let folder = ''
let running: ChildProcess | null = null
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'tunesmith-cloud-process-'))))
afterEach(async () => {
  await kill()
  await rm(folder, { recursive: true, force: true, maxRetries: 5 })
})

async function start(): Promise<CloudAddresses & { pid: number }> {
  const child = spawn(process.execPath, [script, '--state', folder], { stdio: ['ignore', 'pipe', 'inherit'] })
  running = child
  for await (const line of createInterface({ input: child.stdout })) return JSON.parse(line) as CloudAddresses & { pid: number }
  throw new Error('The cloud did not start')
}

async function kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  const child = running
  running = null
  if (child === null || child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill(signal)
  await ended
}

describe('the cloud as a process of its own', { timeout: 60_000 }, () => {
  it('killed in the midst of a training it comes back on the same ports, and the run ends with one adapter', async () => {
    const first = await start()
    const control = createRemoteControl(first.control)
    const { endpointId, volumeFolder } = await control.createEndpoint({})
    const example = await openCloudLab()
    const input = example.trainInput()
    await example.close()
    mkdirSync(join(volumeFolder, 'datasets'), { recursive: true })
    writeFileSync(join(volumeFolder, ...input.dataset.key.split('/')), trainingText())
    await control.hold({ runId: input.run_id, at: 12 })
    const jobs = createJobClient({
      baseUrl: `${first.jobs}/${endpointId}`,
      apiKey: () => first.apiKey,
      clock: createInstantClock(),
      log: silentLog,
      userAgent: 'Tunesmith-test',
    })
    const { jobId } = await jobs.run(input, policy)
    expect(await control.whenHeld({})).toMatchObject({ runId: input.run_id, at: 12 })
    await kill()
    const second = await start()
    expect(second).toMatchObject({ jobs: first.jobs, s3: first.s3, apiKey: first.apiKey })
    await control.quiet({})
    expect(await jobs.status(jobId)).toMatchObject({ status: 'COMPLETED' })
    const truth = await control.truth({})
    expect(truth.runs[input.run_id]).toMatchObject({
      jobIds: [jobId],
      steps: { executed: 22, distinct: 20, mostWorkersAtOnce: 1, completions: 1 },
      adapters: [{ status: 'completed', isIntact: true }],
    })
    await kill('SIGTERM')
  })

  it('controls answer in words when they are used wrongly', async () => {
    const { control } = await start()
    const ask = async (name: string, body: unknown) => {
      const response = await fetch(`${control}/${name}`, { method: 'POST', body: JSON.stringify(body) })
      return { status: response.status, text: await response.text() }
    }
    expect((await ask('nothing', {})).status).toBe(404)
    expect(await ask('advance', { minutes: 3 })).toMatchObject({ status: 400, text: expect.stringContaining('minutes') })
    expect(await ask('addFault', { operation: 'run', effect: { kind: 'earthquake' } })).toMatchObject({ status: 400 })
    expect(await ask('setMaxWorkers', { endpointId: 'none', max: 1 })).toMatchObject({
      status: 500,
      text: expect.stringContaining('no endpoint none'),
    })
  })
})
