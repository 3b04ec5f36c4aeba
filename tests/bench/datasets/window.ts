import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from '@playwright/test'
import { answerOpenDialog, createProfile, quitApp, removeProfile, startApp, type TestApp } from '../../e2e/support/app.ts'
import { goTo, invoke } from '../../e2e/support/journey.ts'
import type { Measurement } from '../measure.ts'
import { prepareInputs } from './inputs.ts'

/** Names of the figures that are taken in the real window. */
export const windowFigures = ['datasets.frames-over-33ms', 'datasets.frame-p99', 'datasets.row-p99'] as const
type WindowFigure = (typeof windowFigures)[number]

/** Two frames of a screen at 60 Hz, told by a clock that counts tenths of a millisecond. */
const lateFrameMs = 33.45
/** The first frames belong to the start of the measurement itself. */
const leftOutFrames = 10
const lookedUpRows = 400
const untimedLookUps = 40
const scrollStepPx = 48
const pollMs = 200

/** Scrolls the row browser of one dataset while another one is checked, counted and scanned; then looks up rows of that one. */
export async function measureWindow(options: { bytes: number; say: (line: string) => void }): Promise<Measurement[]> {
  const folder = await mkdtemp(join(tmpdir(), 'tunesmith-bench-'))
  const profile = createProfile()
  try {
    const { corpus } = await prepareInputs(folder, { ...options, wantsSlice: false, wantsLarge: false })
    const small = await prepareInputs(await mkdtemp(join(folder, 'small-')), {
      ...options,
      bytes: 20_000_000,
      wantsSlice: false,
      wantsLarge: false,
    })
    const app = await startApp(profile)
    try {
      const shown = await importFile(app, small.corpus)
      await whenQuiet(app.page, shown)
      await goTo(app.page, `/datasets/${shown}?tab=rows`)
      await app.page.getByRole('grid').waitFor()
      const worked = await importFile(app, corpus)
      options.say('Scrolling while the corpus is checked, counted and scanned')
      const frames = await scrollUntilQuiet(app.page, worked)
      const lookups = await lookUpRows(app.page, worked)
      return [
        figure('datasets.frames-over-33ms', 0, frames.filter((ms) => ms > lateFrameMs).length, '', {
          frames: frames.length,
          longestMs: Math.max(...frames),
        }),
        figure('datasets.frame-p99', 25, quantile(frames, 0.99), 'ms', { p50: quantile(frames, 0.5) }),
        figure('datasets.row-p99', 5, quantile(lookups, 0.99), 'ms', { p50: quantile(lookups, 0.5) }),
      ]
    } finally {
      await quitApp(app)
    }
  } finally {
    removeProfile(profile)
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

const works: Readonly<Record<WindowFigure, string>> = {
  'datasets.frames-over-33ms': 'frames that took over 33 ms while the row browser is scrolled during all passes over the corpus',
  'datasets.frame-p99': '99 of 100 frames during the same, in ms',
  'datasets.row-p99': 'one row by its number, asked for in the page, 99 of 100 in ms',
}

function figure(name: WindowFigure, target: number, value: number, unit: Measurement['unit'], extra: Record<string, number>): Measurement {
  return {
    name,
    work: works[name],
    against: '–',
    target,
    rounds: 1,
    ratio: value,
    tunesmith: unit === 'ms' ? `${value.toFixed(1)} ms` : String(value),
    reference: '–',
    isAtLeast: false,
    unit,
    extra,
    ok: value <= target,
  }
}

async function importFile(app: TestApp, path: string): Promise<string> {
  await answerOpenDialog(app, path)
  const [file] = await invoke(app.page, 'datasets.pickFiles', {})
  if (file === undefined) throw new Error(`${path} was not taken`)
  const { id } = await invoke(app.page, 'datasets.import', { tokens: [file.token], name: file.fileName, mapping: null })
  return id
}

async function isQuiet(page: Page, id: string): Promise<boolean> {
  const { status, tasks, tokens } = await invoke(page, 'datasets.get', { id })
  if (status === 'importing' || status === 'validating' || tokens === null || tasks.length > 0) return false
  return (await invoke(page, 'datasets.getOverview', { id })).flags !== null
}

async function whenQuiet(page: Page, id: string): Promise<void> {
  while (!(await isQuiet(page, id))) await page.waitForTimeout(pollMs)
}

/** Durations of the frames in ms, from the first work on the dataset to the last. */
async function scrollUntilQuiet(page: Page, id: string): Promise<number[]> {
  await page.evaluate(
    ([step, skip]) => {
      const grid = document.querySelector('[role="grid"]')
      if (grid === null) throw new Error('There is no row browser')
      const state = { frames: [] as number[], isRunning: true }
      Object.assign(window, { benchFrames: state })
      let before = performance.now()
      let count = 0
      const onFrame = (now: number) => {
        if (count > skip) state.frames.push(now - before)
        before = now
        count += 1
        const end = grid.scrollHeight - grid.clientHeight
        grid.scrollTop = grid.scrollTop + step >= end ? 0 : grid.scrollTop + step
        if (state.isRunning) requestAnimationFrame(onFrame)
      }
      requestAnimationFrame(onFrame)
    },
    [scrollStepPx, leftOutFrames] as const,
  )
  // Asked outside the page, so that waiting adds nothing to its frames but a message now and then.
  await whenQuiet(page, id)
  return page.evaluate(() => {
    const { benchFrames } = window as unknown as { benchFrames: { frames: number[]; isRunning: boolean } }
    benchFrames.isRunning = false
    return benchFrames.frames
  })
}

/** Times of looking up rows all over the dataset, from the page and back, in ms. */
async function lookUpRows(page: Page, id: string): Promise<number[]> {
  const { stats } = await invoke(page, 'datasets.get', { id })
  return page.evaluate(
    async ([dataset, rows, count, untimed]) => {
      const { tunesmith } = window as unknown as { tunesmith: { invoke(route: string, input: unknown): Promise<{ ok: boolean }> } }
      const times: number[] = []
      // The first ones are untimed: they compile what the others only run.
      for (let at = -untimed; at < count; at += 1) {
        const row = Math.floor((rows * ((Math.abs(at) * 7919) % count)) / count)
        const startMs = performance.now()
        const { ok } = await tunesmith.invoke('datasets.getRow', { id: dataset, row })
        if (!ok) throw new Error(`Row ${row} was not read`)
        if (at >= 0) times.push(performance.now() - startMs)
      }
      return times
    },
    [id, stats?.rows ?? 0, lookedUpRows, untimedLookUps] as const,
  )
}

function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN
}
