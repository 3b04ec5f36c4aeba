import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, type Page } from '@playwright/test'
import { startRunpodCloud, type RunpodCloud } from '../support/runpod-cloud/cloud.ts'
import { answerSaveDialog, createProfile, quitApp, removeProfile, startApp, type TestApp } from './support/app.ts'
import { goTo, importByPicker, invoke, waitForRun, writeSmallDataset } from './support/journey.ts'

let folder: string
let cloud: RunpodCloud
let profile: string
let app: TestApp

test.beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tunesmith-cloud-'))
  cloud = await startRunpodCloud({ stateFolder: folder })
  const { endpointId, volumeId } = await cloud.control.createEndpoint({ pool: 'ADA_80_PRO', timeout: 86_400_000 })
  const { jobs, rest, graphql, s3 } = cloud.addresses
  process.env['TUNESMITH_RUNPOD'] = JSON.stringify({ jobs, rest, graphql, s3 })
  profile = createProfile()
  app = await startApp(profile)
  const { page } = app
  const { apiKey, s3AccessKeyId, s3SecretAccessKey } = cloud.addresses
  const { id } = await invoke(page, 'endpoints.addRunpod', { name: 'Studio', runpodEndpointId: endpointId, apiKey })
  await invoke(page, 'endpoints.testConnection', { id })
  const keys = { accessKeyId: s3AccessKeyId, secret: s3SecretAccessKey }
  await invoke(page, 'endpoints.connectStorage', { id, volumeId, dataCentreId: 'EU-RO-1', ...keys })
})

test.afterEach(async () => {
  await quitApp(app)
  delete process.env['TUNESMITH_RUNPOD']
  await cloud.stop()
  removeProfile(profile)
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
})

async function saveMonthBudget(page: Page, dollars: string): Promise<void> {
  await goTo(page, '/costs')
  await page.getByLabel('Month budget in dollars').fill(dollars)
  await page.getByRole('button', { name: 'Save' }).click()
}

test('the money of a run: red for the month, fixed by the button, metered, on the costs page beside the bill, in the CSV', async () => {
  const { page } = app
  await saveMonthBudget(page, '3.00')
  await expect(page.getByTestId('month-left')).toHaveText('$3.00')

  await importByPicker(app, writeSmallDataset(profile, 40))
  await page.getByRole('button', { name: 'Train on it' }).click()
  await page.getByLabel('Search base models').fill('SmolLM2')
  await page
    .getByRole('button', { name: /SmolLM2/ })
    .first()
    .click()
  await page.getByRole('button', { name: /^Studio/ }).click()
  await page.getByLabel('Budget in dollars').fill('5')
  await expect(page.getByText(/\$3\.00 is left of the month's budget of \$3\.00/)).toBeVisible()
  const start = page.getByTestId('start-run')
  await expect(start).toHaveAttribute('aria-disabled', 'true')
  await page.getByRole('button', { name: 'Set the budget to $3.00' }).click()
  await expect(page.getByLabel('Budget in dollars')).toHaveValue('3.00')
  await expect(start).toHaveAttribute('aria-disabled', 'false')

  await cloud.control.addFault({ operation: 'job.train', effect: { kind: 'hold', at: 3 } })
  await start.click()
  await page.waitForURL(/#\/runs\/[0-9a-f-]{36}/)
  const runId = /#\/runs\/([0-9a-f-]{36})/.exec(page.url())?.[1] ?? ''
  await cloud.control.whenHeld({ runId })
  await waitForRun(page, runId, ({ startedAtMs }) => startedAtMs !== null)
  await expect(page.getByTestId('tile-cost')).toContainText(/\/\$3\.00/)
  await expect(page.getByText(/^(?:under )?\$0\.\d\d\/\$3\.00$/).first()).toBeVisible()
  await goTo(page, '/costs')
  await expect(page.getByRole('cell', { name: 'Running, so far' })).toBeVisible()
  await expect(page.getByTestId('month-left')).toHaveText('$0.00')

  await cloud.control.release({ runId: '*' })
  const run = await waitForRun(page, runId, ({ endedAtMs }) => endedAtMs !== null)
  expect(run.status).toBe('completed')
  await goTo(page, '/costs')
  // The header may still name the run for a moment after its end.
  await expect(page.getByRole('main').getByRole('link', { name: run.name })).toBeVisible()
  await page.getByRole('button', { name: 'Check against RunPod' }).click()
  const bill = page.getByRole('list', { name: 'Bill and runs by day' })
  await expect(bill).toContainText(/RunPod billed .* for Studio/)
  const grouping = page.getByRole('radiogroup', { name: 'Group by' })
  await grouping.getByText('By type').click()
  await expect(page.getByRole('row', { name: /^Training/ })).toBeVisible()
  await grouping.getByText('By day').click()
  await expect(page.getByRole('row', { name: /1 run/ })).toBeVisible()

  const csv = join(profile, 'costs.csv')
  await answerSaveDialog(app, csv)
  await page.getByRole('button', { name: 'Export CSV' }).click()
  await expect(page.getByText(/^Saved as/)).toBeVisible()
  const text = readFileSync(csv, 'utf8')
  expect(text.split('\r\n')[0]).toContain('day,type,run_id,name,endpoint,amount_usd')
  expect(text).toContain(runId)
})
