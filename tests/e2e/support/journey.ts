import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, type Page } from '@playwright/test'
import type { RouteInput, RouteName, RouteOutput } from '../../../preload/contract/contract.ts'
import type { Run } from '../../../preload/contract/runs.ts'
import type { Hyperparameters } from '../../../preload/contract/hyperparameters.ts'
import { answerOpenDialog, tinyModelFolder, type TestApp } from './app.ts'

/** Asks main as the page does; fails with main's own sentence. */
export async function invoke<R extends RouteName>(page: Page, route: R, input: RouteInput<R>): Promise<RouteOutput<R>> {
  const answer = await page.evaluate(
    ([name, value]) =>
      (
        window as unknown as {
          tunesmith: { invoke(route: string, input: unknown): Promise<{ ok: boolean; data?: unknown; error?: { message: string } }> }
        }
      ).tunesmith.invoke(name, value),
    [route, input] as const,
  )
  if (!answer.ok) throw new Error(`${route}: ${answer.error?.message ?? 'failed'}`)
  return answer.data as RouteOutput<R>
}

/** Goes to a page of the app by its address. */
export async function goTo(page: Page, path: string): Promise<void> {
  await page.evaluate((target) => {
    location.hash = `#${target}`
  }, path)
  await page.waitForFunction((target) => location.hash.startsWith(`#${target}`), path)
}

/** Writes a small dataset of short, different conversations and returns its path. */
export function writeSmallDataset(folder: string, rows: number): string {
  const lines = Array.from({ length: rows }, (_unused, index) =>
    JSON.stringify({
      messages: [
        { role: 'user', content: `What is ${index} and ${index + 3}?` },
        { role: 'assistant', content: `It is ${index * 2 + 3}.` },
      ],
    }),
  )
  const path = join(folder, 'sums.jsonl')
  writeFileSync(path, `${lines.join('\n')}\n`)
  return path
}

/** Imports a file through the visible picker and waits until it is ready; leaves its page open. */
export async function importByPicker(app: TestApp, path: string): Promise<void> {
  const { page } = app
  await goTo(page, '/datasets')
  await answerOpenDialog(app, path)
  await page.getByRole('button', { name: 'Import a file' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Import', exact: true }).click()
  await expect(page.getByRole('main').getByText('Ready', { exact: true })).toBeVisible()
}

/** Starts a run of the open dataset on the tiny model with the given settings; resolves on the run's page. */
export async function startTinyRun(app: TestApp, settings: Partial<Record<keyof Hyperparameters, string>>): Promise<string> {
  const { page } = app
  await page.getByRole('button', { name: 'Train on it' }).click()
  await answerOpenDialog(app, tinyModelFolder())
  await page.getByRole('button', { name: 'Choose folder' }).click()
  await page.getByRole('button', { name: /Advanced settings/ }).click()
  for (const [name, value] of Object.entries(settings)) await page.locator(`input[name="${name}"]`).fill(value)
  const start = page.getByTestId('start-run')
  await expect(start).toHaveText('Start run, no charge')
  await expect(start).toBeEnabled()
  await start.click()
  await page.waitForURL(/#\/runs\/[0-9a-f-]{36}/)
  const runId = /#\/runs\/([0-9a-f-]{36})/.exec(page.url())?.[1]
  if (runId === undefined) throw new Error('The run page did not open')
  return runId
}

/** What main says about a run. */
export async function readRun(page: Page, runId: string): Promise<Run> {
  const answer = await page.evaluate(
    (id) =>
      (window as unknown as { tunesmith: { invoke(route: string, input: unknown): Promise<unknown> } }).tunesmith.invoke('runs.get', {
        id,
      }),
    runId,
  )
  return (answer as { ok: true; data: Run }).data
}

/** Every recorded training step of a run, in order. */
export async function readSteps(page: Page, runId: string): Promise<number[]> {
  const answer = await page.evaluate(
    (id) =>
      (window as unknown as { tunesmith: { invoke(route: string, input: unknown): Promise<unknown> } }).tunesmith.invoke(
        'runs.listMetrics',
        { id },
      ),
    runId,
  )
  const { points } = (answer as { data: { points: { kind: string; step: number }[] } }).data
  return points.filter((point) => point.kind === 'train').map((point) => point.step)
}

/** Waits until a run satisfies a condition. */
export async function waitForRun(page: Page, runId: string, isThere: (run: Run) => boolean, timeoutMs = 120_000): Promise<Run> {
  await expect
    .poll(async () => isThere(await readRun(page, runId)), { timeout: timeoutMs, message: 'the run did not get there' })
    .toBe(true)
  return readRun(page, runId)
}
