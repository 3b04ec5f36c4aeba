import { expect } from '@playwright/test'
import type { RunpodCloud } from '../../support/runpod-cloud/cloud.ts'
import type { TestApp } from './app.ts'
import { importByPicker, invoke, writeSmallDataset } from './journey.ts'

/** An endpoint with its key and volume connected, which the first journey of its own shows being done by hand. */
export async function connectStudio({ page }: TestApp, cloud: RunpodCloud): Promise<void> {
  const { endpointId: remoteId, volumeId } = await cloud.control.createEndpoint({ pool: 'ADA_80_PRO', timeout: 86_400_000 })
  const { apiKey, s3AccessKeyId, s3SecretAccessKey } = cloud.addresses
  const { id } = await invoke(page, 'endpoints.addRunpod', { name: 'Studio', runpodEndpointId: remoteId, apiKey })
  await invoke(page, 'endpoints.testConnection', { id })
  const keys = { accessKeyId: s3AccessKeyId, secret: s3SecretAccessKey }
  await invoke(page, 'endpoints.connectStorage', { id, volumeId, dataCentreId: 'EU-RO-1', ...keys })
}

/** Fills the New run page and presses Start; resolves to the run's id on its page. */
export async function startStudioRun(
  app: TestApp,
  rows: number,
  settings: Readonly<Record<string, string>>,
  budget: string,
): Promise<string> {
  const { page, profile } = app
  await importByPicker(app, writeSmallDataset(profile, rows))
  await page.getByRole('button', { name: 'Train on it' }).click()
  await page.getByLabel('Search base models').fill('SmolLM2')
  await page
    .getByRole('button', { name: /SmolLM2/ })
    .first()
    .click()
  await page.getByRole('button', { name: /^Studio/ }).click()
  await page.getByRole('button', { name: /Advanced settings/ }).click()
  for (const [name, value] of Object.entries(settings)) await page.locator(`input[name="${name}"]`).fill(value)
  await page.getByLabel('Budget in dollars').fill(budget)
  const start = page.getByTestId('start-run')
  await expect(start).toHaveText(/^Start run, about/)
  await expect(start).toHaveAttribute('aria-disabled', 'false')
  await start.click()
  await page.waitForURL(/#\/runs\/[0-9a-f-]{36}/)
  return /#\/runs\/([0-9a-f-]{36})/.exec(page.url())?.[1] ?? ''
}
