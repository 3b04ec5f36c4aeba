import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, type Page } from '@playwright/test'
import { startRunpodCloud, type RunpodCloud } from '../support/runpod-cloud/cloud.ts'
import { createProfile, quitApp, removeProfile, startApp, type TestApp } from './support/app.ts'
import { goTo, importByPicker, invoke, waitForRun, writeSmallDataset } from './support/journey.ts'

let folder: string
let cloud: RunpodCloud
let remoteId: string
let profile: string
let app: TestApp

test.beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tunesmith-cloud-'))
  cloud = await startRunpodCloud({ stateFolder: folder })
  remoteId = (await cloud.control.createEndpoint({ pool: 'ADA_80_PRO', timeout: 86_400_000 })).endpointId
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

async function connect(page: Page): Promise<void> {
  await goTo(page, '/endpoints')
  await page.getByRole('button', { name: 'Add RunPod' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Name').fill('Studio')
  await dialog.getByLabel('Endpoint id').fill(remoteId)
  await dialog.getByLabel('API key').fill(cloud.addresses.apiKey)
  await dialog.getByRole('button', { name: 'Add and test' }).click()
  await expect(page.getByRole('region', { name: 'Studio' }).getByText('Connected', { exact: true })).toBeVisible({ timeout: 30_000 })
}

/** Decides on a run of the imported dataset and adds it to the queue; stays on the page of the runs. */
async function addToQueue(page: Page, name: string, budget: string): Promise<void> {
  await goTo(page, '/datasets')
  await page.getByRole('link', { name: 'sums' }).first().click()
  await page.getByRole('button', { name: 'Train on it' }).click()
  await page.getByLabel('Search base models').fill('SmolLM2')
  await page
    .getByRole('button', { name: /SmolLM2/ })
    .first()
    .click()
  await page.getByRole('button', { name: /^Studio/ }).click()
  await page.getByLabel('Budget in dollars').fill(budget)
  await page.getByLabel('Name of the run').fill(name)
  const add = page.getByTestId('queue-run')
  await expect(add).toHaveAttribute('aria-disabled', 'false')
  await add.click()
  await expect(page.getByRole('region', { name: 'Queue' }).getByRole('link', { name })).toBeVisible()
}

async function queuedNames(page: Page): Promise<string[]> {
  return page.getByRole('region', { name: 'Queue' }).locator('.queue-name a').allTextContents()
}

test('queued runs are put in order by key and by pointer, follow one after the other, and the shared budget stops the last', async () => {
  const { page } = app
  await connect(page)
  await importByPicker(app, writeSmallDataset(profile, 40))
  await invoke(page, 'runs.pauseQueue', {})
  for (const name of ['First', 'Second', 'Third']) await addToQueue(page, name, name === 'Second' ? '5' : '2')
  const region = page.getByRole('region', { name: 'Queue' })
  await expect(region.getByText('The queue is paused. What runs goes on to its end.')).toBeVisible()
  await expect(page.getByRole('link', { name: '3 queued' })).toBeVisible()

  const handle = (name: string) => region.getByRole('button', { name: new RegExp(`^Move ${name},`) })
  await handle('Third').focus()
  await page.keyboard.press('Alt+ArrowUp')
  await expect.poll(() => queuedNames(page)).toEqual(['First', 'Third', 'Second'])
  await expect(region.getByText('Third is now number 2 of 3.')).toBeAttached()
  await expect(handle('Third')).toBeFocused()
  await page.keyboard.press('Alt+ArrowUp')
  await expect.poll(() => queuedNames(page)).toEqual(['Third', 'First', 'Second'])

  const from = await handle('Third').boundingBox()
  const to = await handle('First').boundingBox()
  if (from === null || to === null) throw new Error('The handles are not on the page')
  await page.mouse.move(from.x + from.width / 2, from.y + from.height / 2)
  await page.mouse.down()
  await page.mouse.move(to.x + to.width / 2, to.y + to.height - 2, { steps: 8 })
  await page.mouse.up()
  await expect.poll(() => queuedNames(page)).toEqual(['First', 'Third', 'Second'])

  // The last may cost all that is shared, of which the two before it take a few cents.
  await region.getByRole('button', { name: 'Budget and order of work' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Shared budget in dollars').fill('5')
  await dialog.getByRole('button', { name: 'Save' }).click()
  await expect(region.getByText('$5.00', { exact: true })).toHaveCount(2)
  await region.getByRole('button', { name: 'Resume' }).click()
  await expect(region.getByText(/The next run may cost \$5\.00; \$4\.\d\d of the shared \$5\.00 is left\./)).toBeVisible({
    timeout: 120_000,
  })
  expect(await queuedNames(page)).toEqual(['Second'])
  const runs = await invoke(page, 'runs.list', { sort: 'name' })
  expect(runs.map(({ name, status }) => [name, status])).toEqual([
    ['First', 'completed'],
    ['Second', 'queued'],
    ['Third', 'completed'],
  ])
  const spans = ['First', 'Third'].map((name) => runs.find((run) => run.name === name))
  expect(spans[1]?.startedAtMs ?? 0).toBeGreaterThanOrEqual(spans[0]?.endedAtMs ?? Number.POSITIVE_INFINITY)

  await region.getByRole('button', { name: 'Actions for Second' }).click()
  await page.getByRole('menuitem', { name: 'Remove from queue' }).click()
  await expect(region.getByText(/Nothing waits/)).toBeVisible()
  const second = runs.find(({ name }) => name === 'Second')?.id ?? ''
  expect((await waitForRun(page, second, ({ endedAtMs }) => endedAtMs !== null)).status).toBe('cancelled')
})
