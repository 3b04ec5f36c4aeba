import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../../../preload/contract/errors.ts'
import { syncFolder } from '../../lib/atomic-file.ts'
import { partialSuffix } from './import-file.ts'
import type { PreparationDependencies } from './preparation.ts'
import { readLines } from './read-lines.ts'
import type { DatasetRecord } from './repository.ts'
import { fileErrorOf } from './thread-validator.ts'

/** The normalised training file of a dataset, content-addressed. */
export interface FrozenDataset {
  readonly path: string
  readonly sha256: string
  readonly bytes: number
  readonly rows: number
}

/** Makes training files, each at most once. */
export interface Freezer {
  freeze(dataset: DatasetRecord): Promise<FrozenDataset>
  dispose(): void
}

/** The folder of the training files inside the datasets folder. */
export const frozenFolderName = 'frozen'

/** Creates the maker of training files. */
export function createFreezer(
  dependencies: Pick<PreparationDependencies, 'repository' | 'validator' | 'datasetsFolder' | 'clock'>,
): Freezer {
  const { repository, validator, datasetsFolder, clock } = dependencies
  const folder = join(datasetsFolder, frozenFolderName)
  const controller = new AbortController()
  const running = new Map<string, Promise<FrozenDataset>>()

  const make = async (dataset: DatasetRecord): Promise<FrozenDataset> => {
    if (dataset.relativePath === null) throw new AppError('DATASET_NOT_READY', 'There is no stored file. Import the file again.')
    await mkdir(folder, { recursive: true })
    const partialPath = join(folder, `${dataset.id}${partialSuffix}`)
    try {
      const report = await validator.freeze(join(datasetsFolder, dataset.relativePath), partialPath, {
        signal: controller.signal,
        onProgress: () => undefined,
      })
      if (report.sourceSha256 !== dataset.sha256) {
        throw new AppError('DATASET_FILE_UNREADABLE', 'The stored copy of the file was changed on the disk. Import the file again.')
      }
      const { sha256, bytes, rows } = report
      const path = join(folder, `${sha256}.jsonl`)
      await rename(partialPath, path)
      await syncFolder(folder)
      repository.setFrozen(dataset.id, { sha256, bytes, rows }, clock.nowMs())
      return { path, sha256, bytes, rows }
    } finally {
      await rm(partialPath, { force: true })
    }
  }
  const findMade = async ({ frozen }: DatasetRecord): Promise<FrozenDataset | null> => {
    if (frozen === null) return null
    const path = join(folder, `${frozen.sha256}.jsonl`)
    return (await isIntact(path, frozen.sha256)) ? { path, ...frozen } : null
  }
  const findOrMake = async (dataset: DatasetRecord): Promise<FrozenDataset> => {
    try {
      return (await findMade(dataset)) ?? (await make(dataset))
    } catch (error) {
      throw fileErrorOf(error)
    } finally {
      running.delete(dataset.id)
    }
  }

  return {
    freeze(dataset) {
      const started = running.get(dataset.id) ?? findOrMake(dataset)
      running.set(dataset.id, started)
      return started
    },
    dispose: () => controller.abort(new AppError('DATASET_NOT_READY', 'The app is closing.')),
  }
}

/** A file that was damaged since would be refused by the trainer, and for ever; so it is made again. */
async function isIntact(path: string, sha256: string): Promise<boolean> {
  try {
    const file = await readLines({ path, maxLineBytes: 0, onLine: () => undefined, onChunk: () => Promise.resolve() })
    return file.sha256 === sha256
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false
    throw error
  }
}
