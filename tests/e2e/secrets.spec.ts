import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@playwright/test'
import type { RouteInput, RouteName } from '../../preload/contract/contract.ts'
import { startRunpodCloud, type RunpodCloud } from '../support/runpod-cloud/cloud.ts'
import { answerSaveDialog, createProfile, quitApp, removeProfile, startApp, type TestApp } from './support/app.ts'
import { goTo, importByPicker, invoke, waitForRun, writeSmallDataset } from './support/journey.ts'

/** Where each planted secret enters the app; the first two are kept on purpose, in the system's keychain. */
const planted = {
  'the API key': 'rpa_CLOUDFORTESTS0000000000000000000000',
  'the S3 secret': 'rps_CLOUDFORTESTS0000000000000000000000',
  'a key that the platform refuses': 'rpa_REFUSED1111111111111111111111111111',
  'an S3 secret that the volume refuses': 'rps_REFUSED2222222222222222222222222222',
  'a key typed into the field of the id': 'rpa_MISTYPED33333333333333333333333333',
  'a token in the environment': 'hf_ENVIRONMENT444444444444444444444444',
  'a cloud key in the environment': 'wJalrXUtnFEMIenvironment555555555555EXAMPLE',
  'a key in an answer of the platform': 'rpa_ECHOED6666666666666666666666666666',
  'a token in the words of a worker': 'hf_WORKERWORDS77777777777777777777777',
  'a key in an error that nobody caught': 'sk-proj-UNCAUGHT8888888888888888888888',
} as const

let folder: string
let cloud: RunpodCloud
let profile: string
let exportsFolder: string
let app: TestApp

test.beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tunesmith-cloud-'))
  cloud = await startRunpodCloud({ stateFolder: folder })
  const { jobs, rest, graphql, s3 } = cloud.addresses
  process.env['TUNESMITH_RUNPOD'] = JSON.stringify({ jobs, rest, graphql, s3 })
  process.env['HF_TOKEN'] = planted['a token in the environment']
  process.env['AWS_SECRET_ACCESS_KEY'] = planted['a cloud key in the environment']
  profile = createProfile()
  exportsFolder = join(folder, 'exports')
  mkdirSync(exportsFolder)
  app = await startApp(profile)
})

test.afterEach(async () => {
  await quitApp(app)
  for (const name of ['TUNESMITH_RUNPOD', 'HF_TOKEN', 'AWS_SECRET_ACCESS_KEY']) delete process.env[name]
  await cloud.stop()
  removeProfile(profile)
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
})

function* filesUnder(root: string): Generator<string> {
  for (const name of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
    const path = join(root, name)
    if (statSync(path, { throwIfNoEntry: false })?.isFile() === true) yield path
  }
}

/** What stands around a secret that got out, so that its source can be found. */
function surroundings(text: string, secret: string): string {
  const at = text.indexOf(secret)
  return text.slice(Math.max(0, at - 100), at)
}

/** Asks as the page does; a refusal is part of the story. */
function tryInvoke<R extends RouteName>(route: R, input: RouteInput<R>): Promise<string> {
  return invoke(app.page, route, input).then(
    () => '',
    (error: unknown) => String(error),
  )
}

/** Starts a run as the page does and waits for its end. */
async function trainOnce(endpointId: string, datasetId: string, name: string) {
  const { page } = app
  const baseModel = { kind: 'huggingface' as const, id: 'HuggingFaceTB/SmolLM2-135M-Instruct', revision: null }
  const { hyperparameters } = await invoke(page, 'runs.resolvePreset', { preset: 'fast', baseModel, datasetId })
  const { id } = await invoke(page, 'runs.start', {
    config: { datasetId, endpointId, baseModel, preset: 'fast', hyperparameters, budgetMicroUsd: 5_000_000 },
    name,
  })
  return waitForRun(page, id, ({ endedAtMs }) => endedAtMs !== null)
}

test('none of ten planted secrets is in the database, a log, the settings, an export, a crash text, a job or the window', async () => {
  const { page } = app
  expect(cloud.addresses.apiKey).toBe(planted['the API key'])
  expect(cloud.addresses.s3SecretAccessKey).toBe(planted['the S3 secret'])
  const { endpointId: remoteId, volumeId } = await cloud.control.createEndpoint({ pool: 'ADA_80_PRO', timeout: 86_400_000 })
  const said: string[] = []

  // Refused first: a wrong key, a key in the wrong field, wrong S3 keys.
  const add = { name: 'Studio', runpodEndpointId: remoteId, apiKey: planted['a key that the platform refuses'] }
  said.push(await tryInvoke('endpoints.addRunpod', { ...add, runpodEndpointId: planted['a key typed into the field of the id'] }))
  const { id: endpointId } = await invoke(page, 'endpoints.addRunpod', add)
  expect(await invoke(page, 'endpoints.testConnection', { id: endpointId })).toMatchObject({ code: 'KEY_REFUSED' })
  await invoke(page, 'endpoints.replaceKey', { id: endpointId, apiKey: planted['the API key'] })
  await cloud.control.addFault({
    operation: 'rest.*',
    count: 1,
    effect: { kind: 'status', status: 400, body: { detail: `no right for Bearer ${planted['a key in an answer of the platform']}` } },
  })
  said.push(JSON.stringify(await invoke(page, 'endpoints.testConnection', { id: endpointId })))
  await invoke(page, 'endpoints.testConnection', { id: endpointId })
  const storage = { id: endpointId, volumeId, dataCentreId: 'EU-RO-1', accessKeyId: cloud.addresses.s3AccessKeyId }
  said.push(await tryInvoke('endpoints.connectStorage', { ...storage, secret: planted['an S3 secret that the volume refuses'] }))
  expect(said.at(-1)).not.toBe('')
  await invoke(page, 'endpoints.connectStorage', { ...storage, secret: planted['the S3 secret'] })

  // An endpoint that the app makes, stopped at a wrong secret and left so: what is stored of it is searched as well.
  const baseModel = { kind: 'huggingface' as const, id: 'HuggingFaceTB/SmolLM2-135M-Instruct', revision: null }
  const wish = { apiKey: planted['the API key'], need: { baseModel, loadIn4bit: false, volumeGb: null } }
  const { proposals } = await invoke(page, 'endpointSetups.propose', wish)
  const [proposal] = proposals
  if (proposal === undefined) throw new Error('Nothing was proposed')
  await invoke(page, 'endpointSetups.create', {
    ...wish,
    name: 'Made',
    s3Keys: { accessKeyId: cloud.addresses.s3AccessKeyId, secret: planted['an S3 secret that the volume refuses'] },
    image: { kind: 'stock' },
    hfTokenSecret: null,
    proposal,
  })
  await expect.poll(async () => (await invoke(page, 'endpointSetups.list', {}))[0]?.problem?.asksFor, { timeout: 30_000 }).toBe('s3_keys')

  await importByPicker(app, writeSmallDataset(profile, 40))
  const [dataset] = await invoke(page, 'datasets.list', {})
  const datasetId = dataset?.id ?? ''
  const words = `401 from the hub for token ${planted['a token in the words of a worker']}`
  await cloud.control.addFault({ operation: 'job.train', effect: { kind: 'raise', message: words } })
  const failed = await trainOnce(endpointId, datasetId, 'fails')
  expect(failed.status).toBe('failed')
  const completed = await trainOnce(endpointId, datasetId, 'completes')
  expect(completed).toMatchObject({ status: 'completed', error: null })
  await app.application.evaluate((_electron, secret) => {
    process.emit('uncaughtException', Object.assign(new Error(`upstream said ${secret}`), { apiKey: secret }))
  }, planted['a key in an error that nobody caught'])

  // Everything that leaves the app by the user's hand.
  for (const [name, exportIt] of Object.entries({
    'metrics.csv': () => invoke(page, 'runs.exportMetricsCsv', { id: completed.id }),
    'adapter.zip': () => invoke(page, 'adapters.saveAs', { id: completed.adapterId ?? '', format: 'zip' }),
    'log.txt': () => invoke(page, 'runs.exportLog', { id: failed.id, filter: {}, format: 'text' }),
    'costs.csv': () => invoke(page, 'costs.exportCsv', { period: 'all' }),
    'report.json': () => invoke(page, 'datasets.exportReport', { id: datasetId, format: 'json' }),
  })) {
    await answerSaveDialog(app, join(exportsFolder, name))
    await exportIt()
  }
  expect(readdirSync(exportsFolder)).toEqual(expect.arrayContaining(['adapter.zip', 'costs.csv', 'log.txt', 'metrics.csv', 'report.json']))
  await invoke(page, 'settings.copyDiagnostics', {})
  said.push(await app.application.evaluate(({ clipboard }) => clipboard.readText()))
  for (const path of ['/endpoints', `/runs/${failed.id}`, '/costs', '/settings']) {
    await goTo(page, path)
    await expect(page.getByRole('main')).toBeVisible()
    said.push(await page.content())
  }
  said.push(JSON.stringify([failed, completed, await invoke(page, 'endpoints.list', {}), await invoke(page, 'endpointSetups.list', {})]))
  for (const route of ['runs.listLog', 'runs.listEvents'] as const) said.push(JSON.stringify(await invoke(page, route, { id: failed.id })))

  await quitApp(app)
  const places = [profile, exportsFolder, join(folder, 'queues'), join(folder, 'volumes')]
  const files = places.flatMap((place) => Array.from(filesUnder(place)))
  expect(files.filter((path) => path.startsWith(join(folder, 'queues'))).length).toBeGreaterThan(0)
  expect(files.some((path) => readFileSync(path).includes('upstream said'))).toBe(true)
  const theirs = planted['a token in the words of a worker']
  for (const [entry, secret] of Object.entries(planted)) {
    expect(
      said.filter((text) => text.includes(secret)).map((text) => surroundings(text, secret)),
      entry,
    ).toEqual([])
    // The queue is the platform's own memory, which holds what its worker said.
    const holding = files.filter((path) => readFileSync(path).includes(secret) && !(secret === theirs && path.startsWith(folder)))
    expect(holding, entry).toEqual([])
  }
})
