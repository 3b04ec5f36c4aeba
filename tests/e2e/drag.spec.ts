import { createHash } from 'node:crypto'
import { cpSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@playwright/test'
import { createProfile, quitApp, removeProfile, startApp, type TestApp } from './support/app.ts'
import { dragWithPointer, screenCentre, startDragPeer, type DragPeer } from './support/drag-peer.ts'
import { goTo, importByPicker, startTinyRun, waitForRun, writeSmallDataset } from './support/journey.ts'
import { testRuntime } from './support/runtime.ts'

let profile: string
let app: TestApp
let peer: DragPeer

test.beforeAll(async () => {
  profile = createProfile()
  app = await startApp(profile, { width: 900, height: 700 })
  peer = await startDragPeer()
})

test.afterAll(async () => {
  await peer.close()
  await quitApp(app)
  removeProfile(profile)
})

test('a dataset dragged in from another program is shown first and then imported', async () => {
  const { page } = app
  const path = writeSmallDataset(profile, 12)
  const icon = join(testRuntime().root, 'resources', 'icons', 'icon.png')
  await peer.page.evaluate((source) => Object.assign(window, { dragSource: source }), { file: path, icon })
  dragWithPointer(await screenCentre(peer.page, '#source'), await screenCentre(page, 'main'))
  const dialog = page.getByRole('dialog')
  await expect(dialog.getByText('sums.jsonl')).toBeVisible()
  await dialog.getByRole('button', { name: 'Import', exact: true }).click()
  await expect(page.getByRole('main').getByText('Ready', { exact: true })).toBeVisible()
})

test('an adapter dragged out arrives whole in a second program', async () => {
  const { page } = app
  await importByPicker(app, writeSmallDataset(profile, 40))
  const runId = await startTinyRun(app, { num_train_epochs: '1', per_device_train_batch_size: '4', gradient_accumulation_steps: '1' })
  const { adapterId } = await waitForRun(page, runId, ({ endedAtMs }) => endedAtMs !== null)
  await goTo(page, `/adapters/${adapterId ?? 'none'}`)
  await expect(page.getByText('Verified').first()).toBeVisible()
  await page.getByTestId('adapter-drag').scrollIntoViewIfNeeded()
  dragWithPointer(await screenCentre(page, '[data-testid="adapter-drag"]'), await screenCentre(peer.page, '#source'))
  await expect.poll(() => peer.page.evaluate(() => (window as unknown as { dropped: string[] }).dropped.length)).toBe(1)
  const [dropped] = await peer.page.evaluate(() => (window as unknown as { dropped: string[] }).dropped)
  if (dropped === undefined) throw new Error('Nothing arrived')

  // The second program copies what it was given, as a real one would.
  const copy = join(profile, 'received')
  cpSync(dropped, copy, { recursive: true })
  const folder = readdirSync(join(profile, 'adapters')).find((name) => !name.startsWith('.'))
  const original = join(profile, 'adapters', folder ?? '')
  const hashes = (root: string) =>
    readdirSync(root)
      .toSorted()
      .map((name) => [
        name,
        createHash('sha256')
          .update(readFileSync(join(root, name)))
          .digest('hex'),
      ])
  expect(hashes(copy)).toEqual(hashes(original))
  expect(readdirSync(copy)).toContain('adapter_model.safetensors')
})
