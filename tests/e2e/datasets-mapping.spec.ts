import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@playwright/test'
import { answerOpenDialog, createProfile, quitApp, removeProfile, startApp, type TestApp } from './support/app.ts'

let profile: string
let app: TestApp

test.beforeEach(async () => {
  profile = createProfile()
  app = await startApp(profile, { width: 900, height: 700 })
})
test.afterEach(async () => {
  expect(app.pageErrors).toEqual([])
  await quitApp(app)
  removeProfile(profile)
})

test('a table is imported after its columns are chosen, and its tokens are shown as the model sees them', async () => {
  const { page } = app
  const path = join(profile, 'tickets.csv')
  const rows = Array.from(
    { length: 30 },
    (_unused, at) => `${at},"Ticket ${at}: the ""seal"" leaks","Tighten screw ${at}, then call again.",done`,
  )
  writeFileSync(path, `number,complaint,reply_text,state\n${rows.join('\n')}\n`)
  await answerOpenDialog(app, path)
  await page.getByRole('button', { name: 'Import a file' }).click()
  const dialog = page.getByRole('dialog')
  await expect(dialog.getByText('tickets.csv').first()).toBeVisible()
  const selects = dialog.getByRole('group', { name: 'Columns' }).getByRole('combobox')
  await dialog
    .getByLabel(/^User|^Question/)
    .first()
    .selectOption('complaint')
  await dialog
    .getByLabel(/^Assistant|^Answer/)
    .first()
    .selectOption('reply_text')
  expect(await selects.count()).toBeGreaterThan(1)
  await expect(dialog.getByText('Ticket 0: the "seal" leaks').first()).toBeVisible()
  await dialog.getByRole('button', { name: 'Import', exact: true }).click()
  await expect(page.getByRole('main').getByText('Ready', { exact: true })).toBeVisible()
  await page.getByRole('tab', { name: 'Rows' }).click()
  await page.getByRole('row').nth(1).click()
  await page.getByText('As the model sees it').first().click()
  await expect(page.getByText('<|im_start|>').first()).toBeVisible()
  await expect(page.getByText(/\d+ trained/).first()).toBeVisible()
})
