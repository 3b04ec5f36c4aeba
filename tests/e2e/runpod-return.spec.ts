import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@playwright/test'
import { startRunpodCloud, type RunpodCloud } from '../support/runpod-cloud/cloud.ts'
import { answerQuestion, createProfile, quitApp, readQuestions, removeProfile, startApp, type TestApp } from './support/app.ts'
import { connectStudio, startStudioRun } from './support/cloud-journey.ts'
import { goTo, waitForRun } from './support/journey.ts'

let folder: string
let cloud: RunpodCloud
let profile: string
let app: TestApp

test.beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tunesmith-cloud-'))
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

test('the app is closed in mid-run and opened after the platform has forgotten the job: the adapter is fetched and verified', async () => {
  await connectStudio(app, cloud)
  await cloud.control.addFault({ operation: 'job.train', effect: { kind: 'hold', at: 3 } })
  const runId = await startStudioRun(app, 40, {}, '5')
  await cloud.control.whenHeld({ runId })
  const { jobId } = await waitForRun(app.page, runId, ({ startedAtMs }) => startedAtMs !== null)
  await answerQuestion(app, 1)
  await app.application.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.close())
  await expect.poll(() => readQuestions(app)).toHaveLength(1)
  const [question = ''] = await readQuestions(app)
  expect(question).toContain('it goes on at RunPod without this app')
  expect(question).toContain('It costs $5.00 in all at most')
  expect(question).toContain('At the next start the app fetches the adapter')
  // Kept open: the run is still followed.
  await expect(app.page.getByTestId('run-status')).toBeVisible()
  await quitApp(app)
  await cloud.control.release({ runId: '*' })
  await cloud.control.quiet({})
  await cloud.control.forgetJob({ jobId: jobId ?? '' })

  app = await startApp(profile)
  const run = await waitForRun(app.page, runId, ({ endedAtMs }) => endedAtMs !== null)
  expect(run).toMatchObject({ status: 'completed', error: null, progress: 1 })
  await goTo(app.page, `/adapters/${run.adapterId ?? 'none'}`)
  await expect(app.page.getByText('Verified').first()).toBeVisible()
  const truth = (await cloud.control.truth({})).runs[runId]
  expect(truth?.steps).toMatchObject({ mostWorkersAtOnce: 1, completions: 1 })
})

test('a run that reaches its budget ends below it, says so, and its adapter is kept', async () => {
  const { page } = app
  await connectStudio(app, cloud)
  const runId = await startStudioRun(app, 400, { num_train_epochs: '20' }, '0.40')
  const run = await waitForRun(page, runId, ({ endedAtMs }) => endedAtMs !== null)
  expect(run).toMatchObject({ status: 'completed', error: null })
  await expect(page.getByText(/^Ended at step [\d,]+ of [\d,]+: the money limit was reached$/)).toBeVisible()
  await goTo(page, `/adapters/${run.adapterId ?? 'none'}`)
  await expect(page.getByText('Verified').first()).toBeVisible()
  const truth = (await cloud.control.truth({})).runs[runId]
  expect(truth?.billedMicroUsd ?? 0).toBeGreaterThan(0)
  expect(truth?.billedMicroUsd ?? 0).toBeLessThanOrEqual(400_000)
})

test('a run that ran out of memory is tried again with a smaller batch, and both pages lead to each other', async () => {
  const { page } = app
  await connectStudio(app, cloud)
  await cloud.control.addFault({ operation: 'job.train', effect: { kind: 'inner_failure', code: 'OUT_OF_MEMORY' } })
  const runId = await startStudioRun(app, 40, { per_device_train_batch_size: '4', gradient_accumulation_steps: '2' }, '5')
  const failed = await waitForRun(page, runId, ({ endedAtMs }) => endedAtMs !== null)
  expect(failed).toMatchObject({ status: 'failed', workerError: { code: 'OUT_OF_MEMORY' } })
  await expect(page.getByRole('list', { name: 'What the retry would have otherwise' })).toHaveText(
    /Batch size 4 → 2.*Accumulated batches 2 → 4/,
  )
  await page.getByRole('button', { name: 'Retry with this change' }).click()
  const start = page.getByTestId('start-run')
  await expect(start).toHaveText(/^Start run, about/)
  await expect(start).toHaveAttribute('aria-disabled', 'false')
  await start.click()
  await page.waitForURL((url) => /#\/runs\/[0-9a-f-]{36}/.test(url.hash) && !url.hash.includes(runId))
  const retryId = /#\/runs\/([0-9a-f-]{36})/.exec(page.url())?.[1] ?? ''
  const retry = await waitForRun(page, retryId, ({ endedAtMs }) => endedAtMs !== null)
  expect(retry).toMatchObject({ status: 'completed', retryOf: runId, config: { budgetMicroUsd: 5_000_000 } })
  expect(retry.config.hyperparameters).toMatchObject({ per_device_train_batch_size: 2, gradient_accumulation_steps: 4 })
  await page.getByText('Retry of').getByRole('link').click()
  await expect(page).toHaveURL(new RegExp(runId))
  await page.getByText('Retried as').getByRole('link').click()
  await expect(page).toHaveURL(new RegExp(retryId))
})

test('a run that RunPod gives up has left a checkpoint, which is fetched after its cost was agreed to', async () => {
  const { page } = app
  await connectStudio(app, cloud)
  const fault = await cloud.control.addFault({ operation: 'job.train', count: null, effect: { kind: 'kill', at: 9 } })
  const small = { per_device_train_batch_size: '1', gradient_accumulation_steps: '1', save_every_steps: '4', num_train_epochs: '1' }
  const runId = await startStudioRun(app, 40, small, '5')
  expect(await waitForRun(page, runId, ({ endedAtMs }) => endedAtMs !== null)).toMatchObject({ status: 'failed', adapterId: null })
  await cloud.control.removeFault({ id: fault.id })
  await page.getByRole('button', { name: 'Fetch the checkpoint of step 8' }).click()
  await expect(page.getByRole('dialog').getByText(/at most \$0\.\d\d/)).toBeVisible()
  await page.getByRole('dialog').getByRole('button', { name: 'Fetch the checkpoint' }).click()
  const rescued = await waitForRun(page, runId, ({ adapterId }) => adapterId !== null)
  expect(rescued).toMatchObject({ status: 'failed', rescue: null })
  await page.getByRole('link', { name: /The adapter is on this computer/ }).click()
  await expect(page.getByText('Verified').first()).toBeVisible()
})
