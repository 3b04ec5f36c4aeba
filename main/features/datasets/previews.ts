import { basename } from 'node:path'
import type { FilePreview } from '../../../preload/contract/datasets.ts'
import { AppError } from '../../../preload/contract/errors.ts'
import type { Clock } from '../../lib/clock.ts'
import type { NewId } from '../../lib/ids.ts'
import { inspectFile } from './import-file.ts'
import { previewFile } from './preview-file.ts'
import { readLines } from './read-lines.ts'
import { fileErrorOf } from './thread-validator.ts'

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
  /** The file behind a token; refuses one that expired or a file that changed since. */
  take(token: string): Promise<ChosenFile>
}

interface PreviewDependencies {
  readonly clock: Clock
  readonly newId: NewId
  /** Datasets whose stored file has this size, with its hash. */
  readonly findBySize: (sizeBytes: number) => readonly { id: string; sha256: string }[]
}

const expiresAfterMs = 60 * 60 * 1000
const maxRemembered = 50
/** Above this, hashing would hold up the preview; the import finds out anyway. */
const maxHashedBytes = 64 * 1024 * 1024

/** Creates the memory of chosen files; it is empty after a restart. */
export function createFilePreviews({ clock, newId, findBySize }: PreviewDependencies): FilePreviews {
  const chosen = new Map<string, ChosenFile & { expiresAtMs: number }>()

  const forgetOld = () => {
    for (const [token, file] of chosen) if (file.expiresAtMs <= clock.nowMs() || chosen.size > maxRemembered) chosen.delete(token)
  }
  const findSame = async (path: string, sizeBytes: number): Promise<string | null> => {
    const candidates = findBySize(sizeBytes)
    if (candidates.length === 0 || sizeBytes > maxHashedBytes) return null
    const { sha256 } = await readLines({ path, maxLineBytes: 0, onLine: () => undefined, onChunk: () => Promise.resolve() })
    return candidates.find((dataset) => dataset.sha256 === sha256)?.id ?? null
  }

  return {
    async preview(path) {
      try {
        const { sizeBytes, changedAtMs } = await inspectFile(path)
        const findings = await previewFile(path)
        const existingDatasetId = findings.problem === null ? await findSame(path, sizeBytes) : null
        const token = newId()
        const fileName = basename(path)
        chosen.set(token, {
          path,
          fileName,
          sizeBytes,
          changedAtMs,
          problem: findings.problem,
          expiresAtMs: clock.nowMs() + expiresAfterMs,
        })
        forgetOld()
        return {
          token,
          fileName,
          sizeBytes,
          shape: findings.shape,
          evidence: findings.evidence,
          firstConversation: findings.firstConversation === null ? null : [...findings.firstConversation],
          problem: findings.problem,
          existingDatasetId,
        }
      } catch (error) {
        throw fileErrorOf(error)
      }
    },
    async take(token) {
      forgetOld()
      const file = chosen.get(token)
      if (file === undefined) throw new AppError('DATASET_FILE_UNREADABLE', 'The file was chosen too long ago. Choose it again.')
      try {
        const now = await inspectFile(file.path)
        if (now.sizeBytes !== file.sizeBytes || now.changedAtMs !== file.changedAtMs) {
          throw new AppError('DATASET_FILE_UNREADABLE', 'The file changed after it was chosen. Choose it again.')
        }
      } catch (error) {
        throw fileErrorOf(error)
      }
      if (file.problem !== null) throw new AppError('DATASET_FILE_UNREADABLE', file.problem)
      chosen.delete(token)
      return file
    },
  }
}
