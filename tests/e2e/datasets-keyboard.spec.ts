import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, type Page } from '@playwright/test'
import { answerOpenDialog, createProfile, quitApp, removeProfile, startApp, type TestApp } from './support/app.ts'
import { dragWithPointer, screenCentre, startDragPeer, type DragPeer } from './support/drag-peer.ts'
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
  expect(app.pageErrors).toEqual([])
  await peer.close()
  await quitApp(app)
  removeProfile(profile)
})

const rowCount = 10_000

/** Ten thousand conversations, of which some repeat others and some have a fault of each kind. */
function writeBrokenDataset(folder: string): string {
  const lines = Array.from({ length: rowCount }, (_, row) => {
    const turns = [
      { role: 'user', content: `How do I prune plant number ${row % 9500} in spring?` },
      { role: 'assistant', content: `Cut it back above bud ${row % 9500} on a dry day.` },
    ]
    const good = JSON.stringify({ messages: turns })
    if (row % 500 === 7) return good.replace('"assistant"', '"bot"')
    if (row % 1000 === 11) return good.slice(0, -7)
    if (row % 1000 === 13) return good.replace(/\]\}$/, ',]}')
    if (row % 2500 === 17) return JSON.stringify({ messages: turns.slice(0, 1) })
    return good
  })
  const path = join(folder, 'pruning.jsonl')
  writeFileSync(path, `${lines.join('\n')}\n`)
  return path
}

/** The dialog that is open; messages at the window's edge are dialogs too. */
function modal(page: Page) {
  return page.locator('.popup.dialog')
}

/** Moves the focus with Tab until it stands on a control of this name; fails when it comes round without finding it. */
async function tabTo(page: Page, name: RegExp): Promise<void> {
  for (let steps = 0; steps < 150; steps += 1) {
    const label = await page.evaluate(() => {
      const focused = document.activeElement
      return (focused?.getAttribute('aria-label') ?? focused?.textContent ?? '').trim()
    })
    if (name.test(label)) return
    await page.keyboard.press('Tab')
  }
  throw new Error(`No control ${String(name)} can be reached with the Tab key.`)
}

async function press(page: Page, name: RegExp): Promise<void> {
  await tabTo(page, name)
  await page.keyboard.press('Enter')
}

/** The tab list is one stop; arrows move in it. */
async function openTab(page: Page, name: string): Promise<void> {
  const selected = page.getByRole('tab', { selected: true })
  await selected.focus()
  for (let steps = 0; steps < 8; steps += 1) {
    if ((await page.evaluate(() => document.activeElement?.textContent ?? '')).startsWith(name)) break
    await page.keyboard.press('ArrowRight')
  }
  await page.keyboard.press('Enter')
  await expect(page.getByRole('tab', { name: new RegExp(`^${name}`), selected: true })).toBeVisible()
}

test('a broken file of 10,000 rows becomes a clean, divided, exported dataset with the keyboard alone', async () => {
  test.setTimeout(180_000)
  const { page } = app
  const source = writeBrokenDataset(profile)
  const before = createHash('sha256').update(readFileSync(source)).digest('hex')
  const icon = join(testRuntime().root, 'resources', 'icons', 'icon.png')
  await peer.page.evaluate((chosen) => Object.assign(window, { dragSource: chosen }), { file: source, icon })
  dragWithPointer(await screenCentre(peer.page, '#source'), await screenCentre(page, 'main'))
  await expect(page.getByRole('dialog').getByText('pruning.jsonl').first()).toBeVisible()
  await press(page, /^Import$/)
  await expect(page.getByText('Has issues').first()).toBeVisible()

  await openTab(page, 'Issues')
  for (const fault of ['Unknown role', 'A comma before a closing bracket']) {
    await press(page, new RegExp(`^Preview fix: ${fault}`))
    await expect(modal(page)).toBeVisible()
    await press(page, /^Apply to/)
    await expect(modal(page)).toBeHidden()
    await expect(page.getByRole('region', { name: 'Issues' }).getByText(fault)).toBeHidden()
  }
  for (const fault of ['The row is cut off', 'No answer to learn']) {
    await press(page, new RegExp(`^Drop rows: ${fault}`))
    await expect(page.getByRole('region', { name: 'Issues' }).getByText(fault)).toBeHidden()
  }
  await expect(page.getByRole('main').getByText('Ready', { exact: true })).toBeVisible()

  await openTab(page, 'Duplicates')
  await press(page, /^Drop all but the first/)
  await expect(page.getByRole('button', { name: /^Drop all but the first/ })).toBeHidden()

  await openTab(page, 'Splits')
  await expect(async () => {
    await press(page, /^(Divide|Apply)/)
    await expect(page.getByRole('region', { name: 'Parts' })).toBeVisible({ timeout: 2000 })
  }).toPass()

  const folder = join(profile, 'exports')
  mkdirSync(folder)
  await answerOpenDialog(app, folder)
  await press(page, /^More actions$/)
  const item = page.getByRole('menuitem', { name: 'Export…' })
  await expect(item).toBeVisible()
  for (let steps = 0; steps < 10 && !(await item.evaluate((element) => element === document.activeElement)); steps += 1) {
    await page.keyboard.press('ArrowDown')
  }
  await page.keyboard.press('Enter')
  await expect(modal(page)).toBeVisible()
  await press(page, /^Choose folder and export/)
  await expect.poll(() => readdirSync(folder).filter((name) => !name.startsWith('.')).length).toBe(1)

  const target = join(folder, readdirSync(folder).find((name) => !name.startsWith('.')) ?? '')
  const manifest = JSON.parse(readFileSync(join(target, 'manifest.json'), 'utf8')) as {
    rows: number
    files: { name: string; rows: number; sha256: string }[]
  }
  const rows = manifest.files.map(({ name, sha256 }) => {
    const bytes = readFileSync(join(target, name))
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256)
    return bytes.toString('utf8').trimEnd().split('\n')
  })
  expect(rows.length).toBeGreaterThan(1)
  const all = rows.flat()
  expect(all).toHaveLength(manifest.rows)
  // 14 rows are cut off or have no answer, 500 repeat earlier ones; what was dropped cannot repeat anything.
  expect(new Set(all).size).toBe(all.length)
  for (const row of all) {
    const { messages } = JSON.parse(row) as { messages: { role: string }[] }
    expect(messages.map(({ role }) => role)).toEqual(['user', 'assistant'])
  }
  expect(all.length).toBeGreaterThanOrEqual(rowCount - 14 - 500)
  expect(createHash('sha256').update(readFileSync(source)).digest('hex')).toBe(before)
  expect(existsSync(join(target, 'manifest.json'))).toBe(true)
})
