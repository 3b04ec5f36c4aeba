// @vitest-environment jsdom
import { QueryClient } from '@tanstack/react-query'
import { expect, test, vi } from 'vitest'
import { AppError } from '../../../../preload/contract/errors.ts'
import { bridge } from '../../../../renderer/lib/bridge.ts'
import { connectLiveQueries } from '../../../../renderer/lib/live-queries.ts'
import { installFakeBridge } from '../../../support/renderer/fake-bridge.ts'
import { freshSettings } from '../../../support/renderer/render-window.tsx'

test('a refusal of main arrives as the same typed error, with its code, details and retryable mark', async () => {
  installFakeBridge({
    'runs.get': () => {
      throw { code: 'ENDPOINT_UNREACHABLE', message: 'No answer. Try again.', details: { status: 503 }, retryable: true }
    },
  })
  const failure = await bridge.invoke('runs.get', { id: 'x' }).catch((error: unknown) => error)
  expect(failure).toBeInstanceOf(AppError)
  expect(failure).toMatchObject({
    code: 'ENDPOINT_UNREACHABLE',
    message: 'No answer. Try again.',
    details: { status: 503 },
    retryable: true,
  })
})

test('a dropped file travels as a file, so that the page never names a path', async () => {
  const main = installFakeBridge({ 'datasets.previewDrop': () => ({}) as never })
  const file = new File(['{}'], 'a.jsonl')
  await bridge.previewDroppedFile(file)
  expect(main.calls).toEqual([{ route: 'datasets.previewDrop', input: file }])
})

test('events of main mark only their own answers as old, and stop when the window closes', () => {
  const main = installFakeBridge({})
  const client = new QueryClient()
  client.setQueryData(['runs', 'list'], [])
  client.setQueryData(['datasets', 'list'], [])
  const isOld = (...key: string[]) => client.getQueryState(key)?.isInvalidated
  const stop = connectLiveQueries(client)
  main.emit('runs.changed', { id: 'x' })
  expect([isOld('runs', 'list'), isOld('datasets', 'list')]).toEqual([true, false])
  main.emit('settings.changed', { ...freshSettings, theme: 'dark' })
  expect(client.getQueryData(['settings'])).toMatchObject({ theme: 'dark' })
  stop()
  const refresh = vi.spyOn(client, 'invalidateQueries')
  main.emit('datasets.changed', { id: 'x' })
  expect(refresh).not.toHaveBeenCalled()
})
