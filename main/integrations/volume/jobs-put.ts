import { open, stat, type FileHandle } from 'node:fs/promises'
import { AppError } from '../../../preload/contract/errors.ts'
import { putReplySchema } from '../../../preload/contract/worker-actions.ts'
import { hashOfFile } from './copy-file.ts'
import type { AskJob } from './jobs-ask.ts'
import { failureOfRefusal } from './jobs-failure.ts'
import type { TransferJournal } from './jobs-journal.ts'
import { packPiece, type PackedPiece } from './jobs-pieces.ts'
import type { TransferOptions } from './volume-store.ts'

/** One upload of a training file. */
export interface Upload extends TransferOptions {
  readonly ask: AskJob
  readonly journal: TransferJournal
  readonly queueMs: number
  readonly key: string
  readonly sourcePath: string
  readonly sha256: string
}

interface Received {
  readonly receivedBytes: number
  readonly isComplete: boolean
}

/** A larger file is first asked about with an empty piece, which may save sending all of it. */
const probeAboveBytes = 4_000_000
const standstillsAllowed = 3
const restartsAllowed = 1
const nothing: PackedPiece = { rawBytes: 0, encoding: 'identity', data: '' }

/**
 * Sends a training file piece by piece, one job each. The worker says how many bytes it holds, so a piece that was
 * lost, sent twice or sent by an earlier start of the app changes nothing; with the last one it checks the whole hash.
 */
export async function upload(options: Upload): Promise<void> {
  const { sourcePath, signal } = options
  const totalBytes = await sizeOf(sourcePath)
  const file = await open(sourcePath, 'r')
  try {
    for (let restarts = 0; ; restarts += 1) {
      signal?.throwIfAborted()
      if ((await sendAll(options, file, totalBytes)) === 'complete') break
      await options.journal.forget(options.key)
      await assertUnchanged(options)
      if (restarts >= restartsAllowed) {
        throw new AppError('VOLUME_UNREADABLE', 'The training file arrived damaged on the training volume twice. Try again later.', {
          retryable: true,
          details: { key: options.key },
        })
      }
    }
  } finally {
    await file.close()
  }
  await options.journal.forget(options.key)
  options.onProgress?.(totalBytes, totalBytes)
}

async function sendAll(options: Upload, file: FileHandle, totalBytes: number): Promise<'complete' | 'damaged'> {
  const { key, journal } = options
  const note = await journal.findPut(key)
  let offset = note?.totalBytes === totalBytes ? Math.min(note.receivedBytes, totalBytes) : 0
  let isProbe = offset === 0 && totalBytes > probeAboveBytes
  options.onProgress?.(offset, totalBytes)
  for (let standstills = 0; ;) {
    const piece = isProbe || offset === totalBytes ? nothing : await packPiece(file, offset, totalBytes)
    const received = await sendPiece(options, { offset, totalBytes, piece })
    if (received === 'damaged') return 'damaged'
    if (received.isComplete) return 'complete'
    standstills = isProbe || received.receivedBytes > offset ? 0 : standstills + 1
    if (standstills >= standstillsAllowed) throw standstill(key, received.receivedBytes)
    isProbe = false
    offset = Math.min(received.receivedBytes, totalBytes)
    await journal.save(key, { v: 1, kind: 'put', totalBytes, receivedBytes: offset })
    options.onProgress?.(offset, totalBytes)
  }
}

async function sendPiece(
  { ask, key, sha256, queueMs, signal }: Upload,
  { offset, totalBytes, piece }: { offset: number; totalBytes: number; piece: PackedPiece },
): Promise<Received | 'damaged'> {
  const answer = await ask({
    input: { v: 1, action: 'put', key, total_bytes: totalBytes, sha256, offset, encoding: piece.encoding, data: piece.data },
    key,
    queueMs,
    signal,
    read: (output) => Promise.resolve(readReply(output, key, totalBytes)),
  })
  switch (answer.kind) {
    case 'answered':
      return answer.value
    case 'too_large':
      throw new AppError('RUNPOD_REPLY_INVALID', 'The endpoint closed a file job without the answer of its worker. Try again.', {
        retryable: true,
      })
    case 'refused':
      if (answer.refusal.code === 'DATASET_MISMATCH') return 'damaged'
      throw failureOfRefusal(answer.refusal, key)
  }
}

function readReply(output: unknown, key: string, totalBytes: number): { value: Received } | { problem: string } {
  const parsed = putReplySchema.safeParse(output)
  if (!parsed.success) return { problem: `the receipt has no valid ${parsed.error.issues[0]?.path.join('.') ?? 'form'}` }
  const { received_bytes: receivedBytes, is_complete: isComplete } = parsed.data
  if (parsed.data.key !== key || receivedBytes > totalBytes) return { problem: 'the receipt is for another file' }
  return { value: { receivedBytes, isComplete } }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size
  } catch (error) {
    throw new AppError('VOLUME_UNREADABLE', 'The file to copy to the training volume is gone.', { cause: error })
  }
}

async function assertUnchanged({ sourcePath, sha256, signal }: Upload): Promise<void> {
  if ((await hashOfFile(sourcePath, signal)) === sha256) return
  throw new AppError('VOLUME_UNREADABLE', 'The file changed while it was copied to the training volume. Start again.', {
    details: { sourcePath },
  })
}

function standstill(key: string, receivedBytes: number): AppError {
  return new AppError('VOLUME_UNREADABLE', 'The training volume takes no more of the training file. Try again later.', {
    retryable: true,
    details: { key, receivedBytes },
  })
}
