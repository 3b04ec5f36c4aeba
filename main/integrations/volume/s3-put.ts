import { createHash } from 'node:crypto'
import { open, stat, type FileHandle } from 'node:fs/promises'
import { AppError } from '../../../preload/contract/errors.ts'
import { delay, type Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { S3Calls } from './s3-calls.ts'
import type { S3Journal } from './s3-journal.ts'
import { inLanes } from './s3-lanes.ts'
import { findHeldParts, planParts, type PartPlan, type SentPart } from './s3-parts.ts'
import { bodyOf, hashInPassing, type PassingHashes } from './s3-source.ts'
import type { TransferOptions } from './volume-store.ts'

/** Sizes and times of uploads. */
export interface UploadLimits {
  /** Up to this size a file goes up with one request. */
  readonly wholeBytes: number
  readonly partBytes: number
  readonly streams: number
  /** First deadline for putting the parts together; it doubles with each try. */
  readonly completeMs: number
  /** Added to it for each GB. */
  readonly completePerGbMs: number
}

/** One upload. */
export interface S3Upload extends TransferOptions {
  readonly calls: S3Calls
  readonly journal: S3Journal
  readonly clock: Clock
  readonly log: Log
  readonly limits: UploadLimits
  readonly key: string
  readonly sourcePath: string
  readonly sha256: string
}

interface Source {
  readonly file: FileHandle
  readonly totalBytes: number
  assertUnchanged(): Promise<void>
}

interface Sending extends Source {
  readonly plan: readonly PartPlan[]
  readonly uploadId: string
  readonly parts: Map<number, SentPart>
}

const restartsAllowed = 2
const completionTries = 5
const listChecks = 3
/** Pauses before the looks at a file that may be on its way still. */
const lookPausesMs = [0, 2_000, 5_000, 10_000, 20_000, 30_000]
const bytesPerGb = 1e9

/** Sends a file unless one of its size is there, and believes that it arrived only when the store shows its size. */
export async function upload(options: S3Upload): Promise<void> {
  const { calls, journal, key, sourcePath, signal } = options
  signal?.throwIfAborted()
  const { size: totalBytes, mtimeMs } = await factsOf(sourcePath)
  const there = await calls.head(key, signal)
  if (there?.bytes !== totalBytes) {
    const file = await open(sourcePath, 'r')
    try {
      const assertUnchanged = async () => {
        const facts = await file.stat()
        if (facts.size !== totalBytes || facts.mtimeMs !== mtimeMs) throw changed(sourcePath)
      }
      if (totalBytes <= options.limits.wholeBytes) await sendWhole(options, file, totalBytes)
      else await sendInParts(options, { file, totalBytes, assertUnchanged })
    } finally {
      await file.close()
    }
  }
  await journal.forget(key)
  options.onProgress?.(totalBytes, totalBytes)
}

async function sendWhole(options: S3Upload, file: FileHandle, totalBytes: number): Promise<void> {
  const { calls, key, signal } = options
  options.onProgress?.(0, totalBytes)
  const bytes = await file.readFile()
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  if (sha256 !== options.sha256) throw changed(options.sourcePath)
  for (let restarts = 0; restarts <= restartsAllowed; restarts += 1) {
    await calls.put(key, { bytes, sha256 }, signal)
    if (await hasArrived(options, totalBytes)) return
  }
  throw lost(key)
}

async function sendInParts(options: S3Upload, source: Source): Promise<void> {
  const { journal, key, log } = options
  for (let restarts = 0; restarts <= restartsAllowed; restarts += 1) {
    const sending = await begin(options, source)
    if (sending === 'arrived') return
    const outcome = sending === 'lost' ? 'lost' : await sendAndFinish(options, sending)
    if (outcome === 'arrived') return
    log.warning('An upload to the network volume was lost and starts over', { key, restarts })
    if (sending === 'lost') await journal.forget(key)
    else await giveUp(options, sending)
  }
  throw lost(key)
}

/** Parts that are not gone on with would lie in a hidden folder of the volume for good. */
async function giveUp({ calls, journal, key }: S3Upload, { uploadId }: Sending): Promise<void> {
  await calls.abortUpload(key, uploadId)
  await journal.forget(key)
}

/** Goes on with the noted upload, or begins one; an upload that the store has forgotten may have been finished. */
async function begin(options: S3Upload, source: Source): Promise<Sending | 'arrived' | 'lost'> {
  const { totalBytes } = source
  const { calls, journal, key, limits, sha256, signal } = options
  const note = await journal.findPut(key)
  if (note !== undefined && note.totalBytes === totalBytes && note.sha256 === sha256) {
    const plan = planParts(totalBytes, note.partBytes)
    const held = await findHeldParts(calls, { key, ...note }, plan, signal)
    if (held === 'no_upload') return (await hasArrived(options, totalBytes)) ? 'arrived' : 'lost'
    return { ...source, plan, uploadId: note.uploadId, parts: new Map(held.map((part) => [part.number, part])) }
  }
  if (note !== undefined) await calls.abortUpload(key, note.uploadId)
  const uploadId = await calls.createUpload(key, signal)
  const sending = { ...source, plan: planParts(totalBytes, limits.partBytes), uploadId, parts: new Map<number, SentPart>() }
  await save(options, sending)
  return sending
}

async function sendAndFinish(options: S3Upload, sending: Sending): Promise<'arrived' | 'lost'> {
  const hashes = hashInPassing(sending.file, sending.plan, options.signal)
  try {
    if ((await sendAll(options, sending, hashes)) === 'no_upload') {
      return (await hasArrived(options, sending.totalBytes)) ? 'arrived' : 'lost'
    }
    if (sending.parts.size < sending.plan.length) return 'lost'
    if ((await hashes.whole()) !== options.sha256) throw changed(options.sourcePath)
    await sending.assertUnchanged()
    return await finish(options, sending)
  } catch (error) {
    // Parts of another content must never be gone on with.
    if (isChanged(error)) await giveUp(options, sending)
    throw error
  } finally {
    hashes.stop()
  }
}

/** Sends parts until the store holds all of them, or has lost some too often. */
async function sendAll(options: S3Upload, sending: Sending, hashes: PassingHashes): Promise<'no_upload' | undefined> {
  const { calls, key, signal } = options
  const { parts, plan, uploadId } = sending
  for (let checks = 0; ; checks += 1) {
    if ((await sendMissing(options, sending, hashes)) === 'no_upload') return 'no_upload'
    const held = await findHeldParts(calls, { key, uploadId, parts: inOrder(parts) }, plan, signal)
    if (held === 'no_upload') return 'no_upload'
    if (held.length === plan.length) return undefined
    parts.clear()
    for (const part of held) parts.set(part.number, part)
    if (checks >= listChecks) return undefined
  }
}

async function sendMissing(options: S3Upload, sending: Sending, hashes: PassingHashes): Promise<'no_upload' | undefined> {
  const { calls, key, limits } = options
  const { assertUnchanged, file, parts, plan, totalBytes, uploadId } = sending
  const report = () => options.onProgress?.(sentBytes(sending), totalBytes)
  report()
  return inLanes(plan, limits.streams, options.signal, async (part, signal) => {
    const { bytes, number } = part
    const sha256 = await hashes.ofPart(number - 1)
    // What an earlier start of the app sent is kept only if it is what the file holds there now.
    if (parts.get(number)?.sha256 === sha256) return undefined
    const body = () => bodyOf(file, part, assertUnchanged)
    const etag = await calls.uploadPart({ key, uploadId, number }, { bytes, sha256, body }, signal)
    if (etag === 'no_upload') return 'no_upload' as const
    parts.set(number, { number, etag, sha256 })
    await save(options, sending)
    report()
    return undefined
  })
}

/** Has the parts put together, which ends in a lost connection often enough although it goes on. */
async function finish(options: S3Upload, { parts, totalBytes, uploadId }: Sending): Promise<'arrived' | 'lost'> {
  const { calls, clock, key, limits, log, signal } = options
  const firstMs = Math.max(limits.completeMs, Math.ceil((totalBytes / bytesPerGb) * limits.completePerGbMs))
  for (let tries = 0; tries < completionTries; tries += 1) {
    const outcome = await calls.complete({ key, uploadId, parts: inOrder(parts) }, firstMs * 2 ** tries, signal)
    if (outcome === 'done') return (await hasArrived(options, totalBytes)) ? 'arrived' : 'lost'
    log.info('The network volume did not confirm that a file is complete', { key, status: outcome.status, said: outcome.code })
    if (outcome.kind === 'bad_parts') return 'lost'
    await delay(clock, lookPausesMs[1] ?? 0, signal)
    if (await hasArrived(options, totalBytes)) return 'arrived'
    if (outcome.kind !== 'passing') return 'lost'
  }
  throw new AppError('ENDPOINT_UNREACHABLE', 'The network volume did not confirm that the training file is complete. Try again later.', {
    retryable: true,
    details: { key },
  })
}

/** Looks several times, because a file may show only a while after the answer. */
async function hasArrived({ calls, clock, key, signal }: S3Upload, totalBytes: number): Promise<boolean> {
  for (const lookPauseMs of lookPausesMs) {
    if (lookPauseMs > 0) await delay(clock, lookPauseMs, signal)
    if ((await calls.head(key, signal))?.bytes === totalBytes) return true
  }
  return false
}

async function save({ journal, key, limits, sha256 }: S3Upload, { parts, plan, totalBytes, uploadId }: Sending): Promise<void> {
  const partBytes = plan[0]?.bytes ?? limits.partBytes
  await journal.save(key, { v: 1, kind: 's3-put', totalBytes, sha256, partBytes, uploadId, parts: [...inOrder(parts)] })
}

function inOrder(parts: ReadonlyMap<number, SentPart>): readonly SentPart[] {
  return [...parts.values()].toSorted((a, b) => a.number - b.number)
}

function sentBytes({ parts, plan }: Sending): number {
  return plan.reduce((sum, part) => sum + (parts.has(part.number) ? part.bytes : 0), 0)
}

async function factsOf(path: string): Promise<{ size: number; mtimeMs: number }> {
  try {
    return await stat(path)
  } catch (error) {
    throw new AppError('VOLUME_UNREADABLE', 'The file to copy to the training volume is gone.', { cause: error })
  }
}

const changedWords = 'The file changed while it was copied to the training volume. Start again.'

function changed(sourcePath: string): AppError {
  return new AppError('VOLUME_UNREADABLE', changedWords, { details: { sourcePath } })
}

function isChanged(error: unknown): boolean {
  return error instanceof AppError && error.message === changedWords
}

function lost(key: string): AppError {
  return new AppError('VOLUME_UNREADABLE', 'The network volume loses the training file again and again. Try again later.', {
    retryable: true,
    details: { key },
  })
}
