// @vitest-environment jsdom
import { act, fireEvent, screen, waitFor, within } from '@testing-library/react'
import { expect, test, vi } from 'vitest'
import type { Dataset } from '../../../../preload/contract/datasets.ts'
import { aDataset, idOf, stats } from '../../../support/renderer/fixtures.ts'
import { renderWindow } from '../../../support/renderer/render-window.tsx'

const noErrors = { total: 0, byCode: [], errors: [] }

test('an empty list offers both next steps, and the sample opens its dataset', async () => {
  const sample = aDataset({ id: idOf(7), name: 'Allotment notes' })
  const main = await renderWindow('/datasets', {
    'datasets.listSamples': () => [{ id: 'allotment', title: 'Allotment notes', description: '', rows: 300 }],
    'datasets.importSample': () => sample,
    'datasets.get': () => sample,
  })
  expect(await screen.findByRole('button', { name: 'Import a file' })).toBeTruthy()
  fireEvent.click(await screen.findByRole('button', { name: 'Use the sample dataset' }))
  expect(await screen.findByRole('heading', { name: 'Allotment notes' })).toBeTruthy()
  expect(main.inputsOf('datasets.importSample')).toEqual([{ sampleId: 'allotment' }])
})

test('the window says that it is ready only when the page has its data', async () => {
  let answer: (list: Dataset[]) => void = () => undefined
  const list = new Promise<Dataset[]>((resolve) => (answer = resolve))
  await renderWindow('/datasets', { 'datasets.list': () => list })
  expect(await screen.findByText('Reading the datasets.')).toBeTruthy()
  expect(document.documentElement.dataset['appState']).toBeUndefined()
  await act(async () => answer([aDataset()]))
  await waitFor(() => expect(document.documentElement.dataset['appState']).toBe('ready'))
  expect(screen.getByRole('link', { name: 'Bicycle repair desk' })).toBeTruthy()
})

test('bad rows are never left out silently: the user decides, and training waits for the decision', async () => {
  let dataset = aDataset({
    status: 'error',
    isTrainable: false,
    stats: { ...stats, rows: 1216, validRows: 1204, errorRows: 12, errors: 14 },
  })
  const main = await renderWindow(`/datasets/${dataset.id}`, {
    'datasets.get': () => dataset,
    'datasets.acceptValidRows': ({ accept }) => (dataset = { ...dataset, acceptsValidRowsOnly: accept, isTrainable: accept }),
    'datasets.listErrors': () => noErrors,
  })
  const train = await screen.findByRole<HTMLButtonElement>('button', { name: 'Train on it' })
  expect(train.disabled).toBe(true)
  fireEvent.click(screen.getByRole('button', { name: 'Use the 1,204 usable rows' }))
  await waitFor(() => expect(screen.getByRole<HTMLButtonElement>('button', { name: 'Train on it' }).disabled).toBe(false))
  fireEvent.click(screen.getByRole('button', { name: 'Keep fixing instead' }))
  await waitFor(() => expect(screen.getByRole<HTMLButtonElement>('button', { name: 'Train on it' }).disabled).toBe(true))
  expect(main.inputsOf('datasets.acceptValidRows')).toEqual([
    { id: dataset.id, accept: true },
    { id: dataset.id, accept: false },
  ])
})

test('"Keep fixing" leads to the issues, each with its true line, its place and what to do', async () => {
  const dataset = aDataset({ status: 'error', isTrainable: false, stats: { ...stats, validRows: 299, errorRows: 1, errors: 1 } })
  await renderWindow(`/datasets/${dataset.id}`, {
    'datasets.get': () => dataset,
    'datasets.listErrors': () => ({
      total: 1,
      byCode: [{ code: 'ROLE_UNKNOWN', count: 1 }],
      errors: [
        {
          line: 3311,
          pointer: '/messages/0/role',
          code: 'ROLE_UNKNOWN',
          message: 'The role “bot” is not known.',
          suggestion: 'Rename it.',
        },
      ],
    }),
  })
  fireEvent.click(await screen.findByRole('button', { name: 'Keep fixing' }))
  const table = await screen.findByRole('table')
  const cells = within(table)
    .getAllByRole('cell')
    .map((cell) => cell.textContent)
  expect(cells).toEqual(['3,311', '/messages/0/role', 'The role “bot” is not known.', 'Rename it.'])
})

test('a deleted dataset can be brought back from the message', async () => {
  const dataset = aDataset()
  const main = await renderWindow(`/datasets/${dataset.id}`, {
    'datasets.get': () => dataset,
    'datasets.delete': () => ({ done: true }),
    'datasets.undoDelete': () => dataset,
  })
  fireEvent.click(await screen.findByRole('button', { name: 'Delete dataset' }))
  fireEvent.click(await screen.findByRole('button', { name: 'Undo', hidden: true }))
  await waitFor(() => expect(main.inputsOf('datasets.undoDelete')).toEqual([{ id: dataset.id }]))
})

test('rows are read by the page around the chosen one, and their text is never markup', async () => {
  vi.spyOn(HTMLElement.prototype, 'offsetHeight', 'get').mockReturnValue(320)
  const dataset = aDataset()
  const attack = '<img src=x onerror="alert(1)"><b>bold</b>'
  const main = await renderWindow(`/datasets/${dataset.id}?tab=rows`, {
    'datasets.get': () => dataset,
    'datasets.listRows': ({ offset = 0, limit = 50 }) => ({
      total: 950,
      rows: Array.from({ length: Math.min(limit, 950 - offset) }, (_, index) => ({
        line: offset + index + 1,
        messages: [
          { role: 'user' as const, content: attack },
          { role: 'assistant' as const, content: `answer ${offset + index + 1}` },
        ],
      })),
    }),
  })
  const list = await screen.findByRole('listbox', { name: '950 rows' })
  expect(await screen.findByText('answer 1')).toBeTruthy()
  expect(screen.getAllByText(attack).length).toBeGreaterThan(0)
  expect(document.querySelector('main img, main .conversation p b')).toBeNull()
  await act(async () => fireEvent.keyDown(list, { key: 'End' }))
  expect(await screen.findByText('answer 950')).toBeTruthy()
  expect(await screen.findByRole('region', { name: 'Line 950' })).toBeTruthy()
  const offsets = main.inputsOf('datasets.listRows').map((input) => (input as { offset: number }).offset)
  expect(offsets).toContain(900)
  expect(offsets.length).toBeLessThan(6)
})

test('a file that could not be read says why and can be checked again', async () => {
  const dataset = aDataset({
    status: 'error',
    isTrainable: false,
    stats: null,
    errorMessage: 'The file is not text. Export it as JSON Lines.',
  })
  const main = await renderWindow(`/datasets/${dataset.id}`, { 'datasets.get': () => dataset, 'datasets.validateAgain': () => dataset })
  expect((await screen.findByRole('alert')).textContent).toContain('The file is not text')
  fireEvent.click(screen.getByRole('button', { name: 'Check again' }))
  await waitFor(() => expect(main.inputsOf('datasets.validateAgain')).toEqual([{ id: dataset.id }]))
})
