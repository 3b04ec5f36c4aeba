import { mkdir, open, rename, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { AppError } from '../../../preload/contract/errors.ts'
import { syncFolder } from '../../lib/atomic-file.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { S3Calls } from './s3-calls.ts'
import type { S3Journal } from './s3-journal.ts'
import { inLanes } from './s3-lanes.ts'
import { pourInto, type Outcome, type Stretch } from './s3-pour.ts'
import type { TransferOptions } from './volume-store.ts'

/** Suffix of a download that is not complete yet. */
const partialSuffix = '.partial'
const restartsAllowed = 2

/** Sizes of downloads. */
export interface DownloadLimits {
  readonly rangeBytes: number
  readonly streams: number
}

/** One download. */
export interface S3Download extends TransferOptions {
  readonly calls: S3Calls
  readonly journal: S3Journal
  readonly clock: Clock
  readonly log: Log
  /** The app's own error for what broke a connection. */
  readonly faultOf: (error: unknown) => AppError
  readonly limits: DownloadLimits
  readonly attempts: number
  readonly key: string
  readonly targetPath: string
}

interface Partial {
  readonly file: FileHandle
  readonly name: string
  readonly totalBytes: number
  readonly etag: string
  readonly rangeBytes: number
  readonly done: Set<number>
}

/** Fetches a file in ranges into a partial one beside its target, and renames it when all is there. */
export async function download(options: S3Download): Promise<{ bytes: number }> {
  const { journal, key, targetPath, signal } = options
  const partialPath = `${targetPath}${partialSuffix}`
  const name = `${key}\n${targetPath}`
  signal?.throwIfAborted()
  await mkdir(dirname(targetPath), { recursive: true })
  let bytes: number | undefined
  for (let restarts = 0; bytes === undefined; restarts += 1) {
    if (restarts > restartsAllowed) throw changing(key)
    bytes = await fetchOnce(options, partialPath, name)
    if (bytes === undefined) await journal.forget(name)
  }
  signal?.throwIfAborted()
  await rename(partialPath, targetPath)
  await syncFolder(dirname(targetPath))
  await journal.forget(name)
  return { bytes }
}

/** The size when all is there; undefined when the file became another one meanwhile. */
async function fetchOnce(options: S3Download, partialPath: string, name: string): Promise<number | undefined> {
  const { calls, key, signal } = options
  const facts = await calls.head(key, signal)
  if (facts === undefined) {
    // A volume that is not there looks the same; the list of its files tells.
    await calls.assertReachable(key, signal)
    throw absent(key)
  }
  const made = await open(partialPath, 'a', 0o600)
  await made.close()
  const file = await open(partialPath, 'r+')
  try {
    const partial = await goOn(options, file, name, facts)
    options.onProgress?.(doneBytes(partial), facts.bytes)
    let outcome: Outcome = 'complete'
    if (facts.bytes > 0) outcome = (await fetchRanges(options, partial)) ?? 'complete'
    if (outcome === 'no_ranges') outcome = await fetchWhole(options, partial)
    if (outcome !== 'complete') return undefined
    await file.sync()
  } finally {
    await file.close()
  }
  options.onProgress?.(facts.bytes, facts.bytes)
  return facts.bytes
}

/** Takes over what a note vouches for; everything else in the partial file is thrown away. */
async function goOn(
  { journal, limits }: S3Download,
  file: FileHandle,
  name: string,
  { bytes: totalBytes, etag }: { bytes: number; etag: string },
): Promise<Partial> {
  const note = await journal.findGet(name)
  const { size } = await file.stat()
  const isSame = note !== undefined && note.totalBytes === totalBytes && note.etag === etag && size === totalBytes
  if (isSame) return { file, name, totalBytes, etag, rangeBytes: note.rangeBytes, done: new Set(note.ranges) }
  await file.truncate(0)
  await file.truncate(totalBytes)
  return { file, name, totalBytes, etag, rangeBytes: limits.rangeBytes, done: new Set() }
}

async function fetchRanges(options: S3Download, partial: Partial): Promise<Exclude<Outcome, 'complete'> | undefined> {
  const { journal, limits } = options
  const { done, etag, file, name, rangeBytes, totalBytes } = partial
  const missing = Array.from({ length: Math.ceil(totalBytes / rangeBytes) }, (_, index) => index).filter((index) => !done.has(index))
  const flying = new Map<number, number>()
  const report = () => {
    const flyingBytes = [...flying.values()].reduce((sum, bytes) => sum + bytes, 0)
    options.onProgress?.(doneBytes(partial) + flyingBytes, totalBytes)
  }
  return inLanes(missing, limits.streams, options.signal, async (index, signal) => {
    const stretch = { ...stretchOf(partial, index), totalBytes, etag }
    const outcome = await pourInto(file, {
      ...options,
      signal,
      stretch,
      isWhole: false,
      onBytes: (bytes) => (flying.set(index, bytes), report()),
    })
    if (outcome !== 'complete') return outcome
    await file.datasync()
    flying.delete(index)
    done.add(index)
    await journal.save(name, { v: 1, kind: 's3-get', totalBytes, etag, rangeBytes, ranges: [...done] })
    return undefined
  })
}

/** The fallback for a store that sends the whole file whatever is asked: one stream that cannot go on after a break. */
async function fetchWhole(options: S3Download, { etag, file, totalBytes }: Partial): Promise<Outcome> {
  options.log.info('The network volume gives no parts of files', { key: options.key })
  let furthest = 0
  const onBytes = (bytes: number) => {
    furthest = Math.max(furthest, bytes)
    options.onProgress?.(furthest, totalBytes)
  }
  return pourInto(file, { ...options, stretch: { from: 0, to: totalBytes - 1, totalBytes, etag }, isWhole: true, onBytes })
}

function stretchOf({ rangeBytes, totalBytes }: Partial, index: number): Pick<Stretch, 'from' | 'to'> {
  return { from: index * rangeBytes, to: Math.min(totalBytes, (index + 1) * rangeBytes) - 1 }
}

function doneBytes(partial: Partial): number {
  return [...partial.done].reduce((sum, index) => {
    const { from, to } = stretchOf(partial, index)
    return sum + Math.max(0, to + 1 - from)
  }, 0)
}

function absent(key: string): AppError {
  return new AppError('VOLUME_UNREADABLE', `${key} is not on the training volume.`, { details: { key } })
}

function changing(key: string): AppError {
  return new AppError('VOLUME_UNREADABLE', `${key} changes on the training volume while it is copied. Try again later.`, {
    retryable: true,
    details: { key },
  })
}
