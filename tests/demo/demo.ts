import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from '@playwright/test'
import type { WorkerResult } from '../../preload/contract/worker.ts'
import { answerSaveDialog, createProfile, quitApp, removeProfile, startApp, type TestApp } from '../e2e/support/app.ts'
import { goTo, readRun, readSteps, waitForRun } from '../e2e/support/journey.ts'

const startedAtMs = Date.now()
const root = join(import.meta.dirname, '../..')
const pictures = join(root, 'out', 'demo')
const trainingTimeoutMs = 14 * 60_000
/** What makes a first run short on a computer without a GPU; everything else is the preset's. */
const demoSettings = {
  max_steps: '44',
  per_device_train_batch_size: '4',
  gradient_accumulation_steps: '1',
  learning_rate: '0.001',
  max_length: '192',
  evals_per_epoch: '2',
  eval_fraction: '0.05',
}

function say(text: string): void {
  process.stderr.write(`[${((Date.now() - startedAtMs) / 1000).toFixed(1).padStart(6)} s] ${text}\n`)
}

async function setTheme({ page }: TestApp, label: 'Light' | 'Dark'): Promise<void> {
  await goTo(page, '/settings')
  await page.getByLabel(label).check()
  await page.locator(`html[data-theme="${label.toLowerCase()}"]`).waitFor()
}

async function takePicture({ page }: TestApp, name: string): Promise<void> {
  await expect(page.getByText(/^Reading the /)).toHaveCount(0)
  await page.screenshot({ path: join(pictures, `${name}.png`), animations: 'disabled' })
}

/** Every page, in both themes and both window sizes. */
async function takeAllPictures(app: TestApp, paths: Readonly<Record<string, string>>): Promise<void> {
  for (const label of ['Light', 'Dark'] as const) {
    await setTheme(app, label)
    for (const [width, height] of [
      [1280, 800],
      [900, 600],
    ] as const) {
      await app.application.evaluate(
        ({ BrowserWindow }, size) => BrowserWindow.getAllWindows()[0]?.setContentSize(size.width, size.height),
        { width, height },
      )
      for (const [name, path] of Object.entries(paths)) {
        await goTo(app.page, path)
        await takePicture(app, `${name}-${label.toLowerCase()}-${width}`)
      }
    }
  }
}

async function importSample({ page }: TestApp): Promise<string> {
  await goTo(page, '/datasets')
  await page.getByRole('button', { name: 'Use the sample dataset' }).click()
  await expect(page.getByRole('main').getByText('Ready', { exact: true })).toBeVisible({ timeout: 30_000 })
  const id = /#\/datasets\/([0-9a-f-]{36})/.exec(page.url())?.[1]
  if (id === undefined) throw new Error('The dataset page did not open')
  return id
}

async function startRun(app: TestApp): Promise<string> {
  const { page } = app
  await page.getByRole('button', { name: 'Train on it' }).click()
  await page.getByRole('button', { name: /SmolLM2 135M Instruct/ }).click()
  await page.getByRole('button', { name: /Advanced settings/ }).click()
  for (const [name, value] of Object.entries(demoSettings)) await page.locator(`input[name="${name}"]`).fill(value)
  const start = page.getByTestId('start-run')
  await expect(start).toHaveText('Start run, no charge', { timeout: 30_000 })
  await expect(start).toBeEnabled()
  await takePicture(app, 'new-run')
  await start.click()
  await page.waitForURL(/#\/runs\/[0-9a-f-]{36}/)
  const runId = /#\/runs\/([0-9a-f-]{36})/.exec(page.url())?.[1]
  if (runId === undefined) throw new Error('The run page did not open')
  return runId
}

async function exportZip(app: TestApp, adapterId: string, profile: string): Promise<string> {
  const { page } = app
  await goTo(page, `/adapters/${adapterId}`)
  await expect(page.getByText('Verified').first()).toBeVisible()
  const exportPath = join(pictures, 'adapter.zip')
  await answerSaveDialog(app, exportPath)
  await page.getByRole('button', { name: 'Save as ZIP' }).click()
  await expect(page.getByText(/^Saved to/)).toBeVisible({ timeout: 60_000 })
  say(`Exported from ${profile} to ${exportPath}`)
  return exportPath
}

async function demo(app: TestApp, profile: string): Promise<Record<string, unknown>> {
  const { page } = app
  await takePicture(app, 'first-start')
  say('Importing and checking the sample dataset')
  const datasetId = await importSample(app)
  await takePicture(app, 'dataset')
  say('Starting a run on SmolLM2-135M-Instruct')
  const runId = await startRun(app)
  await waitForRun(page, runId, ({ head }) => head.step >= 12, trainingTimeoutMs)
  await takePicture(app, 'run-training')
  say('Training; the loss is drawn live')
  const run = await waitForRun(page, runId, ({ endedAtMs }) => endedAtMs !== null, trainingTimeoutMs)
  if (run.status !== 'completed' || run.adapterId === null) throw new Error(`The run ended as ${run.status}: ${run.error?.message ?? ''}`)
  say('Collected and verified; exporting')
  const exportPath = await exportZip(app, run.adapterId, profile)
  const result = JSON.parse(readFileSync(join(profile, 'volume', 'runs', runId, 'result.json'), 'utf8')) as WorkerResult
  const steps = await readSteps(page, runId)
  say('Taking pictures of every page')
  await takeAllPictures(app, {
    datasets: '/datasets',
    'dataset-overview': `/datasets/${datasetId}`,
    'dataset-rows': `/datasets/${datasetId}?tab=rows`,
    'new-run-page': '/runs/new',
    runs: '/runs',
    run: `/runs/${runId}`,
    adapters: '/adapters',
    adapter: `/adapters/${run.adapterId}`,
    endpoints: '/endpoints',
    costs: '/costs',
    settings: '/settings',
  })
  const last = await readRun(page, runId)
  return {
    rows: last.datasetRows,
    steps: steps.length,
    lossFirst: result.loss_first,
    lossLast: result.loss_last,
    adapterVerified: true,
    exportPath,
    wallMs: Date.now() - startedAtMs,
  }
}

async function runDemo(): Promise<void> {
  mkdirSync(pictures, { recursive: true })
  const profile = createProfile()
  say('Opening the app on a throw-away profile')
  const app = await startApp(profile)
  try {
    const summary = await demo(app, profile)
    const isLearning = Number(summary['lossLast']) < 0.8 * Number(summary['lossFirst'])
    if (app.pageErrors.length > 0) throw new Error(`The window reported errors: ${app.pageErrors.join('; ')}`)
    process.stdout.write(`${JSON.stringify(summary)}\n`)
    if (!isLearning) throw new Error('The loss did not fall by a fifth; the demo counts as failed')
  } finally {
    await quitApp(app)
    removeProfile(profile)
  }
}

await runDemo()
