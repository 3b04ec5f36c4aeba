import { open, stat, type FileHandle } from 'node:fs/promises'
import { AppError } from '../../../preload/contract/errors.ts'
import { delay, type Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import { hashOfFile } from './copy-file.ts'
import type { S3Calls, StoredPart } from './s3-calls.ts'
import type { S3Journal } from './s3-journal.ts'
import { inLanes } from './s3-lanes.ts'
import { findHeldParts, planParts, readHashed, type PartPlan } from './s3-parts.ts'
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

interface Sending {
  readonly file: FileHandle
  readonly totalBytes: number
  readonly plan: readonly PartPlan[]
  readonly uploadId: string
  readonly parts: Map<number, StoredPart>
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
    if ((await hashOfFile(sourcePath, signal)) !== options.sha256) throw changed(sourcePath)
    const file = await open(sourcePath, 'r')
    try {
      const assertUnchanged = async () => {
        const facts = await file.stat()
        if (facts.size === totalBytes && facts.mtimeMs === mtimeMs) return
        // Parts of another content must never be gone on with.
        await journal.forget(key)
        throw changed(sourcePath)
      }
      if (totalBytes <= options.limits.wholeBytes) await sendWhole(options, file, totalBytes)
      else await sendInParts(options, file, totalBytes, assertUnchanged)
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
  const content = await readHashed(file, { offset: 0, bytes: totalBytes }, Buffer.allocUnsafe(totalBytes))
  if (content.sha256 !== options.sha256) throw changed(options.sourcePath)
  for (let restarts = 0; restarts <= restartsAllowed; restarts += 1) {
    await calls.put(key, content, signal)
    if (await hasArrived(options, totalBytes)) return
  }
  throw lost(key)
}

async function sendInParts(options: S3Upload, file: FileHandle, totalBytes: number, assertUnchanged: () => Promise<void>): Promise<void> {
  const { calls, journal, key, log } = options
  for (let restarts = 0; restarts <= restartsAllowed; restarts += 1) {
    const sending = await begin(options, file, totalBytes)
    if (sending === 'arrived') return
    const outcome = sending === 'lost' ? 'lost' : await sendAndFinish(options, sending, assertUnchanged)
    if (outcome === 'arrived') return
    log.warning('An upload to the network volume was lost and starts over', { key, restarts })
    // Its parts would lie in a hidden folder of the volume for good.
    if (sending !== 'lost') await calls.abortUpload(key, sending.uploadId)
    await journal.forget(key)
  }
  throw lost(key)
}

/** Goes on with the noted upload, or begins one; an upload that the store has forgotten may have been finished. */
async function begin(options: S3Upload, file: FileHandle, totalBytes: number): Promise<Sending | 'arrived' | 'lost'> {
  const { calls, journal, key, limits, sha256, signal } = options
  const note = await journal.findPut(key)
  if (note !== undefined && note.totalBytes === totalBytes && note.sha256 === sha256) {
    const plan = planParts(totalBytes, note.partBytes)
    const held = await findHeldParts(calls, { key, ...note }, plan, signal)
    if (held === 'no_upload') return (await hasArrived(options, totalBytes)) ? 'arrived' : 'lost'
    return { file, totalBytes, plan, uploadId: note.uploadId, parts: new Map(held.map((part) => [part.number, part])) }
  }
  if (note !== undefined) await calls.abortUpload(key, note.uploadId)
  const uploadId = await calls.createUpload(key, signal)
  const sending = { file, totalBytes, plan: planParts(totalBytes, limits.partBytes), uploadId, parts: new Map<number, StoredPart>() }
  await save(options, sending)
  return sending
}

async function sendAndFinish(options: S3Upload, sending: Sending, assertUnchanged: () => Promise<void>): Promise<'arrived' | 'lost'> {
  const { calls, key, signal } = options
  const { parts, plan, uploadId } = sending
  for (let checks = 0; ; checks += 1) {
    if ((await sendMissing(options, sending)) === 'no_upload') break
    const held = await findHeldParts(calls, { key, uploadId, parts: inOrder(parts) }, plan, signal)
    if (held === 'no_upload') break
    if (held.length === plan.length) {
      await assertUnchanged()
      return finish(options, sending)
    }
    if (checks >= listChecks) return 'lost'
    parts.clear()
    for (const part of held) parts.set(part.number, part)
  }
  return (await hasArrived(options, sending.totalBytes)) ? 'arrived' : 'lost'
}

async function sendMissing(options: S3Upload, sending: Sending): Promise<'no_upload' | undefined> {
  const { calls, key, limits } = options
  const { file, parts, plan, totalBytes, uploadId } = sending
  // One buffer per stream, because freed ones stay in memory until garbage is collected.
  const rooms = new Map<number, Buffer>()
  const report = () => options.onProgress?.(sentBytes(sending), totalBytes)
  report()
  const missing = plan.filter(({ number }) => !parts.has(number))
  return inLanes(missing, limits.streams, options.signal, async (part, signal, lane) => {
    const room = rooms.get(lane) ?? Buffer.allocUnsafeSlow(Math.max(part.bytes, plan[0]?.bytes ?? 0))
    rooms.set(lane, room)
    const etag = await calls.uploadPart({ key, uploadId, number: part.number }, await readHashed(file, part, room), signal)
    if (etag === 'no_upload') return 'no_upload' as const
    parts.set(part.number, { number: part.number, etag })
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

function inOrder(parts: ReadonlyMap<number, StoredPart>): readonly StoredPart[] {
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

function changed(sourcePath: string): AppError {
  return new AppError('VOLUME_UNREADABLE', 'The file changed while it was copied to the training volume. Start again.', {
    details: { sourcePath },
  })
}

function lost(key: string): AppError {
  return new AppError('VOLUME_UNREADABLE', 'The network volume loses the training file again and again. Try again later.', {
    retryable: true,
    details: { key },
  })
}
