// @vitest-environment jsdom
import { act, fireEvent, screen, waitFor, within } from '@testing-library/react'
import { beforeEach, describe, expect, it, test, vi } from 'vitest'
import type { RouteInput } from '../../../../preload/contract/contract.ts'
import type { RunLogLine } from '../../../../preload/contract/runs.ts'
import { cutAtMatches, neighbourMatch, placeAfterKey } from '../../../../renderer/features/runs/log/log-selection.ts'
import { renderWindow } from '../../../support/renderer/render-window.tsx'
import { createRun } from './fixtures.ts'

type ListInput = RouteInput<'runs.listLog'>

const run = createRun()
const line = (place: number): RunLogLine => ({
  id: place + 1,
  atMs: 1_800_000_000_000 + place,
  level: 'info',
  source: 'worker',
  message: `line ${place}`,
})
const lines = (first: number, count: number) => Array.from({ length: Math.max(0, count) }, (_unused, index) => line(first + index))
const logOf =
  (total: () => number) =>
  ({ offset = 0, limit = 500 }: ListInput) => ({ total: total(), lines: lines(offset, Math.min(limit, total() - offset)) })

async function openLog(routes: Parameters<typeof renderWindow>[1]) {
  const main = await renderWindow(`/runs/${run.id}`, {
    'runs.get': () => run,
    'runs.listMetrics': () => ({ points: [], checkpoints: [], cursor: 0 }),
    'runs.listSamples': () => [],
    'runs.listMaskSamples': () => [],
    ...routes,
  })
  await act(async () => fireEvent.click(await screen.findByRole('tab', { name: 'Log' })))
  return main
}

const list = () => screen.findByRole('listbox')
const press = (element: Element, key: string, more: object = {}) => act(async () => fireEvent.keyDown(element, { key, ...more }))

beforeEach(() => {
  vi.spyOn(Element.prototype, 'clientHeight', 'get').mockReturnValue(320)
})

test('of 50,000 lines only those in sight are drawn and read, and new ones are followed to the end', async () => {
  let total = 50_000
  const main = await openLog({ 'runs.listLog': logOf(() => total) })
  const box = await list()
  expect(await within(box).findByText('line 49999')).toBeTruthy()
  expect(within(box).getAllByRole('option').length).toBeLessThan(60)
  total = 50_001
  await act(async () => main.emit('runs.logged', { id: run.id, lines: [line(50_000)] }))
  expect(await within(box).findByText('line 50000')).toBeTruthy()
  expect(main.inputsOf('runs.listLog').every((input) => (input as ListInput).limit !== undefined)).toBe(true)
  expect(main.inputsOf('runs.listLog').some((input) => ((input as ListInput).offset ?? 0) === 20_000)).toBe(false)
})

test('a match far from the lines in sight is found, counted and gone to in both directions', async () => {
  const searched: unknown[] = []
  await openLog({
    'runs.listLog': logOf(() => 50_000),
    'runs.searchLog': (input) => {
      searched.push(input)
      return { places: [7, 30_000, 49_998] }
    },
  })
  const box = await list()
  await within(box).findByText('line 49999')
  const field = screen.getByRole('searchbox', { name: 'Search the log' })
  await act(async () => fireEvent.change(field, { target: { value: 'line' } }))
  expect(await screen.findByText('3 of 3 matches')).toBeTruthy()
  await press(field, 'Enter')
  expect(await screen.findByText('1 of 3 matches')).toBeTruthy()
  expect((await within(box).findByRole('option', { selected: true })).textContent).toContain('line 7')
  await press(field, 'Enter', { shiftKey: true })
  expect(await screen.findByText('3 of 3 matches')).toBeTruthy()
  expect(searched).toEqual([{ id: run.id, filter: { source: 'all', level: 'info' }, text: 'line' }])
})

test('lines chosen by keyboard are copied from main, also those that were never drawn', async () => {
  const copied: unknown[] = []
  await openLog({
    'runs.listLog': logOf(() => 1_000),
    'runs.copyLog': (input) => {
      copied.push(input)
      return { done: true as const }
    },
  })
  const box = await list()
  await within(box).findByText('line 999')
  await press(box, 'Home')
  await press(box, 'End', { shiftKey: true })
  await press(box, 'c', { ctrlKey: true })
  await waitFor(() => expect(copied).toEqual([{ id: run.id, filter: { source: 'all', level: 'info' }, first: 0, last: 999 }]))
  expect(screen.getByRole('button', { name: 'Copy 1,000 lines' })).toBeTruthy()
})

test('narrowing asks main for the narrowed log, and the export takes the same lines', async () => {
  const exported: unknown[] = []
  const main = await openLog({
    'runs.listLog': ({ filter }) => ({ total: filter?.source === 'worker' ? 0 : 3, lines: filter?.source === 'worker' ? [] : lines(0, 3) }),
    'runs.exportLog': (input) => {
      exported.push(input)
      return null
    },
  })
  await within(await list()).findByText('line 2')
  await act(async () => fireEvent.change(screen.getByRole('combobox', { name: 'Source' }), { target: { value: 'worker' } }))
  expect(await screen.findByText('No line of this source and level. Choose others above.')).toBeTruthy()
  expect(main.inputsOf('runs.listLog').at(-1)).toMatchObject({ filter: { source: 'worker', level: 'info' } })
  await act(async () => fireEvent.click(screen.getByRole('button', { name: 'Export' })))
  await act(async () => fireEvent.click(await screen.findByRole('menuitem', { name: 'As JSON lines' })))
  await waitFor(() => expect(exported).toEqual([{ id: run.id, filter: { source: 'worker', level: 'info' }, format: 'jsonl' }]))
})

test('a log that cannot be read says so and can be asked for again', async () => {
  let isBroken = true
  await openLog({
    'runs.listLog': (input) => {
      // The stand-in of main sends what is thrown as the answer.
      if (isBroken) throw { code: 'INTERNAL', message: 'The log could not be read.', retryable: true }
      return logOf(() => 2)(input)
    },
  })
  const again = await screen.findByRole('button', { name: /try again/i }, { timeout: 5_000 })
  isBroken = false
  await act(async () => fireEvent.click(again))
  expect(await within(await list()).findByText('line 1')).toBeTruthy()
})

describe('places in the log', () => {
  it('a key would lead out of the list', () => {
    const facts = { total: 10, perPage: 4 }
    expect(['ArrowUp', 'PageUp', 'Home', 'ArrowDown', 'PageDown', 'End', 'x'].map((key) => placeAfterKey(key, 8, facts))).toEqual([
      7,
      4,
      0,
      9,
      9,
      9,
      undefined,
    ])
    expect(placeAfterKey('ArrowDown', 0, { total: 0, perPage: 4 })).toBeUndefined()
  })

  it('the search would stop at the ends instead of going round', () => {
    expect(neighbourMatch([3, 9], 9, 'next')).toBe(3)
    expect(neighbourMatch([3, 9], 3, 'previous')).toBe(9)
    expect(neighbourMatch([], 3, 'next')).toBeUndefined()
  })

  it('marks would cut a message wrongly where a letter grows with its case', () => {
    expect(cutAtMatches('Disk full, disk', 'disk').map(({ text }) => text)).toEqual(['Disk', ' full, ', 'disk'])
    expect(cutAtMatches('İstanbul disk', 'disk')).toEqual([{ text: 'İstanbul disk', isMatch: false }])
  })
})
