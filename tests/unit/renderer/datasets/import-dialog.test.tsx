// @vitest-environment jsdom
import { act, fireEvent, screen, waitFor, within } from '@testing-library/react'
import { expect, test } from 'vitest'
import { aDataset, aPreview, idOf } from '../../../support/renderer/fixtures.ts'
import { renderWindow } from '../../../support/renderer/render-window.tsx'

function drop(...files: File[]) {
  return act(async () => fireEvent.drop(document.body, { dataTransfer: { types: ['Files'], files } }))
}

const file = new File(['{}'], 'support chats.jsonl')

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
  expect(within(dialog).getByText('Clean the rim first.')).toBeTruthy()
  expect(main.inputsOf('datasets.import')).toEqual([])
  fireEvent.change(within(dialog).getByLabelText('Name'), { target: { value: 'Support' } })
  fireEvent.click(within(dialog).getByRole('button', { name: 'Import' }))
  expect(await screen.findByRole('heading', { name: 'Support' })).toBeTruthy()
  expect(main.inputsOf('datasets.import')).toEqual([{ token: aPreview().token, name: 'Support' }])
})

test('a file of an unknown shape says so and cannot be imported', async () => {
  const problem = 'This is not a file of conversations. Export it as JSON Lines.'
  await renderWindow('/runs', { 'datasets.previewDrop': () => aPreview({ shape: null, firstConversation: null, problem }) })
  await drop(file)
  expect((await screen.findByRole('alert')).textContent).toBe(problem)
  expect(screen.getByRole<HTMLButtonElement>('button', { name: 'Import' }).disabled).toBe(true)
})

test('the same file again offers the dataset that holds it already', async () => {
  const dataset = aDataset()
  await renderWindow('/costs', {
    'costs.list': () => ({ totalMicroUsd: 0, runs: 0, records: [] }),
    'datasets.previewDrop': () => aPreview({ existingDatasetId: dataset.id }),
    'datasets.get': () => dataset,
  })
  await drop(file)
  fireEvent.click(await screen.findByRole('button', { name: 'Open the dataset' }))
  expect(await screen.findByRole('heading', { name: dataset.name })).toBeTruthy()
})

test('several files at once are refused instead of all but one being forgotten', async () => {
  const main = await renderWindow('/datasets', { 'datasets.previewDrop': () => aPreview() })
  await drop(file, new File(['{}'], 'b.jsonl'))
  expect((await screen.findByRole('alert')).textContent).toContain('one file at a time')
  expect(main.inputsOf('datasets.previewDrop')).toEqual([])
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
