import { act, cleanup, render } from '@testing-library/react'
import { afterEach } from 'vitest'
import { settingsSchema } from '../../../preload/contract/settings.ts'
import { aCostOverview } from './fixtures.ts'
import { installFakeBridge } from './fake-bridge.ts'

type Answers = Parameters<typeof installFakeBridge>[0]

/** The clock of the machine, whatever a test puts in its place. */
const { setTimeout: afterTurns } = globalThis

// A window left open past its file's last test hears of its queries when there is no page any more, which fails the whole run.
afterEach(async () => {
  cleanup()
  await new Promise<void>((resolve) => void afterTurns(resolve, 0))
})

/** Settings of a fresh profile. */
export const freshSettings = settingsSchema.parse({ osNotifications: {} })

const quiet: Answers = {
  'settings.get': () => freshSettings,
  'runs.list': () => [],
  'adapters.list': () => [],
  'datasets.list': () => [],
  'datasets.listSamples': () => [],
  'datasets.listVocabularies': () => [],
  'notifications.list': () => ({ unread: 0, notifications: [] }),
  'endpoints.list': () => [],
  'endpointSetups.list': () => [],
  'costs.overview': () => aCostOverview(),
  'endpoints.keychainStatus': () => ({ isAvailable: true, message: 'Keys are kept in the keychain.' }),
}

function addMissingBrowserParts(): void {
  window.matchMedia = (query) =>
    ({ matches: false, media: query, addEventListener() {}, removeEventListener() {} }) as unknown as MediaQueryList
  window.scrollTo = () => undefined
  Element.prototype.scrollIntoView = () => undefined
  globalThis.ResizeObserver = class {
    observe() {}
    unobserve() {}
    disconnect() {}
  }
}

/** Draws the whole window at an address, over a stand-in of main. */
export async function renderWindow(address: string, answers: Answers) {
  cleanup()
  addMissingBrowserParts()
  delete document.documentElement.dataset['appState']
  const main = installFakeBridge({ ...quiet, ...answers })
  window.location.hash = address
  const { importStore } = await import('../../../renderer/features/datasets/import-store.ts')
  importStore.getState().close()
  const { App } = await import('../../../renderer/app/App.tsx')
  await act(async () => {
    render(<App />)
  })
  return main
}
