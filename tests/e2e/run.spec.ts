import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@playwright/test'
import { answerSaveDialog, createProfile, killApp, quitApp, removeProfile, startApp, type TestApp } from './support/app.ts'
import { goTo, importByPicker, readRun, readSteps, startTinyRun, waitForRun, writeSmallDataset } from './support/journey.ts'
import { testRuntime } from './support/runtime.ts'
import { workersOf } from './support/workers.ts'

/** Settings under which the tiny model trains long enough to be interrupted on any machine: over 2,000 steps. */
const longRun = {
  num_train_epochs: '20',
  per_device_train_batch_size: '1',
  gradient_accumulation_steps: '1',
  save_every_steps: '20',
  evals_per_epoch: '1',
}
const shortRun = { num_train_epochs: '2', per_device_train_batch_size: '4', gradient_accumulation_steps: '1', save_every_steps: '5' }

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

function expectWholeCurve(steps: readonly number[], total: number): void {
  expect(steps).toEqual(Array.from({ length: total }, (_unused, index) => index + 1))
}

test('a dataset becomes a verified adapter that is saved as a ZIP and deleted only when asked', async () => {
  const { page } = app
  await importByPicker(app, writeSmallDataset(profile, 40))
  const runId = await startTinyRun(app, shortRun)
  const run = await waitForRun(page, runId, ({ endedAtMs }) => endedAtMs !== null)
  expect(run).toMatchObject({ status: 'completed', error: null })
  await expect(page.getByText('Completed').first()).toBeVisible()
  expectWholeCurve(await readSteps(page, runId), run.plan?.stepsTotal ?? -1)
  expect(run.head.evalLossBase).not.toBeNull()

  await page.getByRole('radio', { name: 'What the model learns' }).check()
  const learned = page.getByRole('region', { name: /as the model reads it/ }).first()
  await expect(learned.locator('mark').first()).toContainText(/It is \d+\./)
  await expect(learned).toContainText(/What is \d+ and \d+\?/)
  await expect(learned.locator('mark').filter({ hasText: 'What is' })).toHaveCount(0)

  await goTo(page, `/adapters/${run.adapterId ?? 'none'}`)
  await expect(page.getByText('Verified').first()).toBeVisible()
  const target = join(profile, 'out.zip')
  await answerSaveDialog(app, target)
  await page.getByRole('button', { name: 'Save as ZIP' }).click()
  await expect(page.getByText(/^Saved to/)).toBeVisible()
  const { python } = testRuntime()
  const names = execFileSync(
    python,
    ['-c', 'import sys,zipfile;z=zipfile.ZipFile(sys.argv[1]);assert z.testzip() is None;print("\\n".join(z.namelist()))', target],
    { encoding: 'utf8' },
  )
  expect(names).toContain('adapter_model.safetensors')
  expect(names).toContain('adapter_config.json')

  await goTo(page, '/costs')
  await expect(page.getByText('No charge').first()).toBeVisible()
})

test('stopping keeps a usable adapter and ends every process', async () => {
  const { page } = app
  await importByPicker(app, writeSmallDataset(profile, 120))
  const runId = await startTinyRun(app, longRun)
  await waitForRun(page, runId, ({ head }) => head.step >= 15)
  await page.getByRole('button', { name: 'Stop' }).click()
  await page.getByRole('menuitem', { name: 'Stop and keep adapter' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Stop and keep adapter' }).click()
  const run = await waitForRun(page, runId, ({ endedAtMs }) => endedAtMs !== null)
  expect(run.status).toBe('cancelled')
  expect(run.head.step).toBeLessThan(run.plan?.stepsTotal ?? 0)
  await goTo(page, `/adapters/${run.adapterId ?? 'none'}`)
  await expect(page.getByText('Verified').first()).toBeVisible()
  await expect.poll(() => workersOf(profile, 'train_lora.py')).toEqual([])
})

test('quitting in mid-run and opening again goes on without a hole or a double point', async () => {
  await importByPicker(app, writeSmallDataset(profile, 120))
  const runId = await startTinyRun(app, longRun)
  await waitForRun(app.page, runId, ({ head }) => head.step >= 30)
  await quitApp(app)
  expect(workersOf(profile)).toEqual([])

  app = await startApp(profile)
  await goTo(app.page, `/runs/${runId}`)
  const run = await waitForRun(app.page, runId, ({ endedAtMs }) => endedAtMs !== null)
  expect(run).toMatchObject({ status: 'completed', error: null })
  expect(run.attempt).toBeGreaterThan(1)
  expectWholeCurve(await readSteps(app.page, runId), run.plan?.stepsTotal ?? -1)
})

test('a power cut in mid-run loses nothing: the next start resumes and finishes', async () => {
  await importByPicker(app, writeSmallDataset(profile, 120))
  const runId = await startTinyRun(app, longRun)
  await waitForRun(app.page, runId, ({ head }) => head.step >= 30)
  await killApp(app)
  await expect.poll(() => workersOf(profile), { timeout: 30_000 }).toEqual([])

  app = await startApp(profile)
  const run = await waitForRun(app.page, runId, ({ endedAtMs }) => endedAtMs !== null)
  expect(run).toMatchObject({ status: 'completed', error: null })
  expectWholeCurve(await readSteps(app.page, runId), run.plan?.stepsTotal ?? -1)
})

test('a worker killed with SIGKILL is started again and the run resumes from its checkpoint', async () => {
  await importByPicker(app, writeSmallDataset(profile, 120))
  const runId = await startTinyRun(app, longRun)
  await waitForRun(app.page, runId, ({ head }) => head.step >= 30)
  for (const pid of workersOf(profile, 'handler.py')) process.kill(pid, 'SIGKILL')
  const run = await waitForRun(app.page, runId, ({ endedAtMs }) => endedAtMs !== null)
  expect(run).toMatchObject({ status: 'completed', error: null })
  expect(run.attempt).toBeGreaterThan(1)
  expectWholeCurve(await readSteps(app.page, runId), run.plan?.stepsTotal ?? -1)
})

test('an adapter whose file is damaged on the disk is quarantined, and fetched again whole', async () => {
  const { page } = app
  await importByPicker(app, writeSmallDataset(profile, 40))
  const runId = await startTinyRun(app, shortRun)
  const { adapterId } = await waitForRun(page, runId, ({ endedAtMs }) => endedAtMs !== null)
  const folder = readdirSync(join(profile, 'adapters')).find((name) => !name.startsWith('.'))
  const weights = join(profile, 'adapters', folder ?? '', 'adapter_model.safetensors')
  const before = createHash('sha256').update(readFileSync(weights)).digest('hex')
  const middle = Math.floor(statSync(weights).size / 2)
  execFileSync('dd', ['if=/dev/zero', `of=${weights}`, 'bs=1', `seek=${middle}`, 'count=64', 'conv=notrunc'], { stdio: 'pipe' })

  await goTo(page, `/adapters/${adapterId ?? 'none'}`)
  await page.getByRole('button', { name: /Verify/ }).click()
  await expect(page.getByText('Quarantined').first()).toBeVisible()
  expect(existsSync(weights)).toBe(false)
  await page.getByRole('button', { name: 'Fetch again' }).click()
  await expect(page.getByText('Verified').first()).toBeVisible()
  const again = readdirSync(join(profile, 'adapters')).find((name) => !name.startsWith('.'))
  expect(
    createHash('sha256')
      .update(readFileSync(join(profile, 'adapters', again ?? '', 'adapter_model.safetensors')))
      .digest('hex'),
  ).toBe(before)
})

test('the run list and the costs still know the run after a restart', async () => {
  await importByPicker(app, writeSmallDataset(profile, 40))
  const runId = await startTinyRun(app, shortRun)
  await waitForRun(app.page, runId, ({ endedAtMs }) => endedAtMs !== null)
  const before = await readRun(app.page, runId)
  await quitApp(app)
  app = await startApp(profile)
  expect(await readRun(app.page, runId)).toEqual(before)
  await goTo(app.page, '/runs')
  await expect(app.page.getByRole('link', { name: before.name })).toBeVisible()
})
