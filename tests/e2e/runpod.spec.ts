import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, type Page } from '@playwright/test'
import { startRunpodCloud, type RunpodCloud } from '../support/runpod-cloud/cloud.ts'
import { createProfile, quitApp, removeProfile, startApp, type TestApp } from './support/app.ts'
import { goTo, importByPicker, waitForRun, writeSmallDataset } from './support/journey.ts'

let folder: string
let cloud: RunpodCloud
let remoteId: string
let volumeId: string
let profile: string
let app: TestApp

test.beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tunesmith-cloud-'))
  cloud = await startRunpodCloud({ stateFolder: folder })
  ;({ endpointId: remoteId, volumeId } = await cloud.control.createEndpoint({ pool: 'ADA_80_PRO', timeout: 86_400_000 }))
  const { jobs, rest, graphql, s3 } = cloud.addresses
  process.env['TUNESMITH_RUNPOD'] = JSON.stringify({ jobs, rest, graphql, s3 })
  profile = createProfile()
  app = await startApp(profile)
})

test.afterEach(async () => {
  await quitApp(app)
  delete process.env['TUNESMITH_RUNPOD']
  await cloud.stop()
  removeProfile(profile)
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
})

/** Adds the endpoint through its dialog and waits for the test of its connection. */
async function connect(page: Page): Promise<void> {
  await goTo(page, '/endpoints')
  await page.getByRole('button', { name: 'Add RunPod' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Name').fill('Studio')
  await dialog.getByLabel('Endpoint id').fill(remoteId)
  await dialog.getByLabel('API key').fill(cloud.addresses.apiKey)
  await dialog.getByRole('button', { name: 'Add and test' }).click()
  const card = page.getByRole('region', { name: 'Studio' })
  await expect(card.getByText('Connected', { exact: true })).toBeVisible({ timeout: 30_000 })
  await expect(card.getByText(/H100/)).toBeVisible()
  await expect(card.getByText(/^\$\d+\.\d\d an hour$/)).toBeVisible()
}

/** Imports a dataset and chooses a catalogue model and the endpoint for it; stays on the New run page. */
async function chooseRun(): Promise<void> {
  const { page } = app
  await importByPicker(app, writeSmallDataset(profile, 40))
  await page.getByRole('button', { name: 'Train on it' }).click()
  await page.getByLabel('Search base models').fill('SmolLM2')
  await page
    .getByRole('button', { name: /SmolLM2/ })
    .first()
    .click()
  await page.getByRole('button', { name: /^Studio/ }).click()
}

test('a run on RunPod: connect, red until the budget is enough, train, verified on this disk, in the costs', async () => {
  const { page } = app
  await connect(page)
  const card = page.getByRole('region', { name: 'Studio' })
  await card.getByRole('button', { name: 'Connect volume' }).click()
  const dialog = page.getByRole('dialog')
  await expect(dialog.getByLabel('Network volume')).toHaveValue(volumeId)
  await dialog.getByLabel('Access key id').fill(cloud.addresses.s3AccessKeyId)
  await dialog.getByLabel('Secret').fill(cloud.addresses.s3SecretAccessKey)
  await dialog.getByRole('button', { name: 'Connect' }).click()
  await expect(card.getByText(`Straight to ${volumeId} over S3`)).toBeVisible()

  await chooseRun()
  await page.getByLabel('Budget in dollars').fill('0.05')
  await expect(page.getByText(/is used up after 0 min/)).toBeVisible()
  await page.getByRole('button', { name: /^Set the budget to \$0\.\d\d$/ }).click()
  await expect(page.getByText(/is used up after 0 min/)).toHaveCount(0)
  await page.getByLabel('Budget in dollars').fill('5')
  await expect(page.getByText(/^In order: .*The run ends before that/)).toBeVisible()
  // Nobody can tell beforehand whether the key may start jobs, or how much of the volume is free.
  await expect(page.getByText(/checks are in order, \d not known/)).toBeVisible()
  const start = page.getByTestId('start-run')
  await expect(start).toHaveText(/^Start run, about/)
  await expect(start).toHaveAttribute('aria-disabled', 'false')
  await start.click()
  await page.waitForURL(/#\/runs\/[0-9a-f-]{36}/)
  const runId = /#\/runs\/([0-9a-f-]{36})/.exec(page.url())?.[1] ?? ''
  const run = await waitForRun(page, runId, ({ endedAtMs }) => endedAtMs !== null)
  expect(run).toMatchObject({ status: 'completed', error: null, endpointKind: 'runpod' })
  await goTo(page, `/adapters/${run.adapterId ?? 'none'}`)
  await expect(page.getByText('Verified').first()).toBeVisible()
  await goTo(page, '/costs')
  await expect(page.getByText(/\$\d+\.\d\d|under \$0\.01/).first()).toBeVisible()
  const truth = (await cloud.control.truth({})).runs[runId]
  expect(truth?.steps).toMatchObject({ mostWorkersAtOnce: 1, completions: 1 })
})

test('with an API key only, stopping keeps the adapter', async () => {
  const { page } = app
  await connect(page)
  await cloud.control.addFault({ operation: 'job.train', effect: { kind: 'hold', at: 3 } })
  await chooseRun()
  const start = page.getByTestId('start-run')
  await expect(start).toHaveAttribute('aria-disabled', 'false')
  await start.click()
  await page.waitForURL(/#\/runs\/[0-9a-f-]{36}/)
  const runId = /#\/runs\/([0-9a-f-]{36})/.exec(page.url())?.[1] ?? ''
  await cloud.control.whenHeld({ runId })
  await waitForRun(page, runId, ({ startedAtMs }) => startedAtMs !== null)
  await page.getByRole('button', { name: 'Stop' }).click()
  await page.getByRole('menuitem', { name: 'Stop and keep adapter' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Stop and keep adapter' }).click()
  await waitForRun(page, runId, ({ stopRequested }) => stopRequested === 'keep')
  await cloud.control.release({ runId: '*' })
  const run = await waitForRun(page, runId, ({ endedAtMs }) => endedAtMs !== null)
  expect(run.status).toBe('cancelled')
  await goTo(page, `/adapters/${run.adapterId ?? 'none'}`)
  await expect(page.getByText('Verified').first()).toBeVisible()
})
