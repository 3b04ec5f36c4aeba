// @vitest-environment jsdom
import { act, fireEvent, screen, waitFor, within } from '@testing-library/react'
import { expect, test } from 'vitest'
import type { Dataset } from '../../../../preload/contract/datasets.ts'
import { aDataset, anOverview, idOf, stats } from '../../../support/renderer/fixtures.ts'
import { renderWindow } from '../../../support/renderer/render-window.tsx'

async function openMenu(item: string): Promise<void> {
  fireEvent.click(await screen.findByRole('button', { name: 'More actions' }))
  fireEvent.click(await screen.findByRole('menuitem', { name: item }))
}

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
    'datasets.getOverview': () => anOverview(),
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

test('a deleted dataset can be brought back from the message', async () => {
  const dataset = aDataset()
  const main = await renderWindow(`/datasets/${dataset.id}`, {
    'datasets.get': () => dataset,
    'datasets.delete': () => ({ done: true }),
    'datasets.undoDelete': () => dataset,
  })
  await openMenu('Delete dataset')
  fireEvent.click(await screen.findByRole('button', { name: 'Undo', hidden: true }))
  await waitFor(() => expect(main.inputsOf('datasets.undoDelete')).toEqual([{ id: dataset.id }]))
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

test('figures that were not computed are dashes, and an estimate says that it is one', async () => {
  const dataset = aDataset({ tokens: null })
  await renderWindow(`/datasets/${dataset.id}`, {
    'datasets.get': () => dataset,
    'datasets.getOverview': () => anOverview({ tokens: null, trainedTokens: null, flags: null, scripts: null }),
  })
  const facts = await screen.findByRole('region', { name: 'Rows and text' })
  const valueOf = (label: string) => within(facts).getByText(label).nextElementSibling?.textContent
  expect(valueOf('Tokens')).toBe('–')
  expect(valueOf('Trained tokens')).toBe('–')
  expect(valueOf('Rows')).toBe('300')
  expect(screen.getByText('estimate ≈ 10,000 (characters ÷ 4)')).toBeTruthy()
  expect(
    within(screen.getByRole('figure', { name: 'Tokens per row' })).getByText('Choose a base model under Tokens to count them.'),
  ).toBeTruthy()
  expect(within(screen.getByRole('region', { name: 'Found in the texts' })).getByText('Not computed.')).toBeTruthy()
})

test('a dataset without tokens has a dash and no zero in the list', async () => {
  await renderWindow('/datasets', { 'datasets.list': () => [aDataset({ stats: null, status: 'validating', progress: 0.37 })] })
  const row = (await screen.findByRole('link', { name: 'Bicycle repair desk' })).closest('tr')
  const cells = [...(row?.querySelectorAll('td.number') ?? [])].map(({ textContent }) => textContent)
  expect(cells).toEqual(['–', '–', '–', '450 kB'])
  expect(screen.getByText('Checking 37 %')).toBeTruthy()
})

test('work that goes on shows how far it is and what is left, and can be cancelled', async () => {
  const dataset = aDataset({ tasks: [{ kind: 'tokens', progress: 0.42, leftMs: 64_000, bytesPerSecond: null }] })
  const main = await renderWindow(`/datasets/${dataset.id}`, {
    'datasets.get': () => dataset,
    'datasets.getOverview': () => anOverview(),
    'datasets.cancelTask': () => ({ ...dataset, tasks: [] }),
  })
  expect(await screen.findByText('42 % · 1 min 4 s left')).toBeTruthy()
  expect(screen.getByRole('progressbar', { name: 'Counting tokens' }).getAttribute('aria-valuenow')).toBe('42')
  fireEvent.click(screen.getByRole('button', { name: 'Cancel: Counting tokens' }))
  await waitFor(() => expect(screen.queryByRole('list', { name: 'Work in progress' })).toBeNull())
  expect(main.inputsOf('datasets.cancelTask')).toEqual([{ id: dataset.id, kind: 'tokens' }])
})

test('progress of a pass does not read the parts of the page again at every step', async () => {
  let dataset = aDataset({ tasks: [{ kind: 'tokens', progress: 0.1, leftMs: null, bytesPerSecond: null }] })
  const main = await renderWindow(`/datasets/${dataset.id}`, { 'datasets.get': () => dataset, 'datasets.getOverview': () => anOverview() })
  await screen.findByText('10 %')
  await waitFor(() => expect(main.inputsOf('datasets.getOverview')).toHaveLength(1))
  dataset = { ...dataset, tasks: [{ kind: 'tokens', progress: 0.2, leftMs: null, bytesPerSecond: null }] }
  await act(async () => main.emit('datasets.progressed', { id: dataset.id, status: 'ready', progress: 1, tasks: dataset.tasks }))
  await screen.findByText('20 %')
  expect(main.inputsOf('datasets.getOverview')).toHaveLength(1)
  dataset = { ...dataset, tasks: [] }
  await act(async () => main.emit('datasets.changed', { id: dataset.id }))
  await waitFor(() => expect(main.inputsOf('datasets.getOverview')).toHaveLength(2))
})

test('the distribution can be read as a table, and a bin leads to its rows', async () => {
  const dataset = aDataset()
  const main = await renderWindow(`/datasets/${dataset.id}`, {
    'datasets.get': () => dataset,
    'datasets.getOverview': () => anOverview(),
    'datasets.listIssues': () => [],
    'datasets.listRows': () => ({ total: 0, searched: 1, rows: [] }),
  })
  const figure = await screen.findByRole('figure', { name: 'Turns per row' })
  fireEvent.click(await within(figure).findByRole('button', { name: 'Table: Turns per row' }))
  const cells = within(within(figure).getByRole('table')).getAllByRole('row').slice(1)
  expect(cells.map(({ textContent }) => textContent)).toEqual(['2200Show rows', '4–5100Show rows'])
  fireEvent.click(within(figure).getByRole('button', { name: 'Show rows: 2' }))
  await waitFor(() => expect(main.inputsOf('datasets.listRows')[0]).toMatchObject({ filter: { turnsFrom: 2, turnsTo: 2 } }))
})

test('the undo keys take a change back, but not while something is being typed', async () => {
  let dataset = aDataset({ version: 2, canUndo: true })
  const main = await renderWindow(`/datasets/${dataset.id}?tab=rows`, {
    'datasets.get': () => dataset,
    'datasets.getOverview': () => anOverview(),
    'datasets.listIssues': () => [],
    'datasets.listRows': () => ({ total: 0, searched: 1, rows: [] }),
    'datasets.undoEdit': () => (dataset = { ...dataset, version: 1, canUndo: false, canRedo: true }),
  })
  fireEvent.keyDown(await screen.findByRole('searchbox', { name: 'Search in rows' }), { key: 'z', ctrlKey: true })
  expect(main.inputsOf('datasets.undoEdit')).toEqual([])
  fireEvent.keyDown(document.body, { key: 'z', ctrlKey: true })
  expect(await screen.findByText('version 1')).toBeTruthy()
  expect(main.inputsOf('datasets.undoEdit')).toEqual([{ id: dataset.id }])
})

test('an export says where it was written and how many rows each file has', async () => {
  const dataset = aDataset()
  const main = await renderWindow(`/datasets/${dataset.id}`, {
    'datasets.get': () => dataset,
    'datasets.getOverview': () => anOverview(),
    'datasets.export': () => ({
      folder: '/home/anna/export',
      files: [{ name: 'train.jsonl', rows: 285, bytes: 400_000 }],
      refusedRows: 0,
      refusedReasons: [],
    }),
  })
  await openMenu('Export…')
  fireEvent.click(await screen.findByRole('radio', { name: /Alpaca/ }))
  fireEvent.click(screen.getByRole('button', { name: 'Choose folder and export' }))
  expect(await screen.findByText('Saved in /home/anna/export')).toBeTruthy()
  expect(screen.getByText('train.jsonl: 285 rows, 400 kB')).toBeTruthy()
  expect(main.inputsOf('datasets.export')).toEqual([{ id: dataset.id, layout: 'alpaca' }])
})
