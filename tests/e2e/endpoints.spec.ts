import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@playwright/test'
import keytar from 'keytar'
import { createProfile, quitApp, removeProfile, startApp, type TestApp } from './support/app.ts'
import { goTo } from './support/journey.ts'

const planted = 'rpa_E2EPLANTEDKEY0123456789ABCDEF'

let profile: string
let app: TestApp

test.beforeEach(async () => {
  profile = createProfile()
  app = await startApp(profile)
})

test.afterEach(async () => {
  await quitApp(app)
  removeProfile(profile)
})

function* filesUnder(folder: string): Generator<string> {
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const path = join(folder, name)
    if (statSync(path, { throwIfNoEntry: false })?.isFile() === true) yield path
  }
}

test('a RunPod key goes to the system keychain and nowhere else, and leaves it with its endpoint', async () => {
  const { page } = app
  await goTo(page, '/endpoints')
  await page.getByRole('button', { name: 'Add RunPod' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Name').fill('Studio')
  await dialog.getByLabel('Endpoint id').fill('abc123def456')
  await dialog.getByLabel('API key').fill(planted)
  await dialog.getByRole('button', { name: 'Add and test' }).click()
  const card = page.getByRole('region', { name: 'Studio' })
  await expect(card.getByText('…CDEF, in the keychain')).toBeVisible()
  await expect(card.getByText('Not connected')).toBeVisible({ timeout: 60_000 })
  expect((await keytar.findCredentials('Tunesmith')).map(({ password }) => password)).toContain(planted)
  expect(await page.content()).not.toContain(planted)

  await card.getByRole('button', { name: 'Delete' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete endpoint' }).click()
  await expect(card).toBeHidden()
  await expect.poll(async () => (await keytar.findCredentials('Tunesmith')).map(({ password }) => password)).not.toContain(planted)
  for (const file of filesUnder(profile)) expect(readFileSync(file).includes(planted), file).toBe(false)
})

test('this computer is listed, set up, and free of charge', async () => {
  const { page } = app
  await goTo(page, '/endpoints')
  const card = page.getByRole('region', { name: 'This computer' })
  await expect(card.getByText('Ready').first()).toBeVisible()
  await expect(card.getByText('No charge')).toBeVisible()
})
