import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type { RouteOutput } from '../preload/contract/contract.ts'
import { migrate } from './db/migrate.ts'
import { migrations } from './db/migrations.ts'
import { openDatabase, type SqliteDatabase } from './db/open.ts'
import { createAdapterHandlers } from './features/adapters/handlers.ts'
import { createAdapterRepository } from './features/adapters/repository.ts'
import { createAdapterService } from './features/adapters/service.ts'
import { createBillReader } from './features/costs/bill-reader.ts'
import { createBillRepository } from './features/costs/bill-repository.ts'
import { createCostHandlers } from './features/costs/handlers.ts'
import { createCostRepository } from './features/costs/repository.ts'
import { createCostService } from './features/costs/service.ts'
import type { EngineProcess } from './features/datasets/engine/host/connect.ts'
import type { HostConfig } from './features/datasets/engine/host/protocol.ts'
import { createDatasetHandlers } from './features/datasets/handlers.ts'
import { createDatasetRepository } from './features/datasets/repository.ts'
import { createDatasetService } from './features/datasets/service.ts'
import { createTokenModels } from './features/datasets/token-models.ts'
import { createEndpointKeys } from './features/endpoints/endpoint-keys.ts'
import { createEndpointHandlers } from './features/endpoints/handlers.ts'
import { createEndpointRepository } from './features/endpoints/repository.ts'
import { createEndpointService } from './features/endpoints/service.ts'
import { createSetupHandlers } from './features/endpoints/setup/handlers.ts'
import { createSetupRepository } from './features/endpoints/setup/repository.ts'
import { createSetupService } from './features/endpoints/setup/service.ts'
import { loadCatalogue } from './features/models/catalogue.ts'
import { createModelHandlers } from './features/models/handlers.ts'
import { createModelService } from './features/models/service.ts'
import { createNotificationHandlers } from './features/notifications/handlers.ts'
import { createNotificationRepository } from './features/notifications/repository.ts'
import { createNotificationService } from './features/notifications/service.ts'
import { createRunEstimator } from './features/runs/estimate/estimator.ts'
import { createForecastRepository } from './features/runs/estimate/repository.ts'
import { createRunHandlers } from './features/runs/handlers.ts'
import { createRunLogRepository } from './features/runs/log/repository.ts'
import { createProgressRepository } from './features/runs/progress/repository.ts'
import { createQueueRepository } from './features/runs/queue/repository.ts'
import type { RunPorts } from './features/runs/ports.ts'
import { createRunRepository } from './features/runs/repository.ts'
import { createRunService } from './features/runs/service.ts'
import { createSettingsHandlers } from './features/settings/handlers.ts'
import { createSettingsRepository } from './features/settings/repository.ts'
import { createSettingsService } from './features/settings/service.ts'
import { createKeychain } from './integrations/keychain.ts'
import { createLocalComputer } from './integrations/local-platform/local-computer.ts'
import { createRunpod } from './integrations/runpod/runpod.ts'
import { runpodAddresses } from './integrations/runpod/addresses.ts'
import { readWorkerPackage } from './integrations/worker-package/worker-package.ts'
import { createEventHub, type EventHub, type SendToWindow } from './ipc/events.ts'
import { joinHandlers } from './ipc/handlers.ts'
import { createDispatch, type Dispatch } from './ipc/router.ts'
import { systemClock } from './lib/clock.ts'
import { createDisposables } from './lib/disposables.ts'
import { createUuidV7 } from './lib/ids.ts'
import type { Log } from './lib/log.ts'
import type { AppPaths } from './shell/paths.ts'

/** What the core may ask of the desktop; `main/shell` binds it to Electron, tests to plain functions. */
export interface ShellPorts {
  pickDatasetFiles(windowId: number): Promise<string[]>
  startDatasetEngine(config: HostConfig): EngineProcess
  pickModelFolder(windowId: number): Promise<string | null>
  pickTargetFolder(windowId: number, title: string): Promise<string | null>
  pickTargetFile(windowId: number, title: string, defaultName: string, extension: string): Promise<string | null>
  readonly sendToWindow: SendToWindow
  startDrag(windowId: number, path: string): void
  reveal(path: string): void
  openFolder(path: string): Promise<void>
  openExternal(url: string): Promise<void>
  trash(path: string): Promise<void>
  copyText(text: string): void
  showOsNotification(notice: { title: string; message: string; onClick: () => void }): void
  applyTheme(theme: 'system' | 'light' | 'dark'): void
  lastLogLines(): string
  versions(): Omit<RouteOutput<'settings.appInfo'>, 'dataFolder' | 'logFile' | 'databaseVersion'>
}

/** The running core: what the shell connects to windows. */
export interface Core {
  readonly dispatch: Dispatch
  readonly hub: EventHub
  /** Recovers interrupted work and goes on with it. */
  start(): Promise<void>
  /** This computer woke up. */
  onWoken(): void
  /** The network is back. */
  onOnline(): void
  /** What becomes of each run that has not ended when the app is closed now. */
  listLeaving(): readonly string[]
  dispose(): Promise<void>
}

interface ComposeOptions {
  readonly paths: AppPaths
  readonly shell: ShellPorts
  readonly log: Log
  readonly isDevelopment: boolean
  /** What the process was started with. */
  readonly environment: NodeJS.ProcessEnv
}

/** Builds every service once, by hand, in the order of their dependencies. */
export function compose({ paths, shell, log, isDevelopment, environment }: ComposeOptions): Core {
  const clock = systemClock
  const newId = () => createUuidV7(clock.nowMs())
  const newErrorId = () => randomBytes(4).toString('hex')
  const disposables = createDisposables((error) => log.error('A part did not shut down', error))
  const hub = createEventHub({ send: shell.sendToWindow, clock })
  const database = openAppDatabase(paths, environment['TUNESMITH_SQLITE_BINDING'], log)
  let isOpen = true
  disposables.add(() => {
    isOpen = false
    database.close()
  })
  const base = { clock, newId, events: hub, log }
  const userAgent = `Tunesmith/${shell.versions().version}`

  const settings = createSettingsService({
    ...base,
    repository: createSettingsRepository(database),
    applyTheme: (theme) => shell.applyTheme(theme),
  })
  const notifications = createNotificationService({
    ...base,
    repository: createNotificationRepository(database),
    isOsNoticeOn: (type) => settings.get().osNotifications[type],
    showOsNotification: (notice) => shell.showOsNotification(notice),
  })
  const billRepository = createBillRepository(database)
  const bills = createBillReader({
    ...base,
    repository: billRepository,
    sources: async () => [...endpoints.billSources(), ...setups.billSources()],
    onRead: () => costs.changed(),
  })
  const costs = createCostService({
    ...base,
    repository: createCostRepository(database),
    bills: billRepository,
    monthBudget: () => settings.get().monthBudgetMicroUsd,
    activeRuns: () => runs.activeCosts(),
    onRecorded: () => bills.expectMore(),
    pickCsvPath: (windowId, defaultName) => shell.pickTargetFile(windowId, 'Export costs', defaultName, 'csv'),
  })
  const catalogue = loadCatalogue(join(paths.resources, 'models'))
  const models = createModelService({
    catalogue,
    pickModelFolder: (windowId) => shell.pickModelFolder(windowId),
  })
  const runRepository = createRunRepository(database)
  const progress = createProgressRepository(database)

  const datasets = createDatasetService({
    ...base,
    repository: createDatasetRepository(database),
    startEngine: () =>
      shell.startDatasetEngine({
        workerScript: paths.datasetWorker,
        workers: workerCount(),
        nativeBinding: environment['TUNESMITH_SQLITE_BINDING'],
      }),
    tokenModels: createTokenModels(paths.vocabularies, catalogue),
    appVersion: shell.versions().version,
    pickTargetFolder: (windowId, title) => shell.pickTargetFolder(windowId, title),
    pickTargetFile: (windowId, title, defaultName, extension) => shell.pickTargetFile(windowId, title, defaultName, extension),
    datasetsFolder: paths.datasets,
    samplesFolder: join(paths.resources, 'samples'),
    notify: (notice) => notifications.notify(notice),
    isUsedByActiveRun: (id) => runs.isInUse(id),
    isReferencedByRun: (id) => runRepository.refersTo(id),
  })
  disposables.add(() => datasets.dispose())

  const local = createLocalComputer({
    ...base,
    stateFolder: paths.localPlatform,
    volumeFolder: paths.volume,
    trainerFolder: paths.trainer,
    pythonFolder: paths.python,
    givenPython: environment['TUNESMITH_PYTHON'],
    userAgent,
    onWorkerLog: ({ message }) => runs.recordLocalWorkerLine(message),
    onChanged: () => {
      if (!isOpen) return
      endpoints.publishLocal().catch((error: unknown) => log.error('The state of this computer was not told', error))
      runs.queue.wake()
    },
  })
  const endpointKeys = createEndpointKeys(createKeychain({ clock, log }))
  const runpod = createRunpod({
    addresses: runpodAddresses(environment),
    transfersFolder: join(paths.data, 'transfers'),
    userAgent,
    clock,
    log,
    onJobBilled: (endpointId, { action, ...job }) => {
      const { name, priceMicroUsdPerHour } = endpoints.describe(endpointId)
      const type = action === 'hello' ? 'hello' : 'transfer'
      costs.recordJob({ ...job, type, endpointId, endpointName: name, priceMicroUsdPerHour, endedAtMs: clock.nowMs() })
    },
  })
  const endpoints = createEndpointService({
    ...base,
    repository: createEndpointRepository(database),
    local,
    keys: endpointKeys,
    runpod,
    isInUse: (id) => runs.isInUse(id),
    isOurs: (id) => setups.has(id),
  })
  const setups = createSetupService({
    ...base,
    repository: createSetupRepository(database),
    runpod,
    endpoints,
    models,
    keys: endpointKeys,
    workerFiles: () => readWorkerPackage(paths.workerPackage),
    isInUse: (id) => runs.isInUse(id),
    newErrorId,
  })
  disposables.add(() => endpoints.dispose())
  disposables.add(() => setups.dispose())

  const adapters = createAdapterService({
    ...base,
    repository: createAdapterRepository(database),
    adaptersFolder: paths.adapters,
    quarantineFolder: paths.quarantine,
    notify: (notice) => notifications.notify(notice),
    shell,
    describeRun: (runId) => runs.get(runId),
    listTrainLosses: (runId) => runs.listMetrics(runId, -1).points.filter((point) => point.kind === 'train'),
    openVolume: async (runId) => (await endpoints.connect(runs.get(runId).config.endpointId)).volume,
  })
  disposables.add(() => adapters.dispose())
  const recordPackaging: RunPorts['costs']['recordPackaging'] = (job) =>
    costs.recordJob({ ...job, type: 'transfer', endedAtMs: clock.nowMs() })
  const runs = createRunService({
    ...base,
    repository: runRepository,
    progress,
    runLog: createRunLogRepository(database),
    queue: createQueueRepository(database),
    estimator: createRunEstimator(createForecastRepository(database)),
    ports: {
      datasets,
      endpoints,
      adapters,
      costs: { ...costs, recordPackaging },
      models,
      notify: (notice) => notifications.notify(notice),
    },
    pickCsvPath: (windowId, defaultName) => shell.pickTargetFile(windowId, 'Export metrics', defaultName, 'csv'),
    pickLogPath: (windowId, defaultName, extension) => shell.pickTargetFile(windowId, 'Export log', defaultName, extension),
    copyText: (text) => shell.copyText(text),
  })
  // Shut down in the reverse order: the driver lets go first, then the worker saves and ends.
  disposables.add(() => local.stop())
  disposables.add(() => runs.dispose())
  disposables.add(() => bills.dispose())

  const appInfo = () => ({ ...shell.versions(), dataFolder: paths.data, logFile: paths.logFile, databaseVersion: migrations.length })
  const dispatch = createDispatch({
    handlers: joinHandlers({
      datasets: createDatasetHandlers({ service: datasets, pickFiles: (windowId) => shell.pickDatasetFiles(windowId) }),
      models: createModelHandlers(models),
      runs: createRunHandlers(runs),
      adapters: createAdapterHandlers(adapters),
      endpoints: createEndpointHandlers(endpoints),
      endpointSetups: createSetupHandlers(setups),
      costs: createCostHandlers(costs, bills),
      notifications: createNotificationHandlers(notifications),
      settings: createSettingsHandlers({
        service: settings,
        appInfo,
        dataFolder: paths.data,
        openFolder: (path) => shell.openFolder(path),
        openExternal: (url) => shell.openExternal(url),
        copyText: (text) => shell.copyText(text),
        lastLogLines: () => shell.lastLogLines(),
      }),
    }),
    log: log.scoped('ipc'),
    newErrorId,
    checksOutput: isDevelopment,
  })

  // Before the first window asks: the theme, and this computer in the list of endpoints.
  settings.start()
  endpoints.start()
  return {
    dispatch,
    hub,
    async start() {
      await Promise.all([datasets.start(), adapters.start(), setups.start()])
      runs.resumeAll()
      bills.start()
      await local.start()
    },
    onWoken: () => runs.onWoken(),
    onOnline: () => runs.onOnline(),
    listLeaving: () => runs.listLeaving(),
    dispose: () => disposables.disposeAll(),
  }
}

/** Worker threads for datasets: one core stays for the window, but two threads pay off even on two cores. */
function workerCount(): number {
  return Math.max(2, Math.min(availableParallelism() - 1, 4))
}

function openAppDatabase(paths: AppPaths, nativeBinding: string | undefined, log: Log): SqliteDatabase {
  for (const folder of [paths.data, paths.backups, paths.datasets, paths.adapters, paths.quarantine, paths.volume, paths.localPlatform]) {
    mkdirSync(folder, { recursive: true })
  }
  const database = openDatabase({ path: paths.database, nativeBinding })
  const report = migrate(database, migrations, (version) => join(paths.backups, `tunesmith-v${version}-${Date.now()}.sqlite`))
  if (report.fromVersion !== report.toVersion) log.info('Database migrated', report)
  return database
}
