import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { agreedInput, createSetupHome, openSetupApp, type SetupApp, type SetupHome } from '../../support/endpoints/setup-app.ts'
import { startRunpodCloud, type RunpodCloud } from '../../support/runpod-cloud/cloud.ts'

let folder: string
let cloud: RunpodCloud
let home: SetupHome
let app: SetupApp

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tunesmith-greeting-'))
  cloud = await startRunpodCloud({ stateFolder: folder })
  home = createSetupHome()
  app = openSetupApp(home, cloud.addresses)
})

afterEach(async () => {
  await app.close()
  await cloud.stop()
  home.remove()
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
})

async function connected(options: Parameters<RunpodCloud['control']['createEndpoint']>[0] = {}) {
  const { endpointId } = await cloud.control.createEndpoint(options)
  const { id } = await app.endpoints.addRunpod({ name: 'Studio', runpodEndpointId: endpointId, apiKey: cloud.addresses.apiKey })
  await app.endpoints.testConnection(id)
  return { id, endpointId }
}

it('connecting and testing an endpoint starts no worker: its version is asked for only when the user says so', async () => {
  const { id } = await connected()
  expect((await cloud.control.truth({})).jobsAccepted).toBe(0)
  const before = await app.endpoints.get(id)
  expect(before.worker).toMatchObject({ verdict: { state: 'unknown' }, greetingMostMicroUsd: 840_000 })
  await app.endpoints.greet(id)
  expect((await app.endpoints.get(id)).worker).toMatchObject({ verdict: { state: 'current' }, greeting: null, problem: null })
  expect((await cloud.control.truth({})).jobsAccepted).toBe(1)
})

it('two greetings at once are one job', async () => {
  const { id } = await connected()
  await Promise.all([app.endpoints.greet(id), app.endpoints.greet(id)])
  expect((await cloud.control.truth({})).jobsAccepted).toBe(1)
})

it('a worker of another make is not taken for one that can train', async () => {
  const { id } = await connected({ echo: true })
  await cloud.control.addFault({ operation: 'job.hello', effect: { kind: 'no_output' } })
  await expect(app.endpoints.greet(id)).rejects.toMatchObject({ code: 'ENDPOINT_NOT_READY' })
  expect((await app.endpoints.get(id)).worker?.problem).toContain('not as a worker of this app')
})

it('an endpoint that RunPod has put to sleep is woken for the greeting', async () => {
  const { id } = await connected({ max: 0 })
  await app.endpoints.greet(id)
  expect((await app.endpoints.get(id)).worker?.verdict.state).toBe('current')
})

it('an image of the user needs no S3 keys and nothing on the volume', async () => {
  const input = await agreedInput(app, cloud.addresses)
  await app.setups.create({ ...input, s3Keys: null, image: { kind: 'own', ref: 'docker.io/me/tunesmith-trainer:0.1.0' } })
  const made = await app.whenStill()
  expect(made).toMatchObject({ phase: 'ready', problem: null, hasNewerWorker: false })
  const endpoint = await app.endpoints.get(made?.id ?? '')
  expect(endpoint).toMatchObject({ storage: null, canTrain: true, worker: { verdict: { state: 'current' } } })
  await expect(app.setups.updateWorker(made?.id ?? '')).rejects.toMatchObject({ code: 'INVALID_INPUT' })
})
