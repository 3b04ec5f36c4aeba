import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { RouteOutput, RouteParsed } from '../../../preload/contract/contract.ts'
import type { ColumnMapping, Dataset, FilePreview } from '../../../preload/contract/datasets.ts'
import { AppError } from '../../../preload/contract/errors.ts'
import type { NewId } from '../../lib/ids.ts'
import { connectEngine, type EngineProcess } from './engine/host/connect.ts'
import { createFreezer, frozenOf, type FrozenDataset } from './freezer.ts'
import { createOpenDatasets, indexFolderName } from './open-datasets.ts'
import { createPreparation, type Preparation, type PreparationDependencies } from './preparation.ts'
import { createFilePreviews } from './previews.ts'
import { recoverDatasets } from './recovery.ts'
import type { DatasetRecord } from './repository.ts'
import { createRowService } from './row-service.ts'
import { createSamples } from './samples.ts'
import { selectDatasets } from './select-datasets.ts'
import { judgeDataset } from './verdict.ts'

/** What the runs need to know about a dataset. */
export interface DatasetFacts {
  readonly id: string
  readonly name: string
  readonly sha256: string | null
  readonly validRows: number
  readonly stats: Dataset['stats']
  readonly isTrainable: boolean
  /** Exact token counts, with the model whose tokenizer made them; null when nobody has counted. */
  readonly tokens: Dataset['tokens']
  /** The training file of its present state; null when none was made yet. */
  readonly frozen: Pick<FrozenDataset, 'sha256' | 'bytes'> | null
}

/** Everything the datasets feature needs from the rest of the app. */
export interface DatasetServiceDependencies extends Omit<PreparationDependencies, 'engine' | 'openDatasets'> {
  /** Starts the process that does the heavy work. */
  readonly startEngine: () => EngineProcess
  readonly samplesFolder: string
  readonly appVersion: string
  readonly newId: NewId
  readonly pickTargetFolder: (windowId: number, title: string) => Promise<string | null>
  readonly pickTargetFile: (windowId: number, title: string, defaultName: string, extension: string) => Promise<string | null>
  /** True while a run that has not ended trains on the dataset. */
  readonly isUsedByActiveRun: (datasetId: string) => boolean
  /** True when any run, ended ones included, refers to the dataset. */
  readonly isReferencedByRun: (datasetId: string) => boolean
}

export type DatasetService = ReturnType<typeof createDatasetService>

/** The rules of the datasets: import, checking, listing, deletion with undo, and the training file. */
export function createDatasetService(dependencies: DatasetServiceDependencies) {
  const { repository, datasetsFolder, clock, newId, events, log, isUsedByActiveRun, isReferencedByRun } = dependencies
  mkdirSync(join(datasetsFolder, indexFolderName), { recursive: true })
  const connection = connectEngine({
    start: dependencies.startEngine,
    onTasks: (id, tasks) => preparation.onTasks(id, tasks),
    onEnded(code) {
      log.warning('The dataset engine ended; it is started again when it is needed', { code })
      openDatasets.forgetAll()
    },
  })
  const { engine } = connection
  const openDatasets = createOpenDatasets({
    engine,
    repository,
    datasetsFolder,
    isBusy: (id) => preparation.isRunning(id) || preparation.tasksOf(id).length > 0,
    onOpened: (id) => preparation.startBehind(id),
  })
  const preparation: Preparation = createPreparation({ ...dependencies, engine, openDatasets })
  const freezer = createFreezer({ ...dependencies, engine, openDatasets })
  const samples = createSamples(dependencies.samplesFolder)
  const previews = createFilePreviews({
    clock,
    newId,
    engine,
    findBySize: (sizeBytes) =>
      repository.listBySize(sizeBytes).flatMap(({ id, sources, sha256 }) => {
        const hash = sources.length === 1 ? sources[0]?.sha256 : sha256
        return hash === undefined || hash === null ? [] : [{ id, sha256: hash }]
      }),
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
    fileNames: dataset.sources.length === 0 ? [dataset.fileName] : dataset.sources.map(({ fileName }) => fileName),
    sizeBytes: dataset.sizeBytes,
    sha256: dataset.sha256,
    format: dataset.format,
    shape: dataset.shape,
    mapping: dataset.mapping,
    status: dataset.status,
    progress: preparation.isRunning(dataset.id) ? preparation.progressOf(dataset.id) : 1,
    tasks: preparation.tasksOf(dataset.id),
    stats: dataset.stats,
    tokens: dataset.tokens,
    split: dataset.split,
    version: dataset.version,
    canUndo: dataset.version > 0,
    canRedo: dataset.version < repository.countEdits(dataset.id),
    acceptsValidRowsOnly: dataset.acceptsValidRowsOnly,
    isTrainable: isTrainable(dataset),
    errorMessage: dataset.errorMessage,
    createdAtMs: dataset.createdAtMs,
    updatedAtMs: dataset.updatedAtMs,
    validatedAtMs: dataset.validatedAtMs,
  })
  const get = (id: string) => present(record(id))
  const startImport = (name: string, sources: readonly ChosenSourceWithSize[], mapping: ColumnMapping | null): Dataset => {
    const id = newId()
    const first = sources[0]
    const fileName = sources.length === 1 ? (first?.fileName ?? '') : `${first?.fileName ?? ''} and ${sources.length - 1} more`
    const sizeBytes = sources.reduce((sum, source) => sum + source.sizeBytes, 0)
    repository.insert({ id, name, fileName, sizeBytes, mapping, atMs: clock.nowMs() })
    preparation.startImport(id, sources)
    changed(id)
    return get(id)
  }
  const validate = (dataset: DatasetRecord): Dataset => {
    if (preparation.isRunning(dataset.id)) return present(dataset)
    if (dataset.relativePath === null) throw new AppError('DATASET_NOT_READY', 'The file was not imported completely. Import it again.')
    repository.setStatus(dataset.id, 'validating', null, clock.nowMs())
    preparation.startAnew(dataset.id)
    changed(dataset.id)
    return get(dataset.id)
  }

  return {
    ...createRowService({ ...dependencies, engine, openDatasets, preparation, record, get }),
    /** Cleans up after a crash, goes on with interrupted checks, and removes what was deleted in an earlier session. */
    start: () => recoverDatasets({ ...dependencies, startValidation: preparation.startValidation, isReferencedByRun }),
    /** Ends all background work; unfinished checks go on with the next session. */
    dispose: async () => {
      await preparation.dispose()
      await connection.close()
    },
    /** Resolves when a dataset's import or check has ended. */
    whenSettled: preparation.whenSettled,
    /** Resolves when the passes behind the check have ended as well. */
    whenQuiet: preparation.whenQuiet,

    list: (query: RouteParsed<'datasets.list'>): Dataset[] => selectDatasets(repository.list().map(present), query),
    get,
    /** What a run needs to know; answers for deleted datasets too, which cannot be trained on. */
    describe(id: string): DatasetFacts {
      const dataset = repository.find(id)
      if (dataset === undefined) throw new AppError('DATASET_NOT_FOUND', 'The dataset is not there any more. Choose another one.')
      const { name, sha256, stats, tokens } = dataset
      return {
        id,
        name,
        sha256,
        stats,
        tokens,
        frozen: frozenOf(dataset),
        validRows: dataset.split?.rows.train ?? stats?.validRows ?? 0,
        isTrainable: isTrainable(dataset),
      }
    },
    /** The normalised training file of the usable rows; made once per state and checked every time. */
    async freeze(id: string): Promise<FrozenDataset> {
      const dataset = record(id)
      if (!isTrainable(dataset)) throw new AppError('DATASET_NOT_READY', `"${dataset.name}" is not ready for training. Open it to see why.`)
      return freezer.freeze(dataset)
    },

    preview: (path: string): Promise<FilePreview> => previews.preview(path),
    previewMapping: ({ token, mapping }: RouteParsed<'datasets.previewMapping'>) => previews.previewMapping(token, mapping),
    async importChosen({ tokens, name, mapping }: RouteParsed<'datasets.import'>): Promise<Dataset> {
      return startImport(name, await previews.take(tokens), mapping)
    },
    listSamples: async (): Promise<RouteOutput<'datasets.listSamples'>> =>
      (await samples.list()).map(({ id, title, description, rows }) => ({ id, title, description, rows })),
    async importSample(sampleId: string): Promise<Dataset> {
      const sample = await samples.get(sampleId)
      return startImport(sample.title, [{ path: sample.path, fileName: sample.fileName, sizeBytes: 0 }], null)
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
    validateAgain: (id: string): Dataset => validate(record(id)),
    async setMapping({ id, mapping }: RouteParsed<'datasets.setMapping'>): Promise<Dataset> {
      record(id)
      await preparation.cancel(id)
      await openDatasets.close(id)
      repository.setMapping(id, mapping, clock.nowMs())
      return validate(record(id))
    },

    async delete(id: string): Promise<void> {
      record(id)
      if (isUsedByActiveRun(id))
        throw new AppError('DATASET_IN_USE', 'A run is training on this dataset. Wait for it to end, or stop it first.')
      await preparation.cancel(id)
      await openDatasets.close(id)
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

type ChosenSourceWithSize = Parameters<Preparation['startImport']>[1][number] & { readonly sizeBytes: number }

/** A run can start now: checked, conversations to train on, and every row usable or the unusable ones given up. */
function isTrainable({ deletedAtMs, status, stats, shape, acceptsValidRowsOnly }: DatasetRecord): boolean {
  if (deletedAtMs !== null || status !== 'ready' || stats === null || shape === 'text') return false
  return judgeDataset(stats, acceptsValidRowsOnly).status === 'ready'
}
