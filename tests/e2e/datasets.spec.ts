import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@playwright/test'
import { answerOpenDialog, createProfile, quitApp, removeProfile, startApp, type TestApp } from './support/app.ts'
import { goTo } from './support/journey.ts'
import { testRuntime } from './support/runtime.ts'

let profile: string
let app: TestApp

test.beforeEach(async () => {
  profile = createProfile()
  app = await startApp(profile)
})

test.afterEach(async () => {
  expect(app.pageErrors).toEqual([])
  await quitApp(app)
  removeProfile(profile)
})

function fixture(name: string): string {
  const target = join(profile, name)
  copyFileSync(join(testRuntime().root, 'tests', 'fixtures', 'datasets', name), target)
  return target
}

test('a file with faults shows each with its true line, and its good rows are used only when the user says so', async () => {
  const { page } = app
  await answerOpenDialog(app, fixture('messages-with-faults.jsonl'))
  await page.getByRole('button', { name: 'Import a file' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Import', exact: true }).click()
  await expect(page.getByText('Has issues').first()).toBeVisible()
  await expect(page.getByRole('button', { name: 'Train on it' })).toBeDisabled()
  await page.getByRole('tab', { name: /Issues/ }).click()
  await expect(page.getByRole('region', { name: 'Issues' }).getByText('The row is cut off')).toBeVisible()
  await page.getByRole('button', { name: 'Use the 4 usable rows' }).click()
  await expect(page.getByRole('button', { name: 'Train on it' })).toBeEnabled()
})

test('all four shapes are recognised and shown as the same conversations', async () => {
  const { page } = app
  for (const [name, shape] of [
    ['messages.jsonl', 'OpenAI messages'],
    ['turns.jsonl', 'Conversation turns'],
    ['brightrun-v4.jsonl', 'BrightRun v4'],
    ['conversations.jsonl', 'Conversations'],
  ] as const) {
    await goTo(page, '/datasets')
    await answerOpenDialog(app, fixture(name))
    await page.getByRole('button', { name: 'Import a file' }).click()
    const dialog = page.getByRole('dialog')
    await expect(dialog.getByText(shape, { exact: true })).toBeVisible()
    await dialog.getByRole('button', { name: 'Import', exact: true }).click()
    await expect(page.getByRole('main').getByText('Ready', { exact: true })).toBeVisible()
  }
  await goTo(page, '/datasets')
  await expect(page.getByRole('region', { name: 'Datasets' }).getByRole('row')).toHaveCount(5)
})

test('a file that is no dataset is refused with a sentence and leaves nothing behind', async () => {
  const { page } = app
  await answerOpenDialog(app, fixture('not-a-dataset.txt'))
  await page.getByRole('button', { name: 'Import a file' }).click()
  const dialog = page.getByRole('dialog')
  await expect(dialog.getByRole('alert')).toBeVisible()
  await expect(dialog.getByRole('button', { name: 'Import', exact: true })).toBeDisabled()
  await dialog.getByRole('button', { name: 'Cancel' }).click()
  await expect(page.getByText('No dataset yet')).toBeVisible()
})

test('a deleted dataset comes back with Undo', async () => {
  const { page } = app
  await page.getByRole('button', { name: 'Use the sample dataset' }).click()
  await expect(page.getByRole('main').getByText('Ready', { exact: true })).toBeVisible()
  await page.getByRole('button', { name: 'More actions' }).click()
  await page.getByRole('menuitem', { name: 'Delete dataset' }).click()
  await expect(page.getByText('No dataset yet')).toBeVisible()
  await page.getByRole('button', { name: 'Undo' }).click()
  await expect(page.getByRole('link', { name: 'Allotment notes' })).toBeVisible()
})
