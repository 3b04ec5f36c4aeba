import { join } from 'node:path'
import type { Dataset, FilePreview } from '../../../preload/contract/datasets.ts'
import type { RouteOutput, RouteParsed } from '../../../preload/contract/contract.ts'
import { AppError } from '../../../preload/contract/errors.ts'
import type { NewId } from '../../lib/ids.ts'
import { createFreezer, type FrozenDataset } from './freezer.ts'
import { recoverDatasets } from './recovery.ts'
import { createPreparation, type PreparationDependencies } from './preparation.ts'
import { createFilePreviews } from './previews.ts'
import type { DatasetRecord } from './repository.ts'
import { createSamples } from './samples.ts'
import { selectDatasets } from './select-datasets.ts'
import { readStoredRows } from './stored-rows.ts'
import { fileErrorOf } from './thread-validator.ts'
import { judgeDataset } from './verdict.ts'

/** What the runs need to know about a dataset. */
export interface DatasetFacts {
  readonly id: string
  readonly name: string
  readonly sha256: string | null
  readonly validRows: number
  readonly stats: Dataset['stats']
  readonly isTrainable: boolean
}

/** Everything the datasets feature needs from the rest of the app. */
export interface DatasetServiceDependencies extends PreparationDependencies {
  readonly samplesFolder: string
  readonly newId: NewId
  /** True while a run that has not ended trains on the dataset. */
  readonly isUsedByActiveRun: (datasetId: string) => boolean
  /** True when any run, ended ones included, refers to the dataset. */
  readonly isReferencedByRun: (datasetId: string) => boolean
}

export type DatasetService = ReturnType<typeof createDatasetService>

/** The rules of the datasets: import, checking, listing, deletion with undo, and the training file. */
export function createDatasetService(dependencies: DatasetServiceDependencies) {
  const { repository, datasetsFolder, samplesFolder, clock, newId, events, isUsedByActiveRun, isReferencedByRun } = dependencies
  const preparation = createPreparation(dependencies)
  const freezer = createFreezer(dependencies)
  const samples = createSamples(samplesFolder)
  const previews = createFilePreviews({
    clock,
    newId,
    findBySize: (sizeBytes) => repository.listBySize(sizeBytes).flatMap(({ id, sha256 }) => (sha256 === null ? [] : [{ id, sha256 }])),
  })

  const changed = (id: string) => events.publish('datasets.changed', { id })
  const record = (id: string): DatasetRecord => {
    const found = repository.find(id)
    if (found === undefined || found.deletedAtMs !== null)
      throw new AppError('DATASET_NOT_FOUND', 'The dataset is not there any more. Go back to the list.')
    return found
  }
  const present = (dataset: DatasetRecord): Dataset => ({
    id: dataset.id,
    name: dataset.name,
    description: dataset.description,
    fileName: dataset.fileName,
    sizeBytes: dataset.sizeBytes,
    sha256: dataset.sha256,
    shape: dataset.shape,
    status: dataset.status,
    progress: preparation.isRunning(dataset.id) ? preparation.progressOf(dataset.id) : 1,
    stats: dataset.stats,
    acceptsValidRowsOnly: dataset.acceptsValidRowsOnly,
    isTrainable: isTrainable(dataset),
    errorMessage: dataset.errorMessage,
    createdAtMs: dataset.createdAtMs,
    updatedAtMs: dataset.updatedAtMs,
    validatedAtMs: dataset.validatedAtMs,
  })
  const get = (id: string) => present(record(id))
  const startImport = (input: { name: string; fileName: string; sizeBytes: number; path: string }): Dataset => {
    const id = newId()
    repository.insert({ id, name: input.name, fileName: input.fileName, sizeBytes: input.sizeBytes, atMs: clock.nowMs() })
    preparation.startImport(id, input.path)
    changed(id)
    return get(id)
  }

  return {
    /** Cleans up after a crash, goes on with interrupted checks, and removes what was deleted in an earlier session. */
    start: () => recoverDatasets({ ...dependencies, startValidation: preparation.startValidation, isReferencedByRun }),
    /** Ends all background work; unfinished checks start again with the next session. */
    dispose: async () => {
      freezer.dispose()
      await preparation.dispose()
    },
    /** Resolves when a dataset's import or check has ended. */
    whenSettled: preparation.whenSettled,

    list: (query: RouteParsed<'datasets.list'>): Dataset[] => selectDatasets(repository.list().map(present), query),
    get,
    /** What a run needs to know; answers for deleted datasets too, which cannot be trained on. */
    describe(id: string): DatasetFacts {
      const dataset = repository.find(id)
      if (dataset === undefined) throw new AppError('DATASET_NOT_FOUND', 'The dataset is not there any more. Choose another one.')
      const { name, sha256, stats } = dataset
      return { id, name, sha256, stats, validRows: stats?.validRows ?? 0, isTrainable: isTrainable(dataset) }
    },
    /** The normalised training file of the usable rows; made once and checked every time. */
    async freeze(id: string): Promise<FrozenDataset> {
      const dataset = record(id)
      if (!isTrainable(dataset)) throw new AppError('DATASET_NOT_READY', `"${dataset.name}" is not ready for training. Open it to see why.`)
      return freezer.freeze(dataset)
    },

    preview: (path: string): Promise<FilePreview> => previews.preview(path),
    async importChosen({ token, name }: RouteParsed<'datasets.import'>): Promise<Dataset> {
      return startImport({ name, ...(await previews.take(token)) })
    },
    listSamples: async (): Promise<RouteOutput<'datasets.listSamples'>> =>
      (await samples.list()).map(({ id, title, description, rows }) => ({ id, title, description, rows })),
    async importSample(sampleId: string): Promise<Dataset> {
      const sample = await samples.get(sampleId)
      return startImport({ name: sample.title, fileName: sample.fileName, sizeBytes: 0, path: sample.path })
    },

    rename({ id, name, description }: RouteParsed<'datasets.rename'>): Dataset {
      record(id)
      repository.setName(id, name, description, clock.nowMs())
      changed(id)
      return get(id)
    },
    acceptValidRows({ id, accept }: RouteParsed<'datasets.acceptValidRows'>): Dataset {
      const { stats } = record(id)
      if (stats === null || preparation.isRunning(id))
        throw new AppError('DATASET_NOT_READY', 'The dataset is still being checked. Try again when it is done.')
      repository.setAcceptsValidRowsOnly(id, accept, clock.nowMs())
      const { status, errorMessage } = judgeDataset(stats, accept)
      repository.setStatus(id, status, errorMessage, clock.nowMs())
      changed(id)
      return get(id)
    },
    validateAgain(id: string): Dataset {
      const dataset = record(id)
      if (preparation.isRunning(id)) return present(dataset)
      if (dataset.relativePath === null) throw new AppError('DATASET_NOT_READY', 'The file was not imported completely. Import it again.')
      repository.setStatus(id, 'validating', null, clock.nowMs())
      preparation.startValidation(id)
      changed(id)
      return get(id)
    },

    listErrors({ id, offset, limit }: RouteParsed<'datasets.listErrors'>): RouteOutput<'datasets.listErrors'> {
      const { errorCounts } = record(id)
      const byCode = Object.entries(errorCounts).map(([code, count]) => ({ code: code as keyof typeof errorCounts, count }))
      return {
        total: repository.countStoredErrors(id),
        byCode: byCode.toSorted((a, b) => b.count - a.count),
        errors: repository.listErrors(id, offset, limit),
      }
    },
    async listRows({ id, offset, limit }: RouteParsed<'datasets.listRows'>): Promise<RouteOutput<'datasets.listRows'>> {
      const { relativePath, stats } = record(id)
      const places = repository.listRowPlaces(id, offset, limit)
      if (relativePath === null || stats === null || places.length === 0) return { total: stats?.validRows ?? 0, rows: [] }
      try {
        return { total: stats.validRows, rows: await readStoredRows(join(datasetsFolder, relativePath), places) }
      } catch (error) {
        throw fileErrorOf(error)
      }
    },

    async delete(id: string): Promise<void> {
      record(id)
      if (isUsedByActiveRun(id))
        throw new AppError('DATASET_IN_USE', 'A run is training on this dataset. Wait for it to end, or stop it first.')
      await preparation.cancel(id)
      repository.setDeleted(id, clock.nowMs(), clock.nowMs())
      changed(id)
    },
    undoDelete(id: string): Dataset {
      const dataset = repository.find(id)
      if (dataset === undefined) throw new AppError('DATASET_NOT_FOUND', 'The dataset was removed for good and cannot be brought back.')
      if (dataset.deletedAtMs === null) return present(dataset)
      repository.setDeleted(id, null, clock.nowMs())
      if (dataset.status === 'importing')
        repository.setStatus(id, 'error', 'The import was interrupted. Import the file again.', clock.nowMs())
      if (dataset.status === 'validating') preparation.startValidation(id)
      changed(id)
      return get(id)
    },
  }
}

/** A run can start now: checked, and every row usable or the unusable ones given up. */
function isTrainable({ deletedAtMs, status, stats, acceptsValidRowsOnly }: DatasetRecord): boolean {
  return deletedAtMs === null && status === 'ready' && stats !== null && judgeDataset(stats, acceptsValidRowsOnly).status === 'ready'
}
