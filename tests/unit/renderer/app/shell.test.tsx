// @vitest-environment jsdom
import { act, fireEvent, screen, waitFor, within } from '@testing-library/react'
import { expect, test } from 'vitest'
import type { Notification } from '../../../../preload/contract/notifications.ts'
import { aDataset, aPreview, idOf } from '../../../support/renderer/fixtures.ts'
import { renderWindow } from '../../../support/renderer/render-window.tsx'
import { createRun } from '../runs/fixtures.ts'

// The heading is hidden from assistive tools while a dialog is open.
const title = () => screen.getByRole('heading', { level: 1, hidden: true }).textContent

test('the palette opens by shortcut, finds by any part of a name, and Enter goes there', async () => {
  const dataset = aDataset({ name: 'Bicycle repair desk' })
  await renderWindow('/datasets', { 'datasets.list': () => [dataset], 'datasets.get': () => dataset })
  fireEvent.keyDown(document.body, { key: 'k', ctrlKey: true })
  const field = await screen.findByRole('searchbox', { name: /Search pages/ })
  fireEvent.change(field, { target: { value: 'REPAIR' } })
  expect((await screen.findAllByRole('option')).map((option) => option.textContent)).toEqual(['Bicycle repair deskDataset'])
  fireEvent.keyDown(field, { key: 'Enter' })
  expect(await screen.findByRole('heading', { level: 2, name: dataset.name })).toBeTruthy()
  expect(screen.queryByRole('dialog')).toBeNull()
})

test('arrows in the palette stay inside the list, and the marked entry is told to screen readers', async () => {
  await renderWindow('/datasets', {})
  fireEvent.keyDown(document.body, { key: 'k', ctrlKey: true })
  const field = await screen.findByRole('searchbox', { name: /Search pages/ })
  fireEvent.keyDown(field, { key: 'ArrowUp' })
  const marked = () => document.querySelector(`[id="${field.getAttribute('aria-activedescendant') ?? ''}"]`)
  expect(marked()?.textContent).toBe('New runAction')
  fireEvent.change(field, { target: { value: 'nothing like it' } })
  fireEvent.keyDown(field, { key: 'ArrowDown' })
  fireEvent.keyDown(field, { key: 'Enter' })
  expect(screen.getByText('Nothing has this name.')).toBeTruthy()
  expect(title()).toBe('Datasets')
})

test('commands of the menu and clicked system notices move the window', async () => {
  const main = await renderWindow('/datasets', {
    'datasets.pickFiles': () => [aPreview()],
  })
  await act(async () => main.emit('settings.commandRequested', { command: 'go_costs' }))
  await waitFor(() => expect(title()).toBe('Costs'))
  await act(async () => main.emit('notifications.opened', { page: 'datasets', id: idOf(1) }))
  await waitFor(() => expect(title()).toBe('Dataset'))
  await act(async () => main.emit('settings.commandRequested', { command: 'import_dataset' }))
  expect(await screen.findByRole('dialog', { name: 'Import this file' })).toBeTruthy()
})

test('the active run is on every page with what is left of it, and lost contact is said, not guessed over', async () => {
  let run = createRun({ progress: 0.624, etaMs: 1_080_000, endpointKind: 'local' })
  const main = await renderWindow('/datasets', { 'runs.list': ({ status }) => (status === 'active' ? [run] : []) })
  const chip = await screen.findByRole('link', { name: /Active run/ })
  expect(chip.textContent).toContain('62 %')
  expect(chip.textContent).toContain('18 min left')
  run = { ...run, contactLost: 'The worker does not answer.' }
  await act(async () => main.emit('runs.changed', { id: run.id }))
  await waitFor(() => expect(chip.textContent).toContain('No contact'))
  expect(chip.textContent).not.toContain('left')
})

test('a notice leads to what it is about and is read from then on', async () => {
  const notice: Notification = {
    id: idOf(60),
    type: 'dataset_ready',
    priority: 'low',
    title: 'Dataset checked',
    message: '300 rows.',
    target: { page: 'datasets', id: idOf(1) },
    isRead: false,
    createdAtMs: 1_790_000_000_000,
  }
  const main = await renderWindow('/settings', {
    'notifications.list': () => ({ unread: 1, notifications: [notice] }),
    'notifications.markRead': () => ({ done: true }),
    'datasets.get': () => aDataset(),
  })
  fireEvent.click(await screen.findByRole('button', { name: 'Notifications, 1 unread' }))
  const panel = await screen.findByRole('dialog', { name: 'Notifications' })
  fireEvent.click(within(panel).getByRole('button', { name: /Dataset checked/ }))
  await waitFor(() => expect(title()).toBe('Dataset'))
  expect(main.inputsOf('notifications.markRead')).toEqual([{ id: notice.id }])
})

test('a page whose data cannot be read keeps the sidebar, says what failed and can be tried again', async () => {
  let isBroken = true
  await renderWindow('/datasets', {
    'datasets.list': () => {
      if (isBroken) throw { code: 'DATABASE_DAMAGED', message: 'The data could not be read. Restart the app.', retryable: false }
      return [aDataset()]
    },
  })
  const alert = await screen.findByRole('alert')
  expect(alert.textContent).toContain('The data could not be read. Restart the app.')
  expect(screen.getByRole('link', { name: 'Runs' })).toBeTruthy()
  isBroken = false
  fireEvent.click(within(alert).getByRole('button', { name: 'Try again' }))
  expect(await screen.findByRole('link', { name: 'Bicycle repair desk' })).toBeTruthy()
})
