import { join } from 'node:path'
import type { LocalState, PythonState } from '../../../preload/contract/endpoints.ts'
import type { Clock } from '../../lib/clock.ts'
import type { NewId } from '../../lib/ids.ts'
import type { Log } from '../../lib/log.ts'
import { createPythonEnvironment } from '../python/python-environment.ts'
import { detectTrainingDevice } from '../python/training-device.ts'
import { createJobClient, type JobClient } from '../runpod/job-client.ts'
import { createDirectoryVolume } from '../volume/directory-volume.ts'
import type { VolumeStore } from '../volume/volume-store.ts'
import { createLocalPlatform } from './local-platform.ts'
import type { WorkerLogLine } from './worker-log.ts'

/** Everything that makes this computer an endpoint: Python, device, platform, volume. */
export interface LocalComputerParts {
  python(): PythonState
  device(): LocalState['device']
  workerState(): LocalState['worker']
  freeBytes(): Promise<number>
  setUp(): Promise<void>
  connect(): Promise<{ jobs: JobClient; volume: VolumeStore }>
  readonly volume: VolumeStore
  /** Opens the platform and looks for Python and the device; jobs of the last start go on. */
  start(): Promise<void>
  stop(): Promise<void>
}

interface Dependencies {
  readonly stateFolder: string
  readonly volumeFolder: string
  readonly trainerFolder: string
  readonly pythonFolder: string
  /** The value of TUNESMITH_PYTHON, if there is one. */
  readonly givenPython: string | undefined
  readonly userAgent: string
  readonly clock: Clock
  readonly newId: NewId
  readonly log: Log
  onWorkerLog(line: WorkerLogLine): void
  /** Something in `python`, `device` or `workerState` changed. */
  onChanged(): void
}

/** Assembles the parts; nothing runs before `start` or `connect`. */
export function createLocalComputer(dependencies: Dependencies): LocalComputerParts {
  const { clock, log, volumeFolder, trainerFolder } = dependencies
  const volume = createDirectoryVolume(volumeFolder)
  const environment = createPythonEnvironment({
    folder: dependencies.pythonFolder,
    requirementsFile: join(trainerFolder, 'requirements.txt'),
    givenPython: dependencies.givenPython,
    clock,
    log: log.scoped('python'),
    onChanged(state) {
      if (state.status === 'ready') platform.wake()
      dependencies.onChanged()
    },
  })
  const platform = createLocalPlatform({
    ...dependencies,
    log: log.scoped('local-endpoint'),
    python: () => environment.executable(),
    onStateChanged: () => dependencies.onChanged(),
  })
  let device: LocalState['device'] = null
  let jobs: JobClient | null = null

  return {
    volume,
    python: () => environment.state(),
    device: () => device,
    workerState: () => platform.workerState(),
    freeBytes: () => volume.freeBytes(),
    setUp: () => environment.setUp(),
    async connect() {
      const { baseUrl, token } = await platform.start()
      jobs ??= createJobClient({ baseUrl, apiKey: () => token, clock, log, userAgent: dependencies.userAgent })
      return { jobs, volume }
    },
    async start() {
      await platform.start()
      const [found] = await Promise.all([detectTrainingDevice(), environment.detect()])
      device = found
      dependencies.onChanged()
    },
    async stop() {
      await Promise.all([platform.stop(), environment.dispose()])
    },
  }
}
