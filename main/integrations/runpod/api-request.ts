import { request, type Dispatcher } from 'undici'
import { AppError } from '../../../preload/contract/errors.ts'
import { delay, type Clock } from '../../lib/clock.ts'
import { redactText } from '../../lib/redaction.ts'

/** One call of an HTTP API that speaks JSON. */
export interface ApiCall {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  readonly url: string
  readonly apiKey: string
  readonly body?: string
  /** True when sending it twice does no harm. */
  readonly isRepeatable: boolean
  readonly signal?: AbortSignal
}

/** A complete answer; the body may be anything at all. */
export interface ApiReply {
  readonly status: number
  readonly text: string
  readonly retryAfterMs: number | null
  /** When the server says it answered; null when it does not say. */
  readonly answeredAtMs: number | null
}

interface SenderOptions {
  readonly clock: Clock
  readonly userAgent: string
  readonly attempts: number
  readonly dispatcher?: Dispatcher
}

export type SendApiCall = (call: ApiCall) => Promise<ApiReply>

const firstBackOffMs = 500
const slowestBackOffMs = 8_000
/** A server that asks for a longer pause than this gets its error shown instead. */
const longestPauseMs = 30_000
const silenceLimitMs = 45_000
const largestReplyBytes = 32 * 1024 * 1024

/** Sends calls with back-off: 429 is always asked again, everything else only when that does no harm. */
export function createApiSender({ clock, userAgent, attempts, dispatcher }: SenderOptions): SendApiCall {
  return async (call) => {
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await tryOnce(call, userAgent, dispatcher, clock)
      const isLast = attempt >= attempts
      if (outcome instanceof AppError) {
        if (isLast || !call.isRepeatable) throw outcome
      } else {
        const isWorthRepeating = outcome.status === 429 || (call.isRepeatable && isPassing(outcome.status))
        if (isLast || !isWorthRepeating || (outcome.retryAfterMs ?? 0) > longestPauseMs) return outcome
      }
      const pauseMs = outcome instanceof AppError ? null : outcome.retryAfterMs
      await delay(clock, pauseMs ?? backOffMs(attempt), call.signal)
    }
  }
}

async function tryOnce(call: ApiCall, userAgent: string, dispatcher: Dispatcher | undefined, clock: Clock): Promise<ApiReply | AppError> {
  try {
    const response = await request(call.url, {
      method: call.method,
      headers: {
        authorization: `Bearer ${call.apiKey}`,
        accept: 'application/json',
        'user-agent': userAgent,
        ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      headersTimeout: silenceLimitMs,
      bodyTimeout: silenceLimitMs,
      ...(call.body === undefined ? {} : { body: call.body }),
      ...(call.signal === undefined ? {} : { signal: call.signal }),
      ...(dispatcher === undefined ? {} : { dispatcher }),
    })
    const text = await readText(response.body)
    const { headers, statusCode: status } = response
    const retryAfterMs =
      readRetryAfter(headers['retry-after'], clock.nowMs()) ?? (status === 429 ? readQuotaWait(headers['ratelimit']) : null)
    return { status, text, retryAfterMs, answeredAtMs: readDate(headers['date']) }
  } catch (error) {
    if (call.signal?.aborted === true) throw call.signal.reason
    return new AppError('ENDPOINT_UNREACHABLE', `The endpoint cannot be reached (${shortReason(error)}). Check the network connection.`, {
      retryable: true,
      cause: error,
    })
  }
}

async function readText(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.length
    if (bytes > largestReplyBytes) throw new Error('the answer is too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** Seconds or a date, as milliseconds from now. */
export function readRetryAfter(header: string | string[] | undefined, nowMs: number): number | null {
  const text = (Array.isArray(header) ? header[0] : header)?.trim()
  if (text === undefined || text === '') return null
  if (/^\d+(?:\.\d+)?$/.test(text)) return Math.ceil(Number(text) * 1000)
  const atMs = Date.parse(text)
  return Number.isNaN(atMs) ? null : Math.max(0, atMs - nowMs)
}

/** Pause until the quota that is used up is refilled, as in `"minute";r=0;t=12`; null when the header names none. */
export function readQuotaWait(header: string | string[] | undefined): number | null {
  const text = Array.isArray(header) ? header.join(',') : (header ?? '')
  const usedUp = text.split(',').flatMap((window) => {
    const seconds = /;\s*t=(\d{1,9})\b/.exec(window)?.[1]
    return seconds !== undefined && /;\s*r=0\b/.test(window) ? [Number(seconds)] : []
  })
  return usedUp.length === 0 ? null : Math.max(...usedUp) * 1000
}

function readDate(header: string | string[] | undefined): number | null {
  const atMs = Date.parse((Array.isArray(header) ? header[0] : header) ?? '')
  return Number.isNaN(atMs) ? null : atMs
}

function backOffMs(attempt: number): number {
  const full = Math.min(slowestBackOffMs, firstBackOffMs * 2 ** (attempt - 1))
  return Math.round(full * (0.75 + Math.random() * 0.5))
}

/** Server errors that often pass by themselves. */
function isPassing(status: number): boolean {
  return (
    status === 408 ||
    status === 500 ||
    status === 502 ||
    status === 503 ||
    status === 504 ||
    status === 520 ||
    status === 522 ||
    status === 524
  )
}

/** The name of a network failure, or its first words. */
export function shortReason(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown reason'
  const code = 'code' in error && typeof error.code === 'string' ? error.code : null
  return code ?? redactText(error.message).slice(0, 200)
}

/** What an error body says in words: JSON of several dialects or plain text; web pages say nothing of use. */
export function errorTextOf(text: string): string | null {
  const trimmed = text.trim()
  if (trimmed === '' || trimmed.startsWith('<')) return null
  const value = parseJson(trimmed)
  if (typeof value === 'object' && value !== null) {
    for (const key of ['detail', 'error', 'message', 'title'] as const) {
      const part: unknown = Reflect.get(value, key)
      if (typeof part === 'string' && part !== '') return tidy(part)
    }
  }
  return tidy(typeof value === 'string' ? value : trimmed)
}

const pathIdPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/

/** An id that is safe inside an address: it cannot lead to another path. */
export function checkedPathId(id: string, what: string): string {
  if (!pathIdPattern.test(id)) throw new AppError('RUNPOD_REPLY_INVALID', `The ${what} has an id this version cannot use.`)
  return id
}

/** JSON, or undefined when it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Answers that are not JSON are expected here; callers treat undefined as unusable.
    return undefined
  }
}

function tidy(text: string): string {
  return redactText(text.replaceAll(/\s+/g, ' ')).slice(0, 300)
}

/** Turns an answer that is not a success into the app's own error. */
export function failureOf({ status, text, retryAfterMs }: ApiReply): AppError {
  const said = errorTextOf(text)
  const details = { status, said }
  if (status === 401)
    return new AppError('ENDPOINT_REFUSED', 'The endpoint refused the API key. Replace the key under Endpoints.', { details })
  if (status === 403) {
    return new AppError(
      'ENDPOINT_REFUSED',
      'The API key has no permission for this endpoint. Give it access in the RunPod console, or replace it.',
      { details },
    )
  }
  if (status === 404)
    return new AppError('ENDPOINT_NOT_FOUND', 'The endpoint does not know what was asked for. Check the endpoint id.', { details })
  if (status === 429) {
    return new AppError('ENDPOINT_UNREACHABLE', 'The endpoint asks for fewer requests. Asking again later.', {
      retryable: true,
      details: { ...details, retryAfterMs },
    })
  }
  if (status >= 500)
    return new AppError('ENDPOINT_UNREACHABLE', `The endpoint has a fault of its own (HTTP ${status}). Try again later.`, {
      retryable: true,
      details,
    })
  if (status >= 400)
    return new AppError('INVALID_INPUT', `The endpoint did not accept the request${said === null ? '' : `: ${said}`}.`, { details })
  return new AppError('RUNPOD_REPLY_INVALID', `The endpoint gave an answer this version does not understand (HTTP ${status}).`, { details })
}
