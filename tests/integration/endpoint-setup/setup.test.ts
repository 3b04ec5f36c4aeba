import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createControlPlane } from '../../../main/integrations/runpod/control-plane.ts'
import { systemClock } from '../../../main/lib/clock.ts'
import { silentLog } from '../../../main/lib/log.ts'
import { agreedInput, createSetupHome, openSetupApp, type SetupApp, type SetupHome } from '../../support/endpoints/setup-app.ts'
import { startRunpodCloud, type RunpodCloud } from '../../support/runpod-cloud/cloud.ts'
import type { FaultRule } from '../../support/runpod-cloud/faults.ts'

let folder: string
let cloud: RunpodCloud
let home: SetupHome
let app: SetupApp

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tunesmith-setup-cloud-'))
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

const plane = () =>
  createControlPlane({
    baseUrl: cloud.addresses.rest,
    apiKey: () => cloud.addresses.apiKey,
    clock: systemClock,
    log: silentLog,
    userAgent: 'Tunesmith-test',
  })
async function left() {
  const [endpoints, templates, volumes] = await Promise.all([plane().listEndpoints(), plane().listTemplates(), plane().listVolumes()])
  return { endpoints: endpoints.length, templates: templates.length, volumes: volumes.length }
}
async function restart() {
  await app.close()
  app = openSetupApp(home, cloud.addresses)
  await app.setups.start()
}
async function create() {
  await app.setups.create(await agreedInput(app, cloud.addresses))
  return app.whenStill()
}

const oneOfEach = { endpoints: 1, templates: 1, volumes: 1 }
const nothing = { endpoints: 0, templates: 0, volumes: 0 }

it('what was agreed to is made, its worker lies on the volume and has answered, and a run can be started on it', async () => {
  const made = await create()
  expect(made).toMatchObject({ phase: 'ready', problem: null, name: 'Studio' })
  expect(made?.steps.map(({ state }) => state)).toEqual(['done', 'done', 'done', 'done', 'done'])
  expect(await left()).toEqual(oneOfEach)

  const [remote] = await plane().listEndpoints()
  expect(remote).toMatchObject({ name: made?.remoteName, workersMin: 0, workersMax: 1, networkVolumeIds: [made?.volumeId] })
  const env = await readEnv(remote?.id ?? '')
  const code = env['TUNESMITH_CODE_SHA256'] ?? 'none'
  const onVolume = join(folder, 'volumes', made?.volumeId ?? 'none', 'tunesmith', 'code', code, 'trainer.tar.gz')
  expect(readFileSync(onVolume, 'utf8')).toBe(home.code)

  const endpoint = await app.endpoints.get(made?.id ?? '')
  expect(endpoint).toMatchObject({ canTrain: true, storage: { volumeId: made?.volumeId }, worker: { verdict: { state: 'current' } } })
  expect(app.problems).toEqual([])
})

it('nothing is made when the price has risen since it was shown', async () => {
  const input = await agreedInput(app, cloud.addresses)
  for (const pool of input.proposal.poolIds) await cloud.control.setPrice({ pool, microUsdPerHour: 9_000_000 })
  await expect(app.setups.create(input)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  expect(await left()).toEqual(nothing)
  expect(home.secrets.size).toBe(0)
})

const lostAnswers: readonly FaultRule[] = ['network-volumes.create', 'templates.create', 'serverless.create'].flatMap((name) =>
  (['reset_after', 'cut_short'] as const).map((kind) => ({ operation: `rest.${name}`, effect: { kind } })),
)

it.each(lostAnswers)('a lost answer ($operation, $effect.kind) makes nothing twice', async (rule) => {
  await cloud.control.addFault(rule)
  expect(await create()).toMatchObject({ phase: 'ready' })
  expect(await left()).toEqual(oneOfEach)
  expect((await cloud.control.listFaults({})).faults.map(({ struck }) => struck)).toEqual([1])
})

it.each(['network-volumes.create', 'templates.create', 'serverless.create'])(
  'an app that ends between asking (%s) and the answer finds after its restart what was made, and makes nothing twice',
  async (name) => {
    // Neither the answer nor the lists arrive, as when the laptop closes: what is stored is only that it was asked for.
    await cloud.control.addFault({ operation: `rest.${name}`, effect: { kind: 'reset_after' } })
    const list = await cloud.control.addFault({
      operation: `rest.${name.replace('create', 'list')}`,
      count: null,
      effect: { kind: 'server_error', acted: false, status: 503 },
    })
    const stopped = await create()
    expect(stopped?.problem).not.toBeNull()
    await cloud.control.removeFault({ id: list.id })
    await restart()
    await app.setups.continue({ id: stopped?.id ?? '', apiKey: null, s3Keys: null })
    expect(await app.whenStill()).toMatchObject({ phase: 'ready' })
    expect(await left()).toEqual(oneOfEach)
  },
)

it('an app that is closed while the first worker starts goes on after its restart, with the same greeting', async () => {
  const input = await agreedInput(app, cloud.addresses)
  await app.setups.create(input)
  await app.whenSetup((found) => found?.steps.some(({ id, state }) => id === 'greeting' && state === 'working') === true)
  await restart()
  expect(await app.whenStill()).toMatchObject({ phase: 'ready' })
  expect(await left()).toEqual(oneOfEach)
})

it('a worker that refuses the greeting is ended, so that nothing but the volume goes on costing; both ways out are open', async () => {
  await cloud.control.addFault({ operation: 'job.hello', effect: { kind: 'error_dict', error: 'INTERNAL: no CUDA' } })
  const failed = await create()
  expect(failed).toMatchObject({ phase: 'creating', problem: { asksFor: null } })
  expect(failed?.problem?.text).toMatch(/no CUDA.*workers were set to 0/)
  expect((await plane().listEndpoints())[0]?.workersMax).toBe(0)

  await app.setups.continue({ id: failed?.id ?? '', apiKey: null, s3Keys: null })
  expect(await app.whenStill()).toMatchObject({ phase: 'ready' })
  expect((await plane().listEndpoints())[0]?.workersMax).toBe(1)
})

it('wrong S3 keys stop before a worker could start, and are asked for again', async () => {
  const input = await agreedInput(app, cloud.addresses)
  await app.setups.create({ ...input, s3Keys: { accessKeyId: 'user_wrong', secret: 'rps_wrongwrong' } })
  const stopped = await app.whenStill()
  expect(stopped).toMatchObject({ problem: { asksFor: 's3_keys' } })
  expect(await left()).toEqual({ endpoints: 0, templates: 0, volumes: 1 })
  await app.setups.continue({ id: stopped?.id ?? '', apiKey: null, s3Keys: input.s3Keys })
  expect(await app.whenStill()).toMatchObject({ phase: 'ready' })
})

it('deleting removes everything and the keys, also over lost answers and a restart', async () => {
  const made = await create()
  for (const name of ['serverless', 'templates', 'network-volumes']) {
    await cloud.control.addFault({ operation: `rest.${name}.delete`, effect: { kind: 'reset_after' } })
  }
  await app.setups.remove({ id: made?.id ?? '', keepVolume: false })
  await restart()
  expect(await app.whenStill()).toBeUndefined()
  expect(await left()).toEqual(nothing)
  expect(existsSync(join(folder, 'volumes', made?.volumeId ?? 'none'))).toBe(false)
  expect([...home.secrets.keys()]).toEqual([])
  expect((await app.endpoints.list()).map(({ kind }) => kind)).toEqual(['local'])
})

it('a volume that is kept stays in sight with what it costs, and can be deleted later', async () => {
  const made = await create()
  await app.setups.remove({ id: made?.id ?? '', keepVolume: true })
  const kept = await app.whenStill()
  expect(kept).toMatchObject({ phase: 'kept', volumeId: made?.volumeId, restsPerMonthMicroUsd: (made?.proposal.volumeGb ?? 0) * 70_000 })
  expect(await left()).toEqual({ endpoints: 0, templates: 0, volumes: 1 })
  expect(app.setups.billSources().map(({ remoteId }) => remoteId)).toEqual([made?.volumeId])
  await app.setups.remove({ id: made?.id ?? '', keepVolume: false })
  expect(await app.whenStill()).toBeUndefined()
  expect(await left()).toEqual(nothing)
})

it('nothing is deleted under a run, and the connection of a made endpoint cannot be forgotten while it costs', async () => {
  const made = await create()
  const id = made?.id ?? ''
  await expect(app.endpoints.delete(id)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  app.inUse.add(id)
  await expect(app.setups.remove({ id, keepVolume: false })).rejects.toMatchObject({ code: 'ENDPOINT_IN_USE' })
  expect(await left()).toEqual(oneOfEach)
})

it('a set-up that stopped half-way can be deleted, also what a lost answer has left behind', async () => {
  await cloud.control.addFault({ operation: 'rest.templates.create', effect: { kind: 'reset_after' } })
  const list = await cloud.control.addFault({
    operation: 'rest.templates.list',
    count: null,
    effect: { kind: 'server_error', acted: false, status: 503 },
  })
  const stopped = await create()
  expect(await left().catch(() => null)).toBeNull()
  await cloud.control.removeFault({ id: list.id })
  expect(await left()).toEqual({ endpoints: 0, templates: 1, volumes: 1 })
  await app.setups.remove({ id: stopped?.id ?? '', keepVolume: false })
  expect(await app.whenStill()).toBeUndefined()
  expect(await left()).toEqual(nothing)
})

it('a newer worker is put on the volume and the endpoint runs it, with what the user has added to its environment', async () => {
  const made = await create()
  const id = made?.id ?? ''
  const [remote] = await plane().listEndpoints()
  const remoteId = remote?.id ?? ''
  await plane().updateEndpoint(remoteId, { env: { ...(await readEnv(remoteId)), HF_TOKEN: '{{ RUNPOD_SECRET_hf }}' } })
  home.code = 'the worker, second version'
  await restart()
  expect(app.setups.list()[0]).toMatchObject({ hasNewerWorker: true })
  await app.setups.updateWorker(id)
  expect(app.setups.list()[0]).toMatchObject({ hasNewerWorker: false })
  const env = await readEnv(remoteId)
  expect(env['HF_TOKEN']).toBe('{{ RUNPOD_SECRET_hf }}')
  const path = join(folder, 'volumes', made?.volumeId ?? '', 'tunesmith', 'code', env['TUNESMITH_CODE_SHA256'] ?? '', 'trainer.tar.gz')
  expect(readFileSync(path, 'utf8')).toBe(home.code)
  expect((await app.endpoints.get(id)).worker?.verdict.state).toBe('unknown')
})

it('what a run is checked against is read anew: stock, volume, token; and not claimed where the key may not read it', async () => {
  const made = await create()
  const id = made?.id ?? ''
  expect(app.endpoints.describe(id)).toMatchObject({
    remote: { stock: 'high', volumeGb: made?.proposal.volumeGb, hasHfToken: false, maySeeSettings: true },
    worker: { state: 'current' },
  })
  await cloud.control.setStock({ where: made?.proposal.dataCentreId ?? '', stock: 'NONE' })
  await app.endpoints.testConnection(id)
  expect(app.endpoints.describe(id).remote?.stock).toBe('none')

  const price = app.endpoints.describe(id).priceMicroUsdPerHour
  await cloud.control.setKeys({ keys: [{ token: cloud.addresses.apiKey, scopes: ['jobs'] }] })
  await app.endpoints.testConnection(id)
  expect(app.endpoints.describe(id)).toMatchObject({
    canTrain: true,
    priceMicroUsdPerHour: price,
    remote: { stock: null, maySeeSettings: false },
  })
})

it('no key stands in the database or the log of a set-up', async () => {
  await create()
  const stored = JSON.stringify(app.database.prepare('SELECT * FROM endpoint_setup').all())
  for (const secret of [cloud.addresses.apiKey, cloud.addresses.s3SecretAccessKey]) {
    expect(stored).not.toContain(secret)
    expect(app.lines.join('\n')).not.toContain(secret)
  }
})

async function readEnv(endpointId: string): Promise<Record<string, string>> {
  const reply = await fetch(`${cloud.addresses.rest}/serverless/${endpointId}`, {
    headers: { authorization: `Bearer ${cloud.addresses.apiKey}` },
  })
  return ((await reply.json()) as { env: Record<string, string> }).env
}
