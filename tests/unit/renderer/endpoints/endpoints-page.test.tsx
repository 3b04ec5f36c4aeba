// @vitest-environment jsdom
import { act, fireEvent, screen, waitFor, within } from '@testing-library/react'
import { expect, test } from 'vitest'
import type { ConnectionReport } from '../../../../preload/contract/endpoints.ts'
import { aLocalState, anEndpoint, idOf } from '../../../support/renderer/fixtures.ts'
import { renderWindow } from '../../../support/renderer/render-window.tsx'

const ready = aLocalState({ status: 'ready', version: '3.12.4', message: 'Python is ready.', progress: null })
const report: ConnectionReport = {
  isOk: false,
  code: 'KEY_REFUSED',
  summary: 'RunPod refuses the API key (401).',
  advice: 'Make a new key and replace it here.',
  checks: [{ name: 'API key', isOk: false, text: 'RunPod answered 401.' }],
  checkedAtMs: 1_790_000_000_000,
}
const runpod = anEndpoint({
  id: idOf(21),
  kind: 'runpod',
  name: 'Studio',
  runpodEndpointId: 'abc123def456',
  key: { stored: 'session', lastFour: 'CDEF' },
  canTrain: false,
  cannotTrainReason: 'Runs on RunPod are not part of this version.',
  lastReport: report,
})
const secret = 'rpa_0123456789ABCDEF'

async function fill(dialog: HTMLElement, values: Readonly<Record<string, string>>) {
  for (const [label, value] of Object.entries(values)) fireEvent.change(within(dialog).getByLabelText(label), { target: { value } })
  await act(async () => fireEvent.click(within(dialog).getByRole('button', { name: 'Add and test' })))
}

test('a wrong id or key is refused at its field, before anything is sent', async () => {
  const main = await renderWindow('/endpoints', { 'endpoints.list': () => [anEndpoint()], 'endpoints.localState': () => ready })
  fireEvent.click(await screen.findByRole('button', { name: 'Add RunPod' }))
  const dialog = await screen.findByRole('dialog')
  await fill(dialog, { Name: 'Studio', 'Endpoint id': 'a b', 'API key': 'short' })
  expect(await within(dialog).findByText('The key is too short')).toBeTruthy()
  expect(within(dialog).getByLabelText('Endpoint id').getAttribute('aria-invalid')).toBe('true')
  expect(main.inputsOf('endpoints.addRunpod')).toEqual([])
})

test('an added endpoint is tested at once, and nothing of its key stays in the window', async () => {
  let endpoints = [anEndpoint()]
  const main = await renderWindow('/endpoints', {
    'endpoints.list': () => endpoints,
    'endpoints.localState': () => ready,
    'endpoints.addRunpod': () => {
      endpoints = [...endpoints, runpod]
      return runpod
    },
    'endpoints.testConnection': () => report,
  })
  fireEvent.click(await screen.findByRole('button', { name: 'Add RunPod' }))
  const dialog = await screen.findByRole('dialog')
  expect(within(dialog).getByLabelText('API key').getAttribute('type')).toBe('password')
  await fill(dialog, { Name: 'Studio', 'Endpoint id': 'abc123def456', 'API key': secret })
  const card = await screen.findByRole('region', { name: 'Studio' })
  await waitFor(() => expect(main.inputsOf('endpoints.testConnection')).toEqual([{ id: runpod.id }]))
  expect(within(card).getByText('…CDEF, until the app quits')).toBeTruthy()
  expect(within(card).getByText('API key: RunPod answered 401.')).toBeTruthy()
  await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull())
  expect(document.documentElement.outerHTML).not.toContain(secret)
})

test('without a keychain the page and the form say that keys are forgotten', async () => {
  const message = 'This computer has no keychain. Keys are kept until the app quits.'
  await renderWindow('/endpoints', {
    'endpoints.list': () => [anEndpoint()],
    'endpoints.localState': () => ready,
    'endpoints.keychainStatus': () => ({ isAvailable: false, message }),
  })
  expect(await screen.findByText(message)).toBeTruthy()
  fireEvent.click(screen.getByRole('button', { name: 'Add RunPod' }))
  expect(within(await screen.findByRole('dialog')).getByText(new RegExp(message))).toBeTruthy()
})

test('an endpoint can be renamed, and deleted only after a question', async () => {
  const main = await renderWindow('/endpoints', {
    'endpoints.list': () => [runpod],
    'endpoints.rename': () => runpod,
    'endpoints.delete': () => ({ done: true }),
  })
  fireEvent.click(await screen.findByRole('button', { name: 'Rename Studio' }))
  const rename = await screen.findByRole('dialog', { name: 'Rename endpoint' })
  fireEvent.change(within(rename).getByLabelText('Name'), { target: { value: 'Studio B' } })
  fireEvent.click(within(rename).getByRole('button', { name: 'Rename' }))
  await waitFor(() => expect(main.inputsOf('endpoints.rename')).toEqual([{ id: runpod.id, name: 'Studio B' }]))
  await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull())
  fireEvent.click(screen.getByRole('button', { name: 'Delete' }))
  expect(main.inputsOf('endpoints.delete')).toEqual([])
  fireEvent.click(
    within(await screen.findByRole('alertdialog').catch(() => screen.getByRole('dialog'))).getByRole('button', { name: 'Delete endpoint' }),
  )
  await waitFor(() => expect(main.inputsOf('endpoints.delete')).toEqual([{ id: runpod.id }]))
})

test('setting up Python: the button starts it and progress is shown as main tells it', async () => {
  const missing = aLocalState({ status: 'not_set_up', version: '3.12.4', message: 'Packages are missing.', progress: null })
  const main = await renderWindow('/endpoints', {
    'endpoints.list': () => [anEndpoint()],
    'endpoints.localState': () => missing,
    'endpoints.setUpLocal': () => ({ done: true }),
  })
  fireEvent.click(await screen.findByRole('button', { name: 'Set up' }))
  await waitFor(() => expect(main.inputsOf('endpoints.setUpLocal')).toHaveLength(1))
  const working = aLocalState({ status: 'setting_up', version: '3.12.4', message: 'Downloading PyTorch', progress: 0.53 })
  await act(async () => main.emit('endpoints.localChanged', working))
  expect((await screen.findByRole('progressbar', { name: 'Setting up Python' })).getAttribute('aria-valuenow')).toBe('53')
  expect(screen.queryByRole('button', { name: 'Set up' })).toBeNull()
})
