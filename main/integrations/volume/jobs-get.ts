import { mkdir, rename, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { AppError } from '../../../preload/contract/errors.ts'
import { syncFolder } from '../../lib/atomic-file.ts'
import type { AskJob } from './jobs-ask.ts'
import { failureOfRefusal } from './jobs-failure.ts'
import { keepIntactPieces, openPartial, type GetJournal, type TransferJournal } from './jobs-journal.ts'
import { openPiece, type FetchedPiece } from './jobs-pieces.ts'
import type { TransferOptions } from './volume-store.ts'

/** Suffix of a download that is not complete yet. */
const partialSuffix = '.partial'
/** The most that the worker gives in one answer. */
const largestPieceBytes = 4_000_000
/** Answers the platform refuses are asked for in smaller pieces, down to this. */
const smallestPieceBytes = 250_000
const restartsAllowed = 1

/** Asks for one piece of a file; `too_large` when the platform did not take the answer. */
export type FetchPiece = (
  key: string,
  offset: number,
  maxBytes: number,
  signal?: AbortSignal,
) => Promise<FetchedPiece | 'absent' | 'too_large'>

/** Builds the way to fetch one piece, one job each. */
export function createFetchPiece(ask: AskJob, queueMs: number): FetchPiece {
  return async (key, offset, maxBytes, signal) => {
    const answer = await ask({
      input: { v: 1, action: 'get', key, offset, max_bytes: maxBytes },
      key,
      queueMs,
      signal,
      read: (output) => openPiece(output, { offset, maxBytes }),
    })
    switch (answer.kind) {
      case 'answered':
        return answer.value
      case 'too_large':
        return 'too_large'
      case 'refused':
        if (answer.refusal.code === 'NOT_FOUND') return 'absent'
        throw failureOfRefusal(answer.refusal, key)
    }
  }
}

/** One download. */
export interface Download extends TransferOptions {
  readonly fetchPiece: FetchPiece
  readonly journal: TransferJournal
  readonly key: string
  readonly targetPath: string
  /** Pieces asked for at the same time, so that the worker does not idle between two. */
  readonly atOnce: number
}

interface Progress {
  readonly file: FileHandle
  readonly pieces: GetJournal['pieces']
  doneBytes: number
  /** Null until the first answer. */
  totalBytes: number | null
  pieceBytes: number
}

type Round = 'complete' | 'too_large' | 'changed'

/** Fetches a file into a partial one beside its target, verified piece by piece, and renames it when all is there. */
export async function download(options: Download): Promise<{ bytes: number }> {
  const { journal, key, targetPath } = options
  const name = `${key}\n${targetPath}`
  const partialPath = `${targetPath}${partialSuffix}`
  await mkdir(dirname(targetPath), { recursive: true })
  const file = await openPartial(partialPath)
  let bytes = 0
  try {
    const progress = await startFrom(file, await journal.findGet(name))
    for (let restarts = 0; ;) {
      const round = await fetchRest(options, name, progress)
      if (round === 'complete') break
      if (round === 'too_large') {
        progress.pieceBytes = Math.floor(progress.pieceBytes / 2)
        if (progress.pieceBytes < smallestPieceBytes) throw answerLost(key)
        continue
      }
      restarts += 1
      if (restarts > restartsAllowed) throw changing(key)
      await beginAnew(progress)
    }
    bytes = progress.doneBytes
  } finally {
    await file.close()
  }
  await rename(partialPath, targetPath)
  await syncFolder(dirname(targetPath))
  await journal.forget(name)
  return { bytes }
}

async function startFrom(file: FileHandle, note: GetJournal | undefined): Promise<Progress> {
  const pieces = await keepIntactPieces(file, note)
  const doneBytes = pieces.reduce((sum, piece) => sum + piece.bytes, 0)
  return { file, pieces, doneBytes, totalBytes: doneBytes === 0 ? null : (note?.totalBytes ?? null), pieceBytes: largestPieceBytes }
}

async function beginAnew(progress: Progress): Promise<void> {
  await progress.file.truncate(0)
  progress.pieces.length = 0
  progress.doneBytes = 0
  progress.totalBytes = null
}

/** Keeps a few pieces on their way and writes them in order, so that what lies in the file has no gaps. */
async function fetchRest(options: Download, name: string, progress: Progress): Promise<Round> {
  const calledOff = new AbortController()
  const signal = options.signal === undefined ? calledOff.signal : AbortSignal.any([options.signal, calledOff.signal])
  const flying: ReturnType<FetchPiece>[] = []
  let nextOffset = progress.doneBytes
  const launch = () => {
    const piece = options.fetchPiece(options.key, nextOffset, progress.pieceBytes, signal)
    // It is awaited in its turn; until then a failure must not count as unhandled.
    piece.catch(() => undefined)
    flying.push(piece)
    nextOffset += progress.pieceBytes
  }
  if (progress.totalBytes !== null) options.onProgress?.(progress.doneBytes, progress.totalBytes)
  try {
    for (;;) {
      // How many pieces there are is known with the first one.
      if (progress.totalBytes === null) launch()
      else while (flying.length < options.atOnce && nextOffset < progress.totalBytes) launch()
      const piece = await flying.shift()
      if (piece === undefined) return 'complete'
      if (piece === 'too_large') return 'too_large'
      if (piece === 'absent') throw absent(options.key)
      if (piece.totalBytes !== (progress.totalBytes ?? piece.totalBytes)) return 'changed'
      await keep(options, name, progress, piece)
      if (progress.doneBytes === piece.totalBytes) return 'complete'
    }
  } finally {
    calledOff.abort(new Error('Not needed any more'))
    await Promise.allSettled(flying)
  }
}

async function keep(options: Download, name: string, progress: Progress, { bytes, sha256, totalBytes }: FetchedPiece): Promise<void> {
  options.signal?.throwIfAborted()
  if (bytes.length > 0) {
    await progress.file.write(bytes, 0, bytes.length, progress.doneBytes)
    await progress.file.datasync()
    progress.pieces.push({ bytes: bytes.length, sha256 })
    progress.doneBytes += bytes.length
  }
  progress.totalBytes = totalBytes
  await options.journal.save(name, { v: 1, kind: 'get', totalBytes, pieces: progress.pieces })
  options.onProgress?.(progress.doneBytes, totalBytes)
}

/** A small file as text, usually with one job; undefined when it is absent. */
export async function readSmallText(fetchPiece: FetchPiece, key: string, maxBytes: number): Promise<string | undefined> {
  const parts: Buffer[] = []
  let doneBytes = 0
  let pieceBytes = Math.max(1, Math.min(maxBytes, largestPieceBytes))
  for (;;) {
    const piece = await fetchPiece(key, doneBytes, pieceBytes)
    if (piece === 'absent') return undefined
    if (piece === 'too_large') {
      pieceBytes = Math.floor(pieceBytes / 2)
      if (pieceBytes < smallestPieceBytes) throw answerLost(key)
      continue
    }
    if (piece.totalBytes > maxBytes) {
      throw new AppError('VOLUME_UNREADABLE', `${key} is larger than expected (${piece.totalBytes} bytes, at most ${maxBytes}).`, {
        details: { key, size: piece.totalBytes },
      })
    }
    parts.push(piece.bytes)
    doneBytes += piece.bytes.length
    if (doneBytes >= piece.totalBytes || piece.bytes.length === 0) return Buffer.concat(parts).toString('utf8')
  }
}

function absent(key: string): AppError {
  return new AppError('VOLUME_UNREADABLE', `${key} is not on the training volume.`, { details: { key } })
}

function answerLost(key: string): AppError {
  return new AppError('RUNPOD_REPLY_INVALID', 'The endpoint closed a file job without the answer of its worker. Try again.', {
    retryable: true,
    details: { key },
  })
}

function changing(key: string): AppError {
  return new AppError('VOLUME_UNREADABLE', `${key} changes on the training volume while it is copied. Try again later.`, {
    retryable: true,
    details: { key },
  })
}
