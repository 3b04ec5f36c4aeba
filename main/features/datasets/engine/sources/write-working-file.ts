import { createHash, randomBytes, type Hash } from 'node:crypto'
import { open, rename, rm, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { AppError } from '../../../../../preload/contract/errors.ts'
import { syncFolder } from '../../../../lib/atomic-file.ts'
import { createDiskRoom, type DiskRoom } from './disk-room.ts'
import { createPlacesWriter, type PlacesWriter } from './places.ts'
import { createProblemLog, type ProblemLog } from './problem-log.ts'
import { readSource } from './read-source.ts'
import { createRowWriter } from './row-writer.ts'
import { codeOf, openSourceFile } from './source-file.ts'
import type { SourceProblem, SourceProblemKind, SourceSniff } from './source-types.ts'

/** What is to become one working file, and where. */
export interface WorkingFileOptions {
  readonly sources: readonly { readonly path: string; readonly sniff: SourceSniff }[]
  readonly targetPath: string
  readonly placesPath: string
  readonly signal: AbortSignal
  readonly onProgress: (doneBytes: number, totalBytes: number) => void
}

/** A source as it was read. */
export interface ReadSourceSummary {
  readonly path: string
  readonly sha256: string
  readonly bytes: number
  readonly rows: number
  /** Blank lines, which are in no working file. */
  readonly blankLines: number
}

/** The finished working file. */
export interface WorkingFile {
  readonly rows: number
  readonly bytes: number
  readonly sha256: string
  readonly sources: ReadSourceSummary[]
  /** At most 1,000 of each kind; `problemCounts` is exact. */
  readonly problems: readonly SourceProblem[]
  readonly problemCounts: Partial<Record<SourceProblemKind, number>>
}

/** Reads every source into one file of UTF-8 JSON Lines and notes where each line comes from. Whole files appear, or none. */
export async function writeWorkingFile(options: WorkingFileOptions): Promise<WorkingFile> {
  const { targetPath, placesPath, signal } = options
  const suffix = `.${randomBytes(6).toString('hex')}.partial`
  const partial = { target: targetPath + suffix, places: placesPath + suffix }
  let isPlacesNamed = false
  try {
    const result = await writePartial(options, partial)
    signal.throwIfAborted()
    // The working file comes last: where it is, its places are.
    await rename(partial.places, placesPath)
    isPlacesNamed = true
    await rename(partial.target, targetPath)
    await syncFolder(dirname(targetPath))
    return result
  } catch (error) {
    await rm(partial.target, { force: true })
    await rm(partial.places, { force: true })
    if (isPlacesNamed) await rm(placesPath, { force: true })
    throw codeOf(error) === 'ENOSPC' ? diskFull(error) : error
  }
}

/** The state of the file that is being written. */
interface Target {
  readonly file: FileHandle
  readonly places: PlacesWriter
  readonly hash: Hash
  readonly room: DiskRoom
  readonly log: ProblemLog
  bytes: number
  rows: number
}

async function writePartial(options: WorkingFileOptions, partial: { target: string; places: string }): Promise<WorkingFile> {
  const file = await open(partial.target, 'wx', 0o600)
  try {
    const placesFile = await open(partial.places, 'wx', 0o600)
    try {
      const room = await createDiskRoom(dirname(options.targetPath))
      const places = createPlacesWriter(placesFile)
      const target: Target = { file, places, hash: createHash('sha256'), room, log: createProblemLog(), bytes: 0, rows: 0 }
      const sources = await readAll(options, target)
      await places.finish()
      await file.sync()
      const { problems, counts } = target.log
      return { rows: target.rows, bytes: target.bytes, sha256: target.hash.digest('hex'), sources, problems, problemCounts: counts }
    } finally {
      await placesFile.close()
    }
  } finally {
    await file.close()
  }
}

async function readAll({ sources, signal, onProgress }: WorkingFileOptions, target: Target): Promise<ReadSourceSummary[]> {
  const totalBytes = sources.reduce((sum, { sniff }) => sum + sniff.sizeBytes, 0)
  let doneBefore = 0
  const summaries: ReadSourceSummary[] = []
  for (const [number, { path, sniff }] of sources.entries()) {
    if (sniff.problem !== null) throw new AppError('DATASET_FILE_UNREADABLE', `${sniff.problem.message} ${sniff.problem.suggestion}`)
    const onDone = (bytes: number) => {
      onProgress(Math.min(totalBytes, doneBefore + bytes), totalBytes)
    }
    summaries.push(await readOne({ number, path, sniff, signal, onDone }, target))
    doneBefore += sniff.sizeBytes
    onDone(0)
  }
  return summaries
}

interface OneSource {
  readonly number: number
  readonly path: string
  readonly sniff: SourceSniff
  readonly signal: AbortSignal
  readonly onDone: (bytes: number) => void
}

async function readOne({ number, path, sniff, signal, onDone }: OneSource, target: Target): Promise<ReadSourceSummary> {
  let readBytes = 0
  const onBytes = (bytes: number) => {
    readBytes += bytes
    onDone(readBytes)
  }
  const file = await openSourceFile({ path, signal, onBytes })
  try {
    const writer = createRowWriter({
      onProblem: (line, kind) => {
        target.log.add(number, line, kind)
      },
    })
    const drain = async () => {
      signal.throwIfAborted()
      const { bytes, lines } = writer.take()
      if (lines.length === 0) return true
      await target.room.claim(target.bytes, bytes.length + lines.length * 8)
      target.hash.update(bytes)
      await writeWhole(target.file, bytes, target.bytes)
      await target.places.add(number, lines)
      target.bytes += bytes.length
      target.rows += lines.length
      return true
    }
    const onUnpacked = sniff.compression === null ? {} : { onUnpacked: target.room.assertUnpackable }
    const onShare = (share: number) => {
      onDone(share * file.sizeBytes)
    }
    const { blankLines } = await readSource({ file, sniff, writer, drain, signal, onShare, ...onUnpacked })
    await drain()
    const sha256 = await file.sha256()
    await file.assertUnchanged()
    return { path, sha256, bytes: file.sizeBytes, rows: writer.rows, blankLines }
  } finally {
    await file.close()
  }
}

async function writeWhole(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  let written = 0
  while (written < bytes.length) {
    const { bytesWritten } = await file.write(bytes, written, bytes.length - written, position + written)
    written += bytesWritten
  }
}

function diskFull(cause: unknown): AppError {
  return new AppError('DISK_FULL', 'The disk is full. Free some space and import the files again.', { cause })
}
