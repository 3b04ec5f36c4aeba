import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import { isClosed, testPython, untilStatus } from '../../support/local-platform.ts'
import { openRunFolder } from '../../support/runpod-cloud/run-folder.ts'
import { openCloudLab, policy, type CloudLab } from './cloud-lab.ts'

const writer = fileURLToPath(new URL('../../../trainer/tests/tiny_model.py', import.meta.url))
const execute = promisify(execFile)
let lab: CloudLab | null = null
afterEach(async () => {
  await lab?.close()
  lab = null
})

describe('our own trainer on the cloud', { timeout: 240_000 }, () => {
  it('trains, loses its worker, goes on from a checkpoint on another, and the truth is read from its events', async () => {
    const opened = await openCloudLab({
      clock: { kind: 'flowing', speed: 1 },
      python: testPython(),
      endpoint: { workerKind: 'real', idleTimeout: 60, env: { TUNESMITH_DEVICE: 'cpu', HF_HUB_OFFLINE: '1' } },
    })
    lab = opened
    const path = join(opened.volumeFolder, 'tiny-model')
    await execute(testPython(), [writer, path])
    const input = {
      ...opened.trainInput({ max_steps: 40, num_train_epochs: 2, save_every_steps: 4 }),
      base_model: { kind: 'folder', path },
    }
    const { jobId } = await opened.jobs.run(input, policy)
    await untilStatus(opened.jobs, jobId, () => stepsSeen(opened, input.run_id) > 8)
    await opened.control.killWorkers({ endpointId: opened.endpointId })
    const status = await untilStatus(opened.jobs, jobId, isClosed)
    expect(status).toMatchObject({ status: 'COMPLETED', retries: 1, output: { status: 'completed', failure: null } })
    expect(opened.result(input.run_id)).toMatchObject({ status: 'completed', steps_done: 40 })
    const truth = await opened.truthOf(input.run_id)
    expect(truth).toMatchObject({ jobIds: [jobId], adapters: [{ status: 'completed', isIntact: true }] })
    expect(truth.steps).toMatchObject({ distinct: 40, mostWorkersAtOnce: 1, completions: 1 })
    expect(truth.billedMicroUsd).toBeGreaterThan(0)
    expect((await opened.control.truth({})).workersEver).toBeGreaterThanOrEqual(2)
  })
})

function stepsSeen({ volumeFolder }: CloudLab, runId: string): number {
  return openRunFolder(volumeFolder, runId)
    .readEvents()
    .filter((event) => event.kind === 'step').length
}
