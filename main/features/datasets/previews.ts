import { basename } from 'node:path'
import type { ColumnMapping, FilePreview, PreviewRow } from '../../../preload/contract/datasets.ts'
import { AppError } from '../../../preload/contract/errors.ts'
import type { Clock } from '../../lib/clock.ts'
import type { NewId } from '../../lib/ids.ts'
import { explainFileError } from './engine/file-errors.ts'
import type { EngineClient } from './engine/host/connect.ts'
import { hashFile } from './freezer.ts'
import { inspectFile } from './import-file.ts'

/** A file the user chose, until it is imported or forgotten. */
export interface ChosenFile {
  readonly path: string
  readonly fileName: string
  readonly sizeBytes: number
  readonly changedAtMs: number
  readonly problem: string | null
}

/** Looks at chosen files and remembers their paths; the window only ever holds the token. */
export interface FilePreviews {
  preview(path: string): Promise<FilePreview>
  previewMapping(token: string, mapping: ColumnMapping): Promise<PreviewRow[]>
  /** The files behind the tokens; refuses one that expired or a file that changed since. */
  take(tokens: readonly string[]): Promise<ChosenFile[]>
}

interface PreviewDependencies {
  readonly clock: Clock
  readonly newId: NewId
  readonly engine: EngineClient
  /** Datasets whose stored file has this size, with its hash. */
  readonly findBySize: (sizeBytes: number) => readonly { id: string; sha256: string }[]
}

const expiresAfterMs = 60 * 60 * 1000
const maxRemembered = 200
/** Above this, hashing would hold up the preview; the import finds out anyway. */
const maxHashedBytes = 64 * 1024 * 1024

/** Creates the memory of chosen files; it is empty after a restart. */
export function createFilePreviews({ clock, newId, engine, findBySize }: PreviewDependencies): FilePreviews {
  const chosen = new Map<string, ChosenFile & { expiresAtMs: number }>()

  const forgetOld = () => {
    for (const [token, file] of chosen) if (file.expiresAtMs <= clock.nowMs() || chosen.size > maxRemembered) chosen.delete(token)
  }
  const findSame = async (path: string, sizeBytes: number): Promise<string | null> => {
    const candidates = findBySize(sizeBytes)
    if (candidates.length === 0 || sizeBytes > maxHashedBytes) return null
    const sha256 = await hashFile(path)
    return candidates.find((dataset) => dataset.sha256 === sha256)?.id ?? null
  }
  const get = (token: string) => {
    forgetOld()
    const file = chosen.get(token)
    if (file === undefined) throw new AppError('DATASET_FILE_UNREADABLE', 'The file was chosen too long ago. Choose it again.')
    return file
  }
  const check = async (file: ChosenFile) => {
    const now = await inspectFile(file.path)
    if (now.sizeBytes !== file.sizeBytes || now.changedAtMs !== file.changedAtMs) {
      throw new AppError('DATASET_FILE_UNREADABLE', `"${file.fileName}" changed after it was chosen. Choose it again.`)
    }
    if (file.problem !== null) throw new AppError('DATASET_FILE_UNREADABLE', file.problem)
  }

  return {
    async preview(path) {
      try {
        const { sizeBytes, changedAtMs } = await inspectFile(path)
        const found = await engine.previewSource(path)
        const existingDatasetId = found.problem === null ? await findSame(path, sizeBytes) : null
        const token = newId()
        const fileName = basename(path)
        chosen.set(token, { path, fileName, sizeBytes, changedAtMs, problem: found.problem, expiresAtMs: clock.nowMs() + expiresAfterMs })
        forgetOld()
        return { ...found, token, fileName, sizeBytes, existingDatasetId }
      } catch (error) {
        throw explainFileError(error)
      }
    },
    previewMapping: (token, mapping) => engine.previewMapping(get(token).path, mapping),
    async take(tokens) {
      const files = tokens.map(get)
      try {
        for (const file of files) await check(file)
      } catch (error) {
        throw explainFileError(error)
      }
      for (const token of tokens) chosen.delete(token)
      return files
    },
  }
}
