import type { FileHandle } from 'node:fs/promises'
import { AppError } from '../../../preload/contract/errors.ts'
import { delay, type Clock } from '../../lib/clock.ts'
import type { OpenedFile, S3Calls } from './s3-calls.ts'
import { isPoured } from './s3-fetcher.ts'
import { pauseMs } from './s3-send.ts'

/** Bytes `from` to `to`, both included, of a file of a known version. */
export interface Stretch {
  readonly from: number
  readonly to: number
  readonly totalBytes: number
  readonly etag: string
}

/** `changed`: another version answered; `no_ranges`: the whole file came instead of a part. */
export type Outcome = 'complete' | 'changed' | 'no_ranges'

interface Pour {
  readonly calls: S3Calls
  readonly clock: Clock
  readonly faultOf: (error: unknown) => AppError
  /** Broken connections in a row without a single byte in between. */
  readonly attempts: number
  readonly key: string
  readonly signal?: AbortSignal
  readonly stretch: Stretch
  readonly isWhole: boolean
  /** Bytes of the stretch that are written so far. */
  onBytes(bytes: number): void
}

/** Fetches a stretch into its place in a file; a broken connection is taken up where it broke, if it may be. */
export async function pourInto(file: FileHandle, pour: Pour): Promise<Outcome> {
  const { calls, clock, key, signal, stretch } = pour
  const offsetAfter = { value: stretch.from }
  for (let failures = 0; ;) {
    const startedAt = offsetAfter.value
    let failure: AppError
    try {
      const opened = await calls.open(key, pour.isWhole ? undefined : { from: startedAt, to: stretch.to }, signal)
      if (opened === undefined) return 'changed'
      const misfit = misfitOf(opened, pour, startedAt)
      if (misfit !== undefined) {
        opened.body.destroy()
        return misfit
      }
      await write(file, opened, pour, offsetAfter)
      if (offsetAfter.value === stretch.to + 1) return 'complete'
      failure = pour.faultOf(Object.assign(new Error('The answer was too short'), { code: 'SHORT_ANSWER' }))
    } catch (error) {
      signal?.throwIfAborted()
      failure = error instanceof AppError ? error : pour.faultOf(error)
    }
    if (!failure.retryable) throw failure
    // As long as bytes arrive, a line that breaks often is only slow; a whole file begins again each time.
    failures = offsetAfter.value > startedAt && !pour.isWhole ? 1 : failures + 1
    if (failures >= pour.attempts) throw failure
    if (pour.isWhole) offsetAfter.value = stretch.from
    await delay(clock, pauseMs(failures), signal)
  }
}

function misfitOf({ etag, from, totalBytes }: OpenedFile, { isWhole, stretch }: Pour, startedAt: number): Outcome | undefined {
  if (etag !== stretch.etag && etag !== '' && stretch.etag !== '') return 'changed'
  if (totalBytes !== null && (from !== null || startedAt === 0) && totalBytes !== stretch.totalBytes) return 'changed'
  const isAllWanted = startedAt === 0 && stretch.to === stretch.totalBytes - 1
  if (from === null) return isWhole || isAllWanted ? undefined : 'no_ranges'
  return from === startedAt ? undefined : 'no_ranges'
}

async function write(file: FileHandle, { body }: OpenedFile, pour: Pour, offsetAfter: { value: number }): Promise<void> {
  const { from, to } = pour.stretch
  const take = async (bytes: Buffer): Promise<boolean> => {
    pour.signal?.throwIfAborted()
    // More than was asked for is not taken; what lies behind belongs to another stream.
    const wanted = bytes.subarray(0, Math.max(0, to + 1 - offsetAfter.value))
    await keep(file, wanted, offsetAfter.value)
    offsetAfter.value += wanted.length
    pour.onBytes(offsetAfter.value - from)
    return wanted.length === bytes.length
  }
  try {
    if (isPoured(body)) return await body.pour(take)
    const chunks: AsyncIterable<Buffer> = body
    for await (const chunk of chunks) if (!(await take(chunk))) break
  } catch (error) {
    body.destroy()
    throw error
  }
}

async function keep(file: FileHandle, bytes: Buffer, offset: number): Promise<void> {
  try {
    await file.write(bytes, 0, bytes.length, offset)
  } catch (error) {
    const isFull = error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')
    if (isFull) throw new AppError('DISK_FULL', 'The disk of this computer is full. Free some space and go on.', { cause: error })
    throw new AppError('VOLUME_UNREADABLE', 'The downloaded file cannot be written on this computer.', { cause: error })
  }
}
