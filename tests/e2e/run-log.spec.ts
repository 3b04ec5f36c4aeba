import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@playwright/test'
import { startRunpodCloud, type RunpodCloud } from '../support/runpod-cloud/cloud.ts'
import { answerSaveDialog, createProfile, quitApp, removeProfile, startApp, type TestApp } from './support/app.ts'
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

test('the worker’s log is kept with the run, found by text far from sight, copied, exported without its secret, and there after a restart', async () => {
  await connectStudio(app, cloud)
  await cloud.control.addFault({ operation: 'job.train', effect: { kind: 'hold', at: 3 } })
  const runId = await startStudioRun(app, 40, {}, '5')
  const { workerId } = await cloud.control.whenHeld({ runId })
  const secret = `hf_${'PLANTED'.repeat(4)}`
  const steps = Array.from({ length: 3_000 }, (_unused, step) =>
    step === 40 ? `INFO needle ${secret} at step 40` : `INFO step ${step} of 3000`,
  )
  await cloud.control.workerSays({ workerId, lines: [...steps, 'WARNING: memory is nearly full'] })

  await app.page.getByRole('tab', { name: 'Log' }).click()
  const lines = app.page.getByRole('listbox', { name: /log lines$/ })
  await expect(lines.getByText('memory is nearly full')).toBeVisible()
  await app.page.getByRole('combobox', { name: 'Source' }).selectOption('worker')
  await app.page.getByRole('combobox', { name: 'Level' }).selectOption('warning')
  await expect(lines.getByRole('option')).toHaveCount(1)
  await app.page.getByRole('combobox', { name: 'Level' }).selectOption('debug')

  const field = app.page.getByRole('searchbox', { name: 'Search the log' })
  await field.fill('NEEDLE')
  await expect(app.page.getByText('1 of 1 match')).toBeVisible()
  await expect(lines.getByRole('option', { selected: true })).toContainText('needle [redacted] at step 40')
  await expect(lines.getByRole('option', { selected: true })).toBeInViewport()
  await lines.focus()
  await app.page.keyboard.press('Shift+ArrowDown')
  await app.page.keyboard.press('Control+c')
  await expect
    .poll(() => app.application.evaluate(({ clipboard }) => clipboard.readText()))
    .toMatch(/step 40\n.* worker  INFO step 41 of 3000\n$/)

  const path = join(folder, 'run.jsonl')
  await answerSaveDialog(app, path)
  await app.page.getByRole('button', { name: 'Export' }).click()
  await app.page.getByRole('menuitem', { name: 'As JSON lines' }).click()
  await expect(app.page.getByText(`Saved to ${path}`)).toBeVisible()
  const exported = readFileSync(path, 'utf8')
  expect(exported).not.toContain('PLANTED')
  expect(exported.match(/of 3000"/g)).toHaveLength(2_999)
  expect(JSON.parse(exported.split('\n')[0] ?? '')).toMatchObject({ time: expect.stringMatching(/Z$/), source: 'worker' })

  await quitApp(app)
  await cloud.control.workerSays({ workerId, lines: ['said while the app was closed'] })
  app = await startApp(profile)
  await goTo(app.page, `/runs/${runId}`)
  await app.page.getByRole('tab', { name: 'Log' }).click()
  await app.page.getByRole('searchbox', { name: 'Search the log' }).fill('of 3000')
  await expect(app.page.getByText(/2,999 matches/)).toBeVisible()
  await app.page.getByRole('searchbox', { name: 'Search the log' }).fill('while the app was closed')
  await expect(app.page.getByText('1 of 1 match')).toBeVisible()
  await cloud.control.release({ runId: '*' })
  expect(await waitForRun(app.page, runId, ({ endedAtMs }) => endedAtMs !== null)).toMatchObject({ status: 'completed', error: null })
  expect(app.pageErrors).toEqual([])
})
