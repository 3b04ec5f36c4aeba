import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { startRunpodCloud, type RunpodCloud } from '../../support/runpod-cloud/cloud.ts'
import { openCloudApp, type CloudApp } from '../../support/runs/cloud-app.ts'

let cloud: RunpodCloud
let app: CloudApp
let folder: string

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tunesmith-cloud-'))
  cloud = await startRunpodCloud({ stateFolder: folder, clock: { kind: 'standing' }, startMs: 1_800_000_000_000 })
})

afterEach(async () => {
  await cloud.stop()
  app.remove()
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
})

function* filesUnder(root: string): Generator<string> {
  for (const name of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
    if (statSync(join(root, name)).isFile()) yield join(root, name)
  }
}

it.each([false, true])('a key would lie in the database, a journal, the log or a job (over S3: %s)', async (isOverS3) => {
  const { endpointId: remoteId, volumeId } = await cloud.control.createEndpoint({})
  const { apiKey, s3AccessKeyId, s3SecretAccessKey } = cloud.addresses
  app = openCloudApp({ addresses: cloud.addresses, remoteId, ...(isOverS3 ? { volumeId } : {}) })
  // Broken answers put what was sent into errors and the log.
  await cloud.control.addFault({ operation: 'run', nth: 2, effect: { kind: 'html' } })
  await cloud.control.addFault({
    operation: 's3.PUT',
    effect: { kind: 'status', status: 503, body: { error: `denied for ${s3AccessKeyId}` } },
  })
  const { id } = await app.start()
  await app.ended(id)
  const said = app.lines.join('\n')
  await app.quit()
  for (const secret of [apiKey, s3SecretAccessKey]) {
    expect(said).not.toContain(secret)
    for (const path of filesUnder(app.home)) expect(readFileSync(path).includes(secret), path).toBe(false)
    // Jobs show in RunPod's console.
    for (const path of filesUnder(join(folder, 'queues'))) expect(readFileSync(path).includes(secret), path).toBe(false)
    for (const path of filesUnder(join(folder, 'volumes'))) expect(readFileSync(path).includes(secret), path).toBe(false)
  }
})
