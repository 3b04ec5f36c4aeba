import { join } from 'node:path'
import type { EngineClient } from './engine/host/connect.ts'
import type { DatasetState } from './engine/open-dataset.ts'
import type { DatasetRecord, DatasetRepository } from './repository.ts'

/** The folder of the indexes inside the datasets folder. */
export const indexFolderName = 'index'

/** Which datasets the engine has open; questions open them again after the engine ended or when they were put away. */
export interface OpenDatasets {
  /** Opens a dataset, which checks what is not checked yet. */
  open(dataset: DatasetRecord): Promise<DatasetState>
  /** Resolves when the dataset is open. */
  ready(dataset: DatasetRecord): Promise<void>
  close(id: string): Promise<void>
  /** The engine's process is gone, and everything it had open with it. */
  forgetAll(): void
}

/** More open datasets than this would only hold memory. */
const maxOpen = 3

/** Creates the list of open datasets. */
export function createOpenDatasets(dependencies: {
  readonly engine: EngineClient
  readonly repository: DatasetRepository
  readonly datasetsFolder: string
  /** True while work goes on that needs the dataset open. */
  readonly isBusy: (id: string) => boolean
  /** Called after a dataset was opened, so that its background passes go on. */
  readonly onOpened: (id: string) => void
}): OpenDatasets {
  const { engine, repository, datasetsFolder, isBusy, onOpened } = dependencies
  const opened = new Map<string, Promise<DatasetState>>()

  const start = (dataset: DatasetRecord): Promise<DatasetState> => {
    const { id } = dataset
    const opening = engine.open({
      key: id,
      path: join(datasetsFolder, dataset.relativePath ?? ''),
      placesPath: dataset.placesPath === null ? null : join(datasetsFolder, dataset.placesPath),
      fileNames: dataset.sources.length === 0 ? [dataset.fileName] : dataset.sources.map(({ fileName }) => fileName),
      indexPath: join(datasetsFolder, indexFolderName, `${id}.sqlite`),
      isOwnCopy: true,
      mapping: dataset.mapping,
      edits: repository.listEdits(id),
      version: dataset.version,
      split: dataset.split?.settings ?? null,
      importedAtMs: dataset.createdAtMs,
    })
    // Moved to the end: the ones used longest ago are put away first.
    opened.delete(id)
    opened.set(id, opening)
    opening.catch(() => opened.get(id) === opening && opened.delete(id))
    return opening
  }
  const putAway = () => {
    for (const id of opened.keys()) {
      if (opened.size <= maxOpen) return
      if (isBusy(id)) continue
      opened.delete(id)
      engine.close(id).catch(() => undefined)
    }
  }

  return {
    async open(dataset) {
      const state = await start(dataset)
      putAway()
      return state
    },
    async ready(dataset) {
      const known = opened.get(dataset.id)
      if (known !== undefined) {
        opened.delete(dataset.id)
        opened.set(dataset.id, known)
        await known
        return
      }
      await start(dataset)
      putAway()
      onOpened(dataset.id)
    },
    async close(id) {
      if (opened.delete(id)) await engine.close(id)
    },
    forgetAll: () => opened.clear(),
  }
}
