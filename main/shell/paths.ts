import { join } from 'node:path'
import { app } from 'electron'

/** Every place on disk the app uses; only this file asks the system for one. */
export interface AppPaths {
  readonly data: string
  readonly database: string
  readonly backups: string
  readonly datasets: string
  readonly adapters: string
  readonly quarantine: string
  readonly volume: string
  readonly localPlatform: string
  readonly python: string
  readonly windowState: string
  readonly logFile: string
  readonly renderer: string
  readonly preload: string
  readonly datasetEngine: string
  readonly datasetWorker: string
  readonly vocabularies: string
  readonly workerPackage: string
  readonly resources: string
  readonly trainer: string
  readonly icon: string
}

/** Resolves all paths; a packaged app finds `resources/` and `trainer/` beside its archive. */
export function resolvePaths(): AppPaths {
  const data = app.getPath('userData')
  const out = join(import.meta.dirname, '..')
  const shipped = app.isPackaged ? process.resourcesPath : app.getAppPath()
  const resources = join(shipped, 'resources')
  return {
    data,
    database: join(data, 'tunesmith.sqlite'),
    backups: join(data, 'backups'),
    datasets: join(data, 'datasets'),
    adapters: join(data, 'adapters'),
    quarantine: join(data, 'quarantine'),
    volume: join(data, 'volume'),
    localPlatform: join(data, 'local-endpoint'),
    python: join(data, 'python'),
    windowState: join(data, 'window-state.json'),
    logFile: join(data, 'logs', 'tunesmith.log'),
    renderer: join(out, 'renderer'),
    preload: join(out, 'preload', 'index.cjs'),
    datasetEngine: join(out, 'main', 'dataset-engine.js'),
    datasetWorker: join(out, 'main', 'dataset-worker.js'),
    vocabularies: app.isPackaged ? join(shipped, 'vocabularies') : join(out, 'vocabularies'),
    workerPackage: app.isPackaged ? join(shipped, 'worker') : join(out, 'worker'),
    resources,
    trainer: join(shipped, 'trainer'),
    icon: join(resources, 'icons', 'icon.png'),
  }
}
