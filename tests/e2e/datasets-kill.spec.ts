import { join } from 'node:path'
import { expect, test, type Page } from '@playwright/test'
import { createRandom } from '../bench/random.ts'
import { writeLargeFile } from '../support/datasets/large-file.ts'
import { answerOpenDialog, createProfile, killApp, quitApp, removeProfile, startApp, type TestApp } from './support/app.ts'
import { invoke } from './support/journey.ts'

const points = process.env['TUNESMITH_LONG'] === '1' ? 50 : 2
const fileBytes = 40 * 1024 * 1024
const anyTask = ['check', 'tokens', 'scan'] as const

let profile: string

test.beforeEach(() => {
  profile = createProfile()
})
test.afterEach(() => removeProfile(profile))

async function importFile(app: TestApp, path: string): Promise<string> {
  await answerOpenDialog(app, path)
  const [file] = await invoke(app.page, 'datasets.pickFiles', {})
  if (file === undefined) throw new Error('The file was not taken')
  const { id } = await invoke(app.page, 'datasets.import', { tokens: [file.token], name: 'large', mapping: null })
  return id
}

/** Resolves once a piece of work on the dataset is so far. */
async function whenAt(page: Page, id: string, kind: string, share: number): Promise<void> {
  await page.evaluate(
    (wanted) =>
      new Promise<void>((resolve) => {
        const bridge = (window as unknown as { tunesmith: { on(event: string, listener: (payload: unknown) => void): void } }).tunesmith
        bridge.on('datasets.progressed', (payload) => {
          const event = payload as { id: string; tasks: { kind: string; progress: number }[] }
          const task = event.tasks.find((one) => one.kind === wanted.kind)
          // Work that ended between two reports counts as far enough.
          if (event.id === wanted.id && (task === undefined || task.progress >= wanted.share)) resolve()
        })
      }),
    { id, kind, share },
  )
}

async function settledReport(page: Page, id: string) {
  await expect
    .poll(
      async () => {
        const { status, tasks, tokens } = await invoke(page, 'datasets.get', { id })
        if (status === 'validating' || tokens === null) return 'working'
        const { flags } = await invoke(page, 'datasets.getOverview', { id })
        return flags === null || tasks.length > 0 ? 'working' : 'done'
      },
      { timeout: 120_000 },
    )
    .toBe('done')
  const { stats, tokens } = await invoke(page, 'datasets.get', { id })
  const { flags, scripts } = await invoke(page, 'datasets.getOverview', { id })
  return { stats, tokens, flags, scripts, issues: await invoke(page, 'datasets.listIssues', { id }) }
}

test(`the app killed with -9 at ${points} random points of its work on a dataset ends with the same report`, async () => {
  test.setTimeout(120_000 + points * 60_000)
  const path = join(profile, 'large.jsonl')
  writeLargeFile(path, fileBytes)
  const random = createRandom(3)
  let app = await startApp(profile)
  const calmId = await importFile(app, path)
  const calm = await settledReport(app.page, calmId)
  for (let point = 0; point < points; point += 1) {
    const id = await importFile(app, path)
    const kind = anyTask[Math.floor(random() * anyTask.length)] ?? 'check'
    await whenAt(app.page, id, kind, random() * 0.8)
    await killApp(app)
    app = await startApp(profile)
    // An import that was cut off during the copy is an error that says so; everything later goes on by itself.
    const { status, stats } = await invoke(app.page, 'datasets.get', { id })
    if (status === 'error' && stats === null) continue
    // Opening the dataset, as its page does, lets the passes behind the check go on.
    await expect
      .poll(
        () =>
          invoke(app.page, 'datasets.getOverview', { id }).then(
            () => true,
            () => false,
          ),
        { timeout: 60_000 },
      )
      .toBe(true)
    expect(await settledReport(app.page, id)).toEqual(calm)
  }
  await quitApp(app)
})
