import { createHash } from 'node:crypto'
import { AppError } from '../../../preload/contract/errors.ts'
import { createEventSegments } from './event-segments.ts'
import { createS3Calls, type HashedBytes, type S3Calls } from './s3-calls.ts'
import { failureOf } from './s3-failure.ts'
import { download, type DownloadLimits } from './s3-get.ts'
import { createS3Journal } from './s3-journal.ts'
import { listAll } from './s3-list.ts'
import { upload, type UploadLimits } from './s3-put.ts'
import { faultOf, type S3Access } from './s3-send.ts'
import { assertVolumeKey, folderOfPrefix } from './volume-key.ts'
import type { VolumeStore } from './volume-store.ts'

interface S3VolumeOptions extends Pick<S3Access, 'endpoint' | 'region' | 'bucket' | 'credentials' | 'clock' | 'log'> {
  /** Where notes on unfinished transfers are kept over restarts of the app. */
  readonly journalFolder: string
  readonly attempts?: number
  readonly transferAttempts?: number
  readonly silenceMs?: number
  readonly uploads?: Partial<UploadLimits>
  readonly downloads?: Partial<DownloadLimits>
}

const mebibyte = 1 << 20
const defaults = { attempts: 5, transferAttempts: 10, silenceMs: 90_000 }
const uploadDefaults: UploadLimits = {
  wholeBytes: 8 * mebibyte,
  partBytes: 50 * mebibyte,
  streams: 4,
  completeMs: 60_000,
  completePerGbMs: 5_000,
}
const downloadDefaults: DownloadLimits = { rangeBytes: 16 * mebibyte, streams: 4 }
const largestSegmentBytes = 256 * mebibyte
/** Suffix of files that the worker is still writing. */
const temporarySuffix = '.tmp'

/** A training volume that is a RunPod network volume, reached over its S3 interface. */
export function createS3Volume(options: S3VolumeOptions): VolumeStore {
  const { bucket, region, clock, log, journalFolder } = options
  const access: S3Access = {
    ...options,
    attempts: options.attempts ?? defaults.attempts,
    transferAttempts: options.transferAttempts ?? defaults.transferAttempts,
    silenceMs: options.silenceMs ?? defaults.silenceMs,
  }
  const calls = createS3Calls(access)
  const journal = createS3Journal(journalFolder, `${options.endpoint}/${bucket}`)
  const shared = { calls, journal, clock, log }
  const listFiles = async (prefix: string) => (await listAll(calls, prefix)).filter(({ key }) => isFile(key))
  const segments = createSegments(calls, listFiles)

  return {
    async putFile(key, sourcePath, sha256, transfer = {}) {
      assertVolumeKey(key)
      await upload({ ...shared, limits: { ...uploadDefaults, ...options.uploads }, key, sourcePath, sha256, ...transfer })
    },
    async putText(key, text) {
      assertVolumeKey(key)
      await calls.put(key, hashed(Buffer.from(text, 'utf8')))
    },
    async getFile(key, targetPath, transfer = {}) {
      assertVolumeKey(key)
      const brokenBy = (error: unknown) => failureOf(faultOf(error, transfer.signal, clock), { bucket, region, key })
      const limits = { ...downloadDefaults, ...options.downloads }
      return download({ ...shared, faultOf: brokenBy, limits, attempts: access.transferAttempts, key, targetPath, ...transfer })
    },
    async findText(key, maxBytes) {
      assertVolumeKey(key)
      return (await calls.read(key, maxBytes))?.toString('utf8')
    },
    async list(prefix) {
      // The root holds the caches of other programs, and listing them takes the store minutes.
      folderOfPrefix(prefix)
      return listFiles(prefix)
    },
    readEventLines(runId, afterSeq, maxEvents) {
      assertVolumeKey(runId)
      return segments.read(runId, afterSeq, maxEvents)
    },
    async removePrefix(prefix) {
      const folder = folderOfPrefix(prefix)
      const entries = await listAll(calls, `${folder}/`)
      for (const { key } of entries.toReversed()) await calls.remove(key)
      if (entries.length === 0) await calls.remove(folder)
    },
    /** RunPod tells nobody over S3. */
    freeBytes: () => Promise.resolve(null),
  }
}

/** Reads events; the segment that is being written is fetched again only when it has grown. */
function createSegments(calls: S3Calls, listFiles: (prefix: string) => Promise<readonly { key: string; bytes: number }[]>) {
  const folderOf = (runId: string) => `runs/${runId}/events/`
  let sizes: ReadonlyMap<string, number> = new Map()
  let last: { key: string; content: Buffer } | undefined
  return createEventSegments({
    async listNames(runId) {
      const files = await listFiles(folderOf(runId))
      sizes = new Map(files.map(({ key, bytes }) => [key, bytes]))
      return files.map(({ key }) => key.slice(folderOf(runId).length))
    },
    async read(runId, name) {
      const key = `${folderOf(runId)}${name}`
      if (last?.key === key && last.content.length === sizes.get(key)) return last.content
      const content = await calls.read(key, largestSegmentBytes)
      if (content === undefined) throw new AppError('VOLUME_UNREADABLE', `${key} is not on the training volume.`, { details: { key } })
      last = { key, content }
      return content
    },
  })
}

function hashed(bytes: Buffer): HashedBytes {
  return { bytes, sha256: createHash('sha256').update(bytes).digest('hex') }
}

/** Leaves out what is not complete, marks of folders, and names that no part of this app writes. */
function isFile(key: string): boolean {
  return !key.endsWith('/') && !key.endsWith(temporarySuffix) && !key.split('/').some((segment) => segment.startsWith('.'))
}
