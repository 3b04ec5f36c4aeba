import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@playwright/test'
import { startRunpodCloud, type RunpodCloud } from '../support/runpod-cloud/cloud.ts'
import { createProfile, quitApp, removeProfile, startApp, type TestApp } from './support/app.ts'
import { goTo, importByPicker, writeSmallDataset } from './support/journey.ts'

let folder: string
let cloud: RunpodCloud
let profile: string
let app: TestApp

test.beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tunesmith-setup-'))
  cloud = await startRunpodCloud({ stateFolder: folder })
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

/** What exists in the account, by RunPod's own word. */
async function account(): Promise<Record<'serverless' | 'templates' | 'network-volumes', number>> {
  const count = async (path: string, list: string) => {
    const reply = await fetch(`${cloud.addresses.rest}/${path}`, { headers: { authorization: `Bearer ${cloud.addresses.apiKey}` } })
    return ((await reply.json()) as Record<string, unknown[]>)[list]?.length ?? 0
  }
  return {
    serverless: await count('serverless', 'endpoints'),
    templates: await count('templates', 'templates'),
    'network-volumes': await count('network-volumes', 'networkVolumes'),
  }
}

test('an endpoint is made for the user, carries a run through its checks, and is deleted with everything of it', async () => {
  const { page } = app
  await goTo(page, '/endpoints')
  await page.getByRole('button', { name: 'Add RunPod' }).click()
  await page
    .getByRole('dialog')
    .getByRole('link', { name: /^Create one for me/ })
    .click()
  await expect(page.getByRole('heading', { name: 'New endpoint' })).toBeVisible()

  await page.getByRole('button', { name: 'Look for offers' }).click()
  await expect(page.getByText('Give the endpoint a name')).toBeVisible()
  await page.getByLabel('Name', { exact: true }).fill('Studio')
  await page.getByLabel('API key').fill(cloud.addresses.apiKey)
  await page.getByLabel('S3 access key id').fill(cloud.addresses.s3AccessKeyId)
  await page.getByLabel('S3 secret').fill('rps_notthesecret')
  await page.getByLabel('Base model').selectOption({ label: 'SmolLM2 135M Instruct' })
  await page.getByRole('button', { name: 'Look for offers' }).click()
  await expect(page.getByRole('radio', { name: /A4000/ }).first()).toBeChecked()
  const summary = page.getByRole('complementary', { name: 'What is made' })
  await expect(summary.getByText(/^\$\d+\.\d\d a month, from now until it is deleted/)).toBeVisible()
  expect(await account()).toEqual({ serverless: 0, templates: 0, 'network-volumes': 0 })
  await summary.getByRole('button', { name: /^Create, first start at most \$\d+\.\d\d$/ }).click()

  const card = page.getByRole('region', { name: 'Studio' })
  await expect(card.getByText('RunPod refused the S3 key')).toBeVisible({ timeout: 30_000 })
  await card.getByLabel('S3 access key id').fill(cloud.addresses.s3AccessKeyId)
  await card.getByLabel('S3 secret').fill(cloud.addresses.s3SecretAccessKey)
  await card.getByRole('button', { name: 'Go on' }).click()
  await expect(card.getByText('Connected', { exact: true })).toBeVisible({ timeout: 60_000 })
  await expect(card.getByText(/^The worker is version \d+\.\d+\.\d+, as this app's\.$/)).toBeVisible()
  expect(await account()).toEqual({ serverless: 1, templates: 1, 'network-volumes': 1 })

  await importByPicker(app, writeSmallDataset(profile, 40))
  await page.getByRole('button', { name: 'Train on it' }).click()
  await page.getByLabel('Search base models').fill('SmolLM2')
  await page
    .getByRole('button', { name: /SmolLM2/ })
    .first()
    .click()
  await page.getByRole('button', { name: /^Studio/ }).click()
  await expect(page.getByTestId('start-run')).toHaveAttribute('aria-disabled', 'false')

  await goTo(page, '/endpoints')
  await card.getByRole('button', { name: 'Delete' }).click()
  const dialog = page.getByRole('dialog')
  await expect(dialog.getByRole('button', { name: 'Delete with all files' })).toBeDisabled()
  await dialog.getByLabel('Type Studio to delete it').fill('Studio')
  await dialog.getByRole('button', { name: 'Delete with all files' }).click()
  await expect(card).toHaveCount(0, { timeout: 30_000 })
  expect(await account()).toEqual({ serverless: 0, templates: 0, 'network-volumes': 0 })
})
