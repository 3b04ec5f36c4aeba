import type { RouteParsed } from '../../../preload/contract/contract.ts'
import type { AppInfo } from '../../../preload/contract/settings.ts'
import type { FeatureHandlers } from '../../ipc/router.ts'
import { diagnosticsText } from './diagnostics.ts'
import type { SettingsService } from './service.ts'

interface SettingsHandlerDependencies {
  readonly service: SettingsService
  readonly appInfo: () => AppInfo
  readonly openFolder: (path: string) => Promise<void>
  readonly dataFolder: string
  readonly openExternal: (url: string) => Promise<void>
  readonly copyText: (text: string) => void
  readonly lastLogLines: () => string
}

/** The only pages the app ever opens outside; the window names one, never an address. */
const links: Readonly<Record<RouteParsed<'settings.openLink'>['link'], string>> = {
  runpod_console: 'https://console.runpod.io/serverless',
  runpod_api_keys: 'https://console.runpod.io/user/settings',
  huggingface_models: 'https://huggingface.co/models',
  python_downloads: 'https://www.python.org/downloads/',
}

/** The routes of the settings and of the app's own facts. */
export function createSettingsHandlers(dependencies: SettingsHandlerDependencies): FeatureHandlers<'settings'> {
  const { service, appInfo, openFolder, dataFolder, openExternal, copyText, lastLogLines } = dependencies
  return {
    'settings.get': () => service.get(),
    'settings.update': (change) => service.update(change),
    'settings.appInfo': () => appInfo(),
    'settings.revealDataFolder': async () => {
      await openFolder(dataFolder)
      return { done: true }
    },
    'settings.copyDiagnostics': () => {
      copyText(diagnosticsText(appInfo(), lastLogLines()))
      return { done: true }
    },
    'settings.openLink': async ({ link }) => {
      await openExternal(links[link])
      return { done: true }
    },
  }
}
