// @vitest-environment jsdom
import { act, fireEvent, screen, waitFor, within } from '@testing-library/react'
import { expect, test } from 'vitest'
import { aDataset, aPreview, idOf } from '../../../support/renderer/fixtures.ts'
import { renderWindow } from '../../../support/renderer/render-window.tsx'

function drop(...files: File[]) {
  return act(async () => fireEvent.drop(document.body, { dataTransfer: { types: ['Files'], files } }))
}

const file = new File(['{}'], 'support chats.jsonl')
const importButton = () => screen.getByRole<HTMLButtonElement>('button', { name: 'Import' })

test('a dropped file is shown first and imported only on the button, under the chosen name', async () => {
  const imported = aDataset({ id: idOf(5), name: 'Support' })
  const main = await renderWindow('/settings', {
    'datasets.previewDrop': () => aPreview(),
    'datasets.import': () => imported,
    'datasets.get': () => imported,
  })
  await drop(file)
  const dialog = await screen.findByRole('dialog', { name: 'Import this file' })
  expect(within(dialog).getByText('OpenAI messages')).toBeTruthy()
  expect(within(dialog).getByText('JSON Lines · UTF-8')).toBeTruthy()
  expect(within(dialog).getByText('The first 50 lines hold a list of messages.')).toBeTruthy()
  expect(within(dialog).getByText('Clean the rim first.')).toBeTruthy()
  expect(main.inputsOf('datasets.import')).toEqual([])
  fireEvent.change(within(dialog).getByLabelText('Name'), { target: { value: 'Support' } })
  fireEvent.click(importButton())
  expect(await screen.findByRole('heading', { name: 'Support' })).toBeTruthy()
  expect(main.inputsOf('datasets.import')).toEqual([{ tokens: [aPreview().token], name: 'Support', mapping: null }])
})

test('a file of an unknown shape says so and cannot be imported', async () => {
  const problem = 'This is not a file of conversations. Export it as JSON Lines.'
  await renderWindow('/runs', { 'datasets.previewDrop': () => aPreview({ shape: null, firstConversation: null, problem }) })
  await drop(file)
  expect((await screen.findByRole('alert')).textContent).toBe(problem)
  expect(importButton().disabled).toBe(true)
})

test('a file that cannot even be looked at leaves the others and says why', async () => {
  let calls = 0
  await renderWindow('/datasets', {
    'datasets.previewDrop': () => {
      calls += 1
      if (calls === 2) throw { code: 'DATASET_FILE_UNREADABLE', message: 'The folder cannot be read as a file.', retryable: false }
      return aPreview()
    },
  })
  await drop(file, new File([], 'folder'))
  expect(await screen.findByText('The folder cannot be read as a file.')).toBeTruthy()
  expect(screen.getByText('support chats.jsonl')).toBeTruthy()
  await waitFor(() => expect(importButton().disabled).toBe(false))
})

test('the same file again offers the dataset that holds it already', async () => {
  const dataset = aDataset()
  await renderWindow('/costs', {
    'datasets.previewDrop': () => aPreview({ existingDatasetId: dataset.id }),
    'datasets.get': () => dataset,
  })
  await drop(file)
  fireEvent.click(await screen.findByRole('button', { name: 'Open the dataset' }))
  expect(await screen.findByRole('heading', { name: dataset.name })).toBeTruthy()
})

test('several files become one dataset in the order shown, which can be changed', async () => {
  let next = 90
  const imported = aDataset({ id: idOf(6) })
  const main = await renderWindow('/datasets', {
    'datasets.previewDrop': () => aPreview({ token: idOf((next += 1)), fileName: `part ${next}.jsonl` }),
    'datasets.import': () => imported,
    'datasets.get': () => imported,
  })
  await drop(file, file, file)
  const dialog = await screen.findByRole('dialog', { name: 'Import 3 files as one dataset' })
  fireEvent.click(within(dialog).getByRole('button', { name: 'Move part 93.jsonl up' }))
  fireEvent.click(within(dialog).getByRole('button', { name: 'Leave out part 91.jsonl' }))
  expect(
    within(dialog)
      .getAllByRole('heading', { level: 3 })
      .map(({ textContent }) => textContent),
  ).toEqual(['1part 93.jsonl', '2part 92.jsonl'])
  await act(async () => fireEvent.click(importButton()))
  expect(main.inputsOf('datasets.import')).toEqual([{ tokens: [idOf(93), idOf(92)], name: 'part 93', mapping: null }])
})

test('a faulty file among several stops the import until it is left out', async () => {
  let calls = 0
  await renderWindow('/datasets', {
    'datasets.previewDrop': () => {
      calls += 1
      return calls === 1 ? aPreview() : aPreview({ token: idOf(91), fileName: 'photo.jsonl', problem: 'This is a picture.' })
    },
  })
  await drop(file, file)
  expect(await screen.findByText('This is a picture.')).toBeTruthy()
  expect(importButton().disabled).toBe(true)
  fireEvent.click(screen.getByRole('button', { name: 'Leave out photo.jsonl' }))
  await waitFor(() => expect(importButton().disabled).toBe(false))
})

test('a table shows its first rows under the suggested columns, follows a change, and imports with it', async () => {
  const imported = aDataset({ id: idOf(8) })
  const table = aPreview({
    fileName: 'faq.csv',
    shape: null,
    firstConversation: null,
    columns: ['question', 'reply', 'topic'],
    suggestedMapping: { kind: 'chat', system: null, user: 'question', assistant: 'reply' },
  })
  const main = await renderWindow('/datasets', {
    'datasets.pickFiles': () => [table],
    'datasets.previewMapping': ({ mapping }) => ({
      rows: [{ line: 2, text: '', messages: [{ role: 'user', content: JSON.stringify(mapping) }], problem: null }],
    }),
    'datasets.import': () => imported,
    'datasets.get': () => imported,
  })
  fireEvent.click(await screen.findByRole('button', { name: 'Import a file' }))
  expect(await screen.findByText(/"assistant":"reply"/)).toBeTruthy()
  fireEvent.change(screen.getByLabelText('Assistant'), { target: { value: 'topic' } })
  expect(await screen.findByText(/"assistant":"topic"/)).toBeTruthy()
  fireEvent.change(screen.getByLabelText('User'), { target: { value: '' } })
  expect(importButton().disabled).toBe(true)
  fireEvent.change(screen.getByLabelText('User'), { target: { value: 'question' } })
  fireEvent.change(screen.getByLabelText('System prompt'), { target: { value: 'topic' } })
  await act(async () => fireEvent.click(importButton()))
  expect(main.inputsOf('datasets.import')).toEqual([
    { tokens: [table.token], name: 'faq', mapping: { kind: 'chat', system: 'topic', user: 'question', assistant: 'topic' } },
  ])
})

test('the window shows that it takes a file while one is dragged over it, and no longer when it leaves', async () => {
  await renderWindow('/datasets', {})
  const dragged = { dataTransfer: { types: ['Files'], files: [] } }
  await act(async () => fireEvent.dragOver(document.body, dragged))
  expect(screen.getByText('Drop the file to look at it')).toBeTruthy()
  const leave = Object.defineProperty(new Event('dragleave', { bubbles: true }), 'relatedTarget', { value: null })
  await act(async () => fireEvent(document.body, leave))
  await waitFor(() => expect(screen.queryByText('Drop the file to look at it')).toBeNull())
})
