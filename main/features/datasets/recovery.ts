import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { frozenFolderName } from './freezer.ts'
import { partialSuffix } from './import-file.ts'
import { indexFolderName } from './open-datasets.ts'
import type { PreparationDependencies } from './preparation.ts'
import type { DatasetRecord, DatasetRepository } from './repository.ts'

interface RecoveryDependencies extends Pick<PreparationDependencies, 'repository' | 'datasetsFolder' | 'clock' | 'log'> {
  readonly startValidation: (id: string) => void
  readonly isReferencedByRun: (id: string) => boolean
}

/** Puts the datasets in order at start-up, after a crash as after a normal end. */
export async function recoverDatasets(dependencies: RecoveryDependencies): Promise<void> {
  const { repository, datasetsFolder, clock, log, startValidation, isReferencedByRun } = dependencies
  for (const folder of [datasetsFolder, join(datasetsFolder, frozenFolderName)]) await removePartials(folder)
  for (const dataset of repository.listUnfinished()) {
    if (dataset.status === 'validating') startValidation(dataset.id)
    else repository.setStatus(dataset.id, 'error', 'The import was interrupted. Import the file again.', clock.nowMs())
  }
  for (const dataset of repository.listDeleted()) {
    if (isReferencedByRun(dataset.id)) continue
    await purge(repository, datasetsFolder, dataset)
    log.info('A deleted dataset was removed for good', { id: dataset.id })
  }
}

async function removePartials(folder: string): Promise<void> {
  for (const name of await listFolder(folder)) {
    if (name.endsWith(partialSuffix)) await rm(join(folder, name), { force: true })
  }
}

async function listFolder(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
}

/** Removes a dataset and the files that no other dataset uses; a crash in between leaves a file, never a broken row. */
async function purge(repository: DatasetRepository, datasetsFolder: string, dataset: DatasetRecord): Promise<void> {
  repository.remove(dataset.id)
  const { relativePath, placesPath, sources, frozen } = dataset
  const files = [relativePath, placesPath, ...sources.map((source) => source.relativePath)]
  for (const file of new Set(files)) {
    if (file !== null && repository.countFileUsers(file) === 0) await rm(join(datasetsFolder, file), { force: true })
  }
  await removeIndex(datasetsFolder, dataset.id)
  if (frozen !== null && repository.countFrozenUsers(frozen.sha256) === 0) {
    await rm(join(datasetsFolder, frozenFolderName, `${frozen.sha256}.jsonl`), { force: true })
  }
}

/** Removes what the engine noted about a dataset; it can be made again from the file. */
export async function removeIndex(datasetsFolder: string, id: string): Promise<void> {
  for (const ending of ['', '-wal', '-shm']) await rm(join(datasetsFolder, indexFolderName, `${id}.sqlite${ending}`), { force: true })
}
