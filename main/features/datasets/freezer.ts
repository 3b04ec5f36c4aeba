import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { AppError } from '../../../preload/contract/errors.ts'
import { syncFolder } from '../../lib/atomic-file.ts'
import { explainFileError } from './engine/file-errors.ts'
import { partialSuffix } from './import-file.ts'
import type { PreparationDependencies } from './preparation.ts'
import type { DatasetRecord } from './repository.ts'

/** The normalised training file of a dataset, content-addressed. */
export interface FrozenDataset {
  readonly path: string
  readonly sha256: string
  readonly bytes: number
  readonly rows: number
}

/** Makes training files, each at most once per state of the dataset. */
export interface Freezer {
  freeze(dataset: DatasetRecord): Promise<FrozenDataset>
}

/** The folder of the training files inside the datasets folder. */
export const frozenFolderName = 'frozen'

/** Creates the maker of training files. */
export function createFreezer(
  dependencies: Pick<PreparationDependencies, 'repository' | 'engine' | 'openDatasets' | 'datasetsFolder' | 'clock'>,
): Freezer {
  const { repository, engine, openDatasets, datasetsFolder, clock } = dependencies
  const folder = join(datasetsFolder, frozenFolderName)
  const running = new Map<string, Promise<FrozenDataset>>()

  const make = async (dataset: DatasetRecord): Promise<FrozenDataset> => {
    await mkdir(folder, { recursive: true })
    const partialPath = join(folder, `${dataset.id}${partialSuffix}`)
    try {
      await openDatasets.ready(dataset)
      const { sha256, bytes, rows } = await engine.freeze(dataset.id, partialPath)
      if (rows === 0) throw new AppError('DATASET_NOT_READY', `"${dataset.name}" has no row to train on. Open it to see why.`)
      const path = join(folder, `${sha256}.jsonl`)
      await rename(partialPath, path)
      await syncFolder(folder)
      repository.setFrozen(dataset.id, { sha256, bytes, rows, state: stateOf(dataset) }, clock.nowMs())
      return { path, sha256, bytes, rows }
    } finally {
      await rm(partialPath, { force: true })
    }
  }
  const findMade = async (dataset: DatasetRecord): Promise<FrozenDataset | null> => {
    const { frozen } = dataset
    if (frozen === null || frozen.state !== stateOf(dataset)) return null
    const { sha256, bytes, rows } = frozen
    const path = join(folder, `${sha256}.jsonl`)
    return (await isIntact(path, sha256)) ? { path, sha256, bytes, rows } : null
  }
  const findOrMake = async (dataset: DatasetRecord): Promise<FrozenDataset> => {
    try {
      return (await findMade(dataset)) ?? (await make(dataset))
    } catch (error) {
      throw explainFileError(error)
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
  }
}

/** The training file that was made of a dataset's present state; null when none was. */
export function frozenOf(dataset: DatasetRecord): Pick<FrozenDataset, 'sha256' | 'bytes'> | null {
  const { frozen } = dataset
  return frozen === null || frozen.state !== stateOf(dataset) ? null : { sha256: frozen.sha256, bytes: frozen.bytes }
}

/** Everything that decides which rows are trained and how they read. */
function stateOf({ version, split, mapping, sha256 }: DatasetRecord): string {
  return JSON.stringify([sha256, version, split?.settings ?? null, mapping])
}

/** A file that was damaged since would be refused by the trainer, and for ever; so it is made again. */
async function isIntact(path: string, sha256: string): Promise<boolean> {
  try {
    return (await hashFile(path)) === sha256
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false
    throw error
  }
}

/** SHA-256 of a file, in constant memory. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), hash)
  return hash.digest('hex')
}
