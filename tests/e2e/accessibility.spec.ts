import AxeBuilder from '@axe-core/playwright'
import { expect, test } from '@playwright/test'
import { createProfile, quitApp, removeProfile, startApp, type TestApp } from './support/app.ts'
import { goTo, importByPicker, startTinyRun, waitForRun, writeSmallDataset } from './support/journey.ts'

let profile: string
let app: TestApp

test.beforeAll(async () => {
  profile = createProfile()
  app = await startApp(profile)
})

test.afterAll(async () => {
  await quitApp(app)
  removeProfile(profile)
})

async function setTheme(theme: 'light' | 'dark'): Promise<void> {
  await app.page.evaluate(
    (value) =>
      (window as unknown as { tunesmith: { invoke(route: string, input: unknown): Promise<unknown> } }).tunesmith.invoke(
        'settings.update',
        { theme: value },
      ),
    theme,
  )
  await app.page.locator(`html[data-theme="${theme}"]`).waitFor()
}

async function problemsOn(path: string): Promise<string[]> {
  await goTo(app.page, path)
  await expect(app.page.getByText(/^Reading the /)).toHaveCount(0)
  // Electron opens no second page for axe, so it runs in this one.
  const { violations } = await new AxeBuilder({ page: app.page }).setLegacyMode(true).analyze()
  return violations.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${path}: ${id}: ${node.html.slice(0, 160)} ${node.failureSummary ?? ''}`),
  )
}

test('every page is free of accessibility faults in both themes, empty and filled', async () => {
  const empty = ['/datasets', '/runs', '/runs/new', '/adapters', '/endpoints', '/endpoints/new', '/costs', '/settings']
  const found: string[] = []
  for (const theme of ['light', 'dark'] as const) {
    await setTheme(theme)
    for (const path of empty) found.push(...(await problemsOn(path)))
  }
  expect(found).toEqual([])

  await importByPicker(app, writeSmallDataset(profile, 40))
  const datasetPath = new URL(app.page.url()).hash.slice(1)
  const runId = await startTinyRun(app, { num_train_epochs: '1', per_device_train_batch_size: '4', gradient_accumulation_steps: '1' })
  const { adapterId } = await waitForRun(app.page, runId, ({ endedAtMs }) => endedAtMs !== null)
  const filled = [
    datasetPath,
    `${datasetPath}?tab=rows`,
    `${datasetPath}?tab=issues`,
    ...empty,
    `/runs/${runId}`,
    `/adapters/${adapterId ?? 'none'}`,
  ]
  for (const theme of ['light', 'dark'] as const) {
    await setTheme(theme)
    for (const path of filled) found.push(...(await problemsOn(path)))
  }
  expect(found).toEqual([])
})

test('the whole window can be reached by keyboard: palette, new run, import', async () => {
  const { page } = app
  await goTo(page, '/settings')
  await page.keyboard.press('Control+k')
  await page.getByRole('dialog').getByRole('searchbox').fill('endp')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('heading', { level: 1, name: 'Endpoints' })).toBeVisible()
  await page.keyboard.press('Control+n')
  await expect(page.getByRole('heading', { level: 1, name: 'New run' })).toBeVisible()
})
