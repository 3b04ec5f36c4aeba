import { z } from 'zod'
import { AppError } from '../../../preload/contract/errors.ts'
import { listReplySchema, markStopReplySchema, readEventsReplySchema } from '../../../preload/contract/worker-actions.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import { createAskJob, type Answer, type AskJob, type Question, type VolumeJobs } from './jobs-ask.ts'
import { failureOfRefusal } from './jobs-failure.ts'
import { createFetchPiece, download, readSmallText } from './jobs-get.ts'
import { createTransferJournal } from './jobs-journal.ts'
import { createLimit, type Limit } from './jobs-limit.ts'
import { upload } from './jobs-put.ts'
import { assertVolumeKey, folderOfPrefix } from './volume-key.ts'
import type { VolumeStore } from './volume-store.ts'

interface JobsVolumeOptions {
  readonly jobs: VolumeJobs
  readonly clock: Clock
  readonly log: Log
  /** Where notes on unfinished transfers are kept over restarts of the app. */
  readonly journalFolder: string
  /** What the worker's last `hello` said; null when nobody has asked it. */
  readonly lastFreeBytes?: () => number | null
  readonly pollMs?: number
  /** How long a job may wait for a worker, which may have to pull its image first; waiting costs nothing. */
  readonly queueMs?: number
  /** The same for reading events, where a worker that is busy training must not hold up the watching of its run. */
  readonly eventsQueueMs?: number
  /** Pieces of downloads that are asked for at the same time. */
  readonly downloadsAtOnce?: number
}

const minuteMs = 60_000
const defaults = { pollMs: 500, queueMs: 30 * minuteMs, eventsQueueMs: minuteMs, downloadsAtOnce: 2 }
const mostEventsPerJob = 5_000
const datasetPattern = /^datasets\/([0-9a-f]{64})\.jsonl$/
const stopMarkPattern = /^runs\/([0-9a-f-]{36})\/stop\.json$/
/** What a worker hands out; other keys are not asked for, because the answer is known and the job would cost. */
const handedOutPattern = /^(?:datasets|runs)\/[A-Za-z0-9]/

/** Events as they are stored; what they mean is judged where they are taken in. */
const eventsReplySchema = readEventsReplySchema.extend({ events: z.array(z.looseObject({ seq: z.int() })) })

/**
 * A training volume reached with nothing but the API key: every operation is at least one small job on a worker of
 * the user's endpoint, which is billed from its start to its idle time-out. Nothing runs while nothing is asked of it.
 */
export function createJobsVolume(options: JobsVolumeOptions): VolumeStore {
  const { pollMs, queueMs, eventsQueueMs, downloadsAtOnce } = { ...defaults, ...options }
  const ask = createAskJob({ jobs: options.jobs, clock: options.clock, log: options.log, pollMs })
  const journal = createTransferJournal(options.journalFolder)
  const askToPut = limited(ask, createLimit(1))
  const fetchPiece = createFetchPiece(limited(ask, createLimit(downloadsAtOnce)), queueMs)

  return {
    isBilledPerRead: true,
    /** One job per piece of up to 32 MB of text; one in all when the file is there already. */
    async putFile(key, sourcePath, sha256, transfer = {}) {
      if (datasetPattern.exec(key)?.[1] !== sha256) throw notWritable(key)
      await upload({ ask: askToPut, journal, queueMs, key, sourcePath, sha256, ...transfer })
    },
    /** One job; a worker takes no text but the mark of a stopped run. */
    async putText(key) {
      const runId = stopMarkPattern.exec(key)?.[1]
      if (runId === undefined) throw notWritable(key)
      await answerOf(ask, {
        input: { v: 1, action: 'mark_stop', run_id: runId },
        key,
        queueMs,
        read: (output) => readAs(markStopReplySchema, output),
      })
    },
    /** One job per 4 MB; a hundred MB take about 25, some two at a time. */
    getFile(key, targetPath, transfer = {}) {
      assertVolumeKey(key)
      return download({ fetchPiece, journal, key, targetPath, atOnce: downloadsAtOnce, ...transfer })
    },
    /** One job; none for keys that workers do not hand out, which count as absent. */
    async findText(key, maxBytes) {
      assertVolumeKey(key)
      return handedOutPattern.test(key) ? readSmallText(fetchPiece, key, maxBytes) : undefined
    },
    /** One job. */
    list: (prefix) => listFolder(ask, queueMs, prefix),
    /** One job, more when the answers are long; a worker that is busy with the run itself answers only after it. */
    readEventLines: (runId, afterSeq, maxEvents) => readEvents(ask, eventsQueueMs, { runId, afterSeq, maxEvents }),
    /** No job: workers remove nothing on request. */
    removePrefix: (prefix) => Promise.reject(notRemovable(prefix)),
    /** No job: what the worker last said when it was greeted. */
    freeBytes: () => Promise.resolve(options.lastFreeBytes?.() ?? null),
  }
}

function limited(ask: AskJob, limit: Limit): AskJob {
  return (question) => limit(() => ask(question), question.signal)
}

async function listFolder(ask: AskJob, queueMs: number, prefix: string): ReturnType<VolumeStore['list']> {
  const folder = folderOfPrefix(prefix.includes('/') ? prefix.slice(0, prefix.lastIndexOf('/')) : prefix)
  if (!handedOutPattern.test(folder)) throw notListable(folder)
  const { files, is_truncated: isTruncated } = await answerOf(ask, {
    input: { v: 1, action: 'list', prefix: folder },
    key: folder,
    queueMs,
    read: (output) => readAs(listReplySchema, output),
  })
  if (isTruncated) throw notListable(folder)
  return files.filter(({ key }) => key.startsWith(prefix)).map(({ key, bytes }) => ({ key, bytes }))
}

async function readEvents(
  ask: AskJob,
  queueMs: number,
  { runId, afterSeq, maxEvents }: { runId: string; afterSeq: number; maxEvents: number },
): Promise<readonly string[]> {
  const lines: string[] = []
  const key = `runs/${runId}`
  assertVolumeKey(key)
  let lastSeq = afterSeq
  while (lines.length < maxEvents) {
    const wanted = Math.min(mostEventsPerJob, maxEvents - lines.length)
    const answer = await ask({
      input: { v: 1, action: 'read_events', run_id: runId, after_seq: lastSeq, max_events: wanted },
      key,
      queueMs,
      read: (output) => readAs(eventsReplySchema, output),
    })
    // A run that no worker has begun has no folder yet.
    if (answer.kind === 'refused' && answer.refusal.code === 'NOT_FOUND') break
    const { events, has_more: hasMore } = valueOf(answer, key)
    for (const event of events) {
      if (event.seq <= lastSeq) continue
      lines.push(JSON.stringify(event))
      lastSeq = event.seq
    }
    if (!hasMore || events.length === 0) break
  }
  return lines
}

async function answerOf<T>(ask: AskJob, question: Question<T>): Promise<T> {
  return valueOf(await ask(question), question.key)
}

function valueOf<T>(answer: Answer<T>, key: string): T {
  switch (answer.kind) {
    case 'answered':
      return answer.value
    case 'refused':
      throw failureOfRefusal(answer.refusal, key)
    case 'too_large':
      throw new AppError('RUNPOD_REPLY_INVALID', 'The endpoint closed a file job without the answer of its worker. Try again.', {
        retryable: true,
        details: { key },
      })
  }
}

function readAs<T>(schema: z.ZodType<T>, output: unknown): Promise<{ value: T } | { problem: string }> {
  const parsed = schema.safeParse(output)
  if (parsed.success) return Promise.resolve({ value: parsed.data })
  return Promise.resolve({ problem: `${parsed.error.issues[0]?.path.join('.') || 'the answer'} is not valid` })
}

function notWritable(key: string): AppError {
  return new AppError('VOLUME_UNREADABLE', 'This file cannot be sent with only an API key. Add an S3 key under Endpoints.', {
    details: { key },
  })
}

function notListable(folder: string): AppError {
  return new AppError(
    'VOLUME_UNREADABLE',
    `${folder} on the training volume cannot be listed with only an API key. Add an S3 key under Endpoints.`,
    {
      details: { folder },
    },
  )
}

function notRemovable(prefix: string): AppError {
  return new AppError(
    'VOLUME_UNREADABLE',
    'Files cannot be removed from the training volume with only an API key. Add an S3 key under Endpoints, or remove them in the RunPod console.',
    { details: { prefix } },
  )
}
