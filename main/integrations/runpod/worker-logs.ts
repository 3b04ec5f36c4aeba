import { request, type Dispatcher } from 'undici'
import { z } from 'zod'
import { AppError } from '../../../preload/contract/errors.ts'
import { delay, type Clock } from '../../lib/clock.ts'
import { redactText } from '../../lib/redaction.ts'
import { parseJson, shortReason } from './api-request.ts'
import { controlFailureOf } from './control-failure.ts'
import { timeOrNull, wordOf } from './reply-fields.ts'
import { createSseReader, type SseEvent } from './sse-events.ts'

/** One line of a worker's log: of the machine around it, or of the program inside. */
export interface WorkerLogLine {
  readonly source: 'system' | 'container'
  readonly atMs: number | null
  readonly text: string
}

/** Which log, for whom, and from how many lines back. */
export interface LogStreamOptions {
  readonly url: string
  readonly apiKey: () => string | Promise<string>
  readonly userAgent: string
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly tail: number
  readonly dispatcher?: Dispatcher
}

/** How one connection ended, and what to do about it. */
type Ending = { readonly kind: 'closed' | 'broken' | 'silent'; readonly reason: string } | { readonly kind: 'gone' }

type Connection = AsyncGenerator<SseEvent, Ending | null, undefined>
type Place = ReturnType<typeof createPlace>

const connectLimitMs = 45_000
/** A connection that says nothing for so long may be dead without anybody knowing. */
const silenceLimitMs = 90_000
/** A connection that held for so long was of use, even without a line. */
const longConnectionMs = 30_000
const fruitlessTries = 4
const firstBackOffMs = 1_000
const slowestBackOffMs = 15_000
const rememberedEvents = 2_000
const errorBodyBytes = 64 * 1024

/** The server does not say where the old lines end; after so long without one they have. */
const backlogPauseMs = 2_000
/** Reading old lines never takes longer; a worker may have none. */
const backlogLimitMs = 10_000

const lineSchema = z.object({
  line: z.string(),
  source: wordOf(['system', 'container'], 'container'),
  ts: timeOrNull,
})

/** Follows a worker's log over broken connections until the signal aborts or the worker is gone; no line comes twice. */
export async function* streamWorkerLog(options: LogStreamOptions): AsyncGenerator<WorkerLogLine, void, undefined> {
  const { clock, signal } = options
  const place = createPlace()
  let fruitless = 0
  let hasConnected = false
  while (!signal.aborted) {
    const openedAtMs = clock.nowMs()
    const linesBefore = place.lines()
    const ending: Ending | null = yield* takeLines(readConnection(options, place.lastEventId(), hasConnected), place)
    // Without an id to go on from, a new connection would repeat every line.
    if (ending === null || ending.kind === 'gone' || place.isLost()) return
    hasConnected ||= ending.kind !== 'broken'
    const wasOfUse = place.lines() > linesBefore || clock.nowMs() - openedAtMs >= longConnectionMs
    fruitless = wasOfUse ? 0 : fruitless + 1
    if (fruitless >= fruitlessTries) {
      if (ending.kind === 'closed') return
      throw unreachable(ending.reason)
    }
    if (!(await paused(clock, Math.min(slowestBackOffMs, firstBackOffMs * 2 ** fruitless), signal))) return
  }
}

/** Reads the lines that are there now: the server keeps the connection open, so a short silence is their end. */
export async function readWorkerLog(options: LogStreamOptions): Promise<readonly WorkerLogLine[]> {
  const { clock, signal, tail } = options
  const ending = new AbortController()
  const end = () => ending.abort()
  const until = AbortSignal.any([signal, ending.signal])
  const connection = takeLines(readConnection({ ...options, signal: until }, '', false), createPlace())
  const lines: WorkerLogLine[] = []
  const cancelLimit = clock.after(backlogLimitMs, end)
  let cancelPause = () => {}
  try {
    while (lines.length < tail) {
      const step = await connection.next()
      if (step.done === true) {
        if (step.value?.kind === 'broken' && lines.length === 0) throw unreachable(step.value.reason)
        break
      }
      lines.push(step.value)
      cancelPause()
      cancelPause = clock.after(backlogPauseMs, end)
    }
  } finally {
    cancelPause()
    cancelLimit()
    await connection.return(null)
  }
  if (signal.aborted) throw signal.reason
  return lines
}

async function* takeLines(connection: Connection, place: Place): AsyncGenerator<WorkerLogLine, Ending | null, undefined> {
  try {
    for (;;) {
      const step = await connection.next()
      if (step.done === true) return step.value
      const line = place.take(step.value)
      if (line !== null) yield line
    }
  } finally {
    // A reader that stops early must not leave the connection open.
    await connection.return(null)
  }
}

/** Where the stream is, and which events were seen: a server may begin again with the event it was asked to go on after. */
function createPlace() {
  let lastEventId = ''
  let lines = 0
  const seen = new Set<string>()
  return {
    lastEventId: () => lastEventId,
    lines: () => lines,
    isLost: () => lines > 0 && lastEventId === '',
    take(event: SseEvent): WorkerLogLine | null {
      const line = lineOf(event)
      if (line === null) return null
      const key = `${event.lastEventId}\n${event.data}`
      if (event.lastEventId !== '' && seen.has(key)) return null
      lines += 1
      if (event.lastEventId === '') return line
      lastEventId = event.lastEventId
      seen.add(key)
      if (seen.size > rememberedEvents) seen.delete(seen.values().next().value ?? '')
      return line
    },
  }
}

function lineOf({ data }: SseEvent): WorkerLogLine | null {
  const parsed = lineSchema.safeParse(parseJson(data))
  return parsed.success ? { source: parsed.data.source, atMs: parsed.data.ts, text: redactText(parsed.data.line) } : null
}

/** The events of one connection; null at its end means that the reader does not want more. */
async function* readConnection(options: LogStreamOptions, lastEventId: string, isReconnect: boolean): Connection {
  const { signal } = options
  try {
    const response = await open(options, lastEventId)
    if (response.statusCode !== 200) return await refused(response, isReconnect)
    if (!isEventStream(response.headers['content-type'])) throw notALog(response.statusCode)
    const reader = createSseReader()
    for await (const chunk of response.body as AsyncIterable<Buffer>) yield* reader.push(chunk)
    return { kind: 'closed', reason: 'closed by the server' }
  } catch (error) {
    if (signal.aborted) return null
    if (error instanceof AppError) throw error
    const reason = shortReason(error)
    return { kind: reason === 'UND_ERR_BODY_TIMEOUT' ? 'silent' : 'broken', reason }
  }
}

async function open({ url, apiKey, userAgent, signal, tail, dispatcher }: LogStreamOptions, lastEventId: string) {
  return request(`${url}?tail=${tail}`, {
    method: 'GET',
    headers: {
      authorization: `Bearer ${await apiKey()}`,
      accept: 'text/event-stream',
      'user-agent': userAgent,
      ...(lastEventId === '' ? {} : { 'last-event-id': lastEventId }),
    },
    headersTimeout: connectLimitMs,
    bodyTimeout: silenceLimitMs,
    signal,
    ...(dispatcher === undefined ? {} : { dispatcher }),
  })
}

function isEventStream(contentType: string | string[] | undefined): boolean {
  return [contentType ?? ''].flat().some((type) => type.toLowerCase().includes('text/event-stream'))
}

async function refused({ statusCode, body }: Dispatcher.ResponseData, isReconnect: boolean): Promise<Ending> {
  let text = ''
  for await (const chunk of body as AsyncIterable<Buffer>) {
    if (text.length < errorBodyBytes) text += chunk.toString('utf8')
  }
  if (isReconnect && statusCode === 404) return { kind: 'gone' }
  if (statusCode === 429 || statusCode >= 500) return { kind: 'broken', reason: `HTTP ${statusCode}` }
  throw controlFailureOf({ status: statusCode, text, retryAfterMs: null, answeredAtMs: null }, 'worker')
}

async function paused(clock: Clock, pauseMs: number, signal: AbortSignal): Promise<boolean> {
  try {
    await delay(clock, pauseMs, signal)
    return true
  } catch (error) {
    if (signal.aborted) return false
    throw error
  }
}

function unreachable(reason: string): AppError {
  return new AppError('ENDPOINT_UNREACHABLE', `The worker's log cannot be followed (${reason}). Try again in a few minutes.`, {
    retryable: true,
  })
}

function notALog(status: number): AppError {
  const message = 'The answer is not a log. A proxy or a sign-in page may have answered in its place; check the network and try again.'
  return new AppError('RUNPOD_REPLY_INVALID', message, { retryable: true, details: { status } })
}
