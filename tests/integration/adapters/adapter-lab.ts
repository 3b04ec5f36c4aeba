import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAdapterHandlers } from '../../../main/features/adapters/handlers.ts'
import type { AdapterNotice } from '../../../main/features/adapters/collector.ts'
import { createAdapterRepository } from '../../../main/features/adapters/repository.ts'
import { createAdapterService, type AdapterService } from '../../../main/features/adapters/service.ts'
import { createDirectoryVolume } from '../../../main/integrations/volume/directory-volume.ts'
import type { VolumeStore } from '../../../main/integrations/volume/volume-store.ts'
import { createUuidV7 } from '../../../main/lib/ids.ts'
import { silentLog } from '../../../main/lib/log.ts'
import type { Run } from '../../../preload/contract/runs.ts'
import type { WorkerResult } from '../../../preload/contract/worker.ts'
import { adapterFiles, packFiles, workerResult, writePacked } from '../../support/adapters/packed-adapter.ts'
import { createMemoryDatabase, insertRun } from '../../support/memory-database.ts'
import { createRecordedEvents } from '../../support/recorded-events.ts'
import { runConfig } from '../../support/runs/run-world.ts'

export const windowContext = { windowId: 7, droppedPath: null }

/** A volume with one packed adapter, the adapters feature over real files, and a count of what was copied. */
export function createAdapterLab({ partBytes = 100 } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'adapters-'))
  const volumeFolder = join(folder, 'volume')
  const adaptersFolder = join(folder, 'adapters')
  const quarantineFolder = join(folder, 'quarantine')
  const exportFolder = join(folder, 'exports')
  mkdirSync(exportFolder)
  const database = createMemoryDatabase()
  const runId = createUuidV7(1_700_000_000_000)
  insertRun(database, runId)
  const repository = createAdapterRepository(database)
  const run: Run = describeRun(runId)
  const notices = new Map<string, AdapterNotice>()
  const events = createRecordedEvents()
  const shell = {
    dragged: [] as [number, string][],
    revealed: [] as string[],
    copied: [] as string[],
    trashed: [] as string[],
    saveTo: null as string | null,
  }
  const copied: { key: string; bytes: number }[] = []
  /** Called before each part; throws to cut the connection there. */
  const faults = { beforePart: undefined as ((count: number) => void) | undefined, open: undefined as Error | undefined }
  let nowMs = 1_700_000_000_000

  const directory = createDirectoryVolume(volumeFolder)
  const volume: VolumeStore = {
    ...directory,
    async getFile(key, path, options) {
      faults.beforePart?.(copied.length)
      const result = await directory.getFile(key, path, options)
      copied.push({ key: key.slice(key.indexOf('adapter/')), bytes: result.bytes })
      return result
    },
  }
  const open = () =>
    createAdapterService({
      repository,
      adaptersFolder,
      quarantineFolder,
      clock: { nowMs: () => (nowMs += 1), after: () => () => undefined },
      newId: () => createUuidV7((nowMs += 1)),
      events,
      log: silentLog,
      notify: (notice) => void (notices.has(notice.dedupeKey) || notices.set(notice.dedupeKey, notice)),
      listTrainLosses: () => Array.from({ length: 100 }, (_, step) => ({ step: step + 1, loss: 1.1 + 1.4 * Math.exp(-step / 10) })),
      describeRun: () => run,
      async openVolume() {
        if (faults.open !== undefined) throw faults.open
        return volume
      },
      shell: {
        startDrag: (windowId, path) => void shell.dragged.push([windowId, path]),
        reveal: (path) => void shell.revealed.push(path),
        copyText: (text) => void shell.copied.push(text),
        async trash(path) {
          shell.trashed.push(path)
          rmSync(path, { recursive: true })
        },
        pickTargetFile: async () => shell.saveTo,
        pickTargetFolder: async () => shell.saveTo,
      },
    })
  let service = open()
  const packed = packFiles(runId, adapterFiles(), partBytes)
  const result = workerResult(runId, { manifest_sha256: writePacked(volumeFolder, packed) })

  return {
    folder,
    volumeFolder,
    adaptersFolder,
    quarantineFolder,
    exportFolder,
    runId,
    run,
    repository,
    notices,
    events,
    shell,
    copied,
    faults,
    volume,
    packed,
    result,
    get service(): AdapterService {
      return service
    },
    handlers: () => createAdapterHandlers(service),
    collect: (changes: Partial<WorkerResult> = {}, signal?: AbortSignal) =>
      service.collect(run, { ...result, ...changes }, volume, () => undefined, signal),
    /** The one adapter there is. */
    adapter: () => {
      const [only] = service.list({ search: '', sort: 'newest' })
      if (only === undefined) throw new Error('There is no adapter')
      return only
    },
    /** Where the checked files are. */
    home: () => join(adaptersFolder, repository.findByRun(runId)?.relativePath ?? ''),
    partPath: (key: string) => join(volumeFolder, 'runs', runId, key),
    /** Changes one byte of a part on the volume; returns what undoes it. */
    flip(key: string): () => void {
      const path = join(volumeFolder, 'runs', runId, key)
      const bytes = readFileSync(path)
      const before = Buffer.from(bytes)
      bytes.writeUInt8(bytes.readUInt8(0) ^ 1, 0)
      writeFileSync(path, bytes)
      return () => writeFileSync(path, before)
    },
    /** Names a user would see in the folder of the adapters. */
    visible: () => (existsSync(adaptersFolder) ? readdirSync(adaptersFolder).filter((name) => !name.startsWith('.')) : []),
    /** Drops the service without a goodbye, as a crash does, and opens the same profile again. */
    async restart() {
      service = open()
      await service.start()
      await service.whenIdle()
    },
    async close() {
      await service.dispose()
      database.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export type AdapterLab = ReturnType<typeof createAdapterLab>

function describeRun(id: string): Run {
  return {
    id,
    name: 'Tiny: "notes" / balanced',
    status: 'collecting',
    stage: 'collecting',
    stageDetail: null,
    config: runConfig(),
    datasetName: 'notes',
    datasetSha256: 'a'.repeat(64),
    datasetRows: 300,
    baseModelLabel: 'acme/tiny-1B',
    endpointName: 'Here',
    endpointKind: 'local',
    jobId: 'job',
    attempt: 1,
    plan: null,
    memoryPlan: null,
    head: {
      step: 100,
      epoch: 1,
      loss: 1.2,
      lossFirst: 2.5,
      evalLoss: 1.2,
      evalLossBase: 2,
      evalLossBest: 1.2,
      learningRate: null,
      gradNorm: null,
      tokensPerSecond: null,
      tokens: 10_000,
      memoryBytes: null,
      memoryPeakBytes: null,
      stepMs: null,
    },
    progress: 1,
    etaMs: null,
    stopRequested: null,
    error: null,
    workerError: null,
    adapterId: null,
    rescue: null,
    costMicroUsd: 0,
    meter: null,
    createdAtMs: 1,
    startedAtMs: 2,
    endedAtMs: null,
    lastSeenAtMs: null,
    contactLost: null,
    retryOf: null,
    stopAskedAtMs: null,
    endingWorkers: 'not_asked',
  }
}
