import { mkdir } from 'node:fs/promises'
import type { Adapter } from '../../../preload/contract/adapters.ts'
import type { RouteParsed } from '../../../preload/contract/contract.ts'
import { AppError } from '../../../preload/contract/errors.ts'
import type { Run } from '../../../preload/contract/runs.ts'
import type { WorkerResult } from '../../../preload/contract/worker.ts'
import type { VolumeStore } from '../../integrations/volume/volume-store.ts'
import { createAdapterCollector, type CollectorDependencies, type CopyOptions } from './collector.ts'
import { isCorrupt } from './corrupt.ts'
import { createExclusive } from './exclusive.ts'
import { exportFolder, exportZip, zipName, type Exported } from './export-adapter.ts'
import { exists, findDamage } from './file-check.ts'
import { createAdapterPlaces } from './places.ts'
import { createAdapterRecovery, runOutcome } from './recovery.ts'
import type { AdapterRecord } from './repository.ts'
import { selectAdapters } from './select-adapters.ts'

/** What the adapters ask of the desktop. */
export interface AdapterDesktop {
  /** Moves a folder to the system's trash. */
  trash(path: string): Promise<void>
  /** Starts a real OS drag of a folder out of a window. */
  startDrag(windowId: number, folderPath: string): void
  reveal(path: string): void
  copyText(text: string): void
  /** Asks for a file to write; null when the user closes the dialog. */
  pickTargetFile(windowId: number, title: string, defaultName: string, extension: string): Promise<string | null>
  /** Asks for a folder to write into; null when the user closes the dialog. */
  pickTargetFolder(windowId: number, title: string): Promise<string | null>
}

/** Everything the adapters feature needs from the rest of the app. */
export interface AdapterServiceDependencies extends Omit<CollectorDependencies, 'places'> {
  readonly adaptersFolder: string
  readonly quarantineFolder: string
  readonly shell: AdapterDesktop
  readonly describeRun: (runId: string) => Run
  /** The volume a run was trained on. */
  readonly openVolume: (runId: string) => Promise<VolumeStore>
}

export type AdapterService = ReturnType<typeof createAdapterService>

/** The rules of adapters: bring them in, keep them honest, hand them out. */
export function createAdapterService(dependencies: AdapterServiceDependencies) {
  const { repository, events, clock, shell } = dependencies
  const outcomeOf = (runId: string) => runOutcome(dependencies.describeRun, runId)
  const places = createAdapterPlaces(dependencies)
  const collector = createAdapterCollector({ ...dependencies, places })
  const exclusive = createExclusive()
  const life = new AbortController()
  const changed = (id: string) => events.publish('adapters.changed', { id })

  const getRecord = (id: string): AdapterRecord => {
    const record = repository.find(id)
    if (record === undefined || record.deletedAtMs !== null)
      throw new AppError('ADAPTER_NOT_FOUND', 'The adapter is not there any more. Go back to the list.')
    return record
  }
  const get = (id: string): Adapter => present(getRecord(id))

  /** Reads everything again; what differs is kept apart from then on. */
  const check = async (record: AdapterRecord): Promise<void> => {
    const folder = places.folder(record.relativePath)
    if (!(await exists(folder))) {
      repository.patch(record.id, { status: 'missing' })
      return changed(record.id)
    }
    const damage = await findDamage(folder, record.files, life.signal)
    if (damage !== undefined) return collector.quarantine(record, folder, damage)
    repository.patch(record.id, { status: 'verified', verifiedAtMs: clock.nowMs(), quarantineReason: null })
    changed(record.id)
  }
  /** The folder of an adapter that may leave the app. */
  const getUsableFolder = async (record: AdapterRecord): Promise<string> => {
    if (record.status !== 'verified') throw notUsable(record)
    const folder = places.folder(record.relativePath)
    if (await exists(folder)) return folder
    repository.patch(record.id, { status: 'missing' })
    changed(record.id)
    throw notUsable({ ...record, status: 'missing' })
  }
  /** The folder to show, good or kept apart. */
  const getShownFolder = async (id: string): Promise<string> => {
    const record = getRecord(id)
    if (record.status !== 'quarantined') return getUsableFolder(record)
    const folder = places.current(record)
    if (!(await exists(folder))) throw notUsable(record)
    return folder
  }
  const drop = async (record: AdapterRecord) => {
    repository.remove(record.id)
    await places.clear(record.runId)
    changed(record.id)
  }
  const recovery = createAdapterRecovery({
    ...dependencies,
    outcomeOf,
    places,
    collector,
    exclusive,
    check,
    drop,
    changed,
    signal: life.signal,
  })

  return {
    /** Looks whether the adapters are where they were, and goes on in the background with copies that were interrupted. */
    async start(): Promise<void> {
      await mkdir(dependencies.adaptersFolder, { recursive: true, mode: 0o700 })
      await recovery.findMoved()
      recovery.begin()
    },
    /** Resolves when the background work of the start has ended. */
    whenIdle: () => recovery.whenIdle(),
    /** Ends all copying; it goes on after the next start. */
    async dispose(): Promise<void> {
      life.abort(new AppError('ADAPTER_BUSY', 'The app is closing; the copy goes on after the next start.', { retryable: true }))
      await recovery.whenIdle()
    },

    /** Collects the adapter of a run; asking again for a verified one answers at once. */
    collect: (
      run: Run,
      result: WorkerResult,
      volume: VolumeStore,
      onProgress?: CopyOptions['onProgress'],
      signal?: AbortSignal,
    ): Promise<{ adapterId: string }> =>
      exclusive(run.id, async () => {
        try {
          return await collector.collect({ run, result, volume, onProgress, signal: signal ?? life.signal })
        } catch (error) {
          const record = repository.findByRun(run.id)
          if (record?.status === 'collecting' && outcomeOf(run.id) === 'discarded') await drop(record)
          throw error
        }
      }),

    list: (query: RouteParsed<'adapters.list'>): Adapter[] => selectAdapters(repository.list().map(present), query),
    get,
    rename({ id, name }: RouteParsed<'adapters.rename'>): Adapter {
      getRecord(id)
      repository.patch(id, { name })
      changed(id)
      return get(id)
    },
    async verify(id: string): Promise<Adapter> {
      assertIdle(getRecord(id))
      return exclusive(getRecord(id).runId, async () => {
        const record = getRecord(id)
        if (record.status === 'quarantined') throw notUsable(record)
        await check(record)
        return get(id)
      })
    },
    /** Copies all parts again; a failure that has nothing to do with the files leaves the adapter as it was. */
    async fetchAgain(id: string): Promise<Adapter> {
      assertIdle(getRecord(id))
      return exclusive(getRecord(id).runId, async () => {
        const record = getRecord(id)
        if (record.status === 'verified') return present(record)
        repository.patch(id, { status: 'collecting', copiedBytes: 0 })
        changed(id)
        try {
          await collector.fetch(record, await dependencies.openVolume(record.runId), { signal: life.signal })
        } catch (error) {
          life.signal.throwIfAborted()
          if (!isCorrupt(error)) {
            repository.patch(id, { status: record.status, quarantineReason: record.quarantineReason })
            changed(id)
            throw error
          }
        }
        return get(id)
      })
    },
    async startDrag(id: string, windowId: number): Promise<void> {
      shell.startDrag(windowId, await getUsableFolder(getRecord(id)))
    },
    /** Asks where to and writes the adapter there; null when the user closes the dialog. */
    async saveAs({ id, format }: RouteParsed<'adapters.saveAs'>, windowId: number): Promise<Exported | null> {
      // Refused before the user is asked for a place.
      await getUsableFolder(getRecord(id))
      const path =
        format === 'zip'
          ? await shell.pickTargetFile(windowId, 'Save adapter as ZIP', zipName(getRecord(id)), 'zip')
          : await shell.pickTargetFolder(windowId, 'Save adapter into this folder')
      if (path === null) return null
      return exclusive(getRecord(id).runId, async () => {
        const record = getRecord(id)
        const folder = await getUsableFolder(record)
        return format === 'zip' ? exportZip(record, folder, path) : exportFolder(record, folder, path)
      })
    },
    async reveal(id: string): Promise<void> {
      shell.reveal(await getShownFolder(id))
    },
    async copyPath(id: string): Promise<{ path: string }> {
      const path = await getShownFolder(id)
      shell.copyText(path)
      return { path }
    },
    /** Moves the files to the trash first; the record goes only when that worked. */
    async delete(id: string): Promise<void> {
      assertIdle(getRecord(id))
      await exclusive(getRecord(id).runId, async () => {
        const record = getRecord(id)
        assertIdle(record)
        try {
          for (const folder of [places.folder(record.relativePath), places.quarantine(record.runId)])
            if (await exists(folder)) await shell.trash(folder)
        } catch (error) {
          const message = "The adapter could not be moved to the system's trash. Nothing was deleted; its folder can be removed by hand."
          throw new AppError('ADAPTER_DELETE_FAILED', message, { cause: error })
        }
        await places.clear(record.runId)
        repository.patch(id, { deletedAtMs: clock.nowMs() })
        changed(id)
      })
    },
  }
}

function present(record: AdapterRecord): Adapter {
  const { id, runId, name, status, baseModelId, baseModelRevision, sizeBytes, verifiedAtMs, quarantineReason, health, stoppedEarly } =
    record
  return {
    id,
    runId,
    name,
    status,
    progress: status !== 'collecting' ? 1 : sizeBytes === 0 ? 0 : Math.min(1, record.copiedBytes / sizeBytes),
    baseModelId,
    baseModelRevision,
    sizeBytes,
    files: record.files.map((file) => ({ name: file.name, bytes: file.bytes, sha256: file.sha256 })),
    verifiedAtMs,
    quarantineReason,
    health,
    stoppedEarly,
    ...record.origin,
    summary: record.summary,
    createdAtMs: record.createdAtMs,
  }
}

function assertIdle({ status, name }: AdapterRecord): void {
  if (status === 'collecting') throw new AppError('ADAPTER_BUSY', `${name} is being copied. Wait until that is done.`, { retryable: true })
}

function notUsable({ status, name, quarantineReason }: AdapterRecord): AppError {
  const words: Readonly<Record<AdapterRecord['status'], string>> = {
    collecting: `${name} is being copied. Wait until that is done.`,
    verified: `${name} is not usable.`,
    quarantined: `${name} is kept apart: ${quarantineReason ?? 'its files are damaged.'} Choose Fetch again.`,
    missing: `The folder of ${name} is not there any more. Put it back, then choose Verify again.`,
  }
  return new AppError('ADAPTER_NOT_VERIFIED', words[status])
}
