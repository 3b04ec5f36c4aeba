import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ReplyEffect } from './faults.ts'

/** An answer that a fault puts in place of the real one. */
export interface BrokenAnswer {
  readonly status: number
  readonly text: string
  readonly headers: Readonly<Record<string, string>>
  /** Whether the request is carried out all the same. */
  readonly isActed: boolean
}

const json = { 'content-type': 'application/json' }

/** The answer an effect asks for; undefined for effects of another kind. */
export function brokenAnswer(effect: ReplyEffect): BrokenAnswer | undefined {
  switch (effect.kind) {
    case 'status': {
      const { body = { error: `HTTP ${effect.status}` } } = effect
      const text = typeof body === 'string' ? body : JSON.stringify(body)
      return {
        status: effect.status,
        text,
        headers: { 'content-type': effect.contentType ?? 'application/json', ...effect.headers },
        isActed: effect.acted,
      }
    }
    case 'rate_limited': {
      const seconds = String(effect.retryAfterSeconds)
      const headers = {
        ...json,
        'retry-after': seconds,
        ratelimit: `"minute";r=0;t=${seconds}`,
        'ratelimit-policy': '"minute";q=60;w=60, "hour";q=3000, "day";q=50000',
      }
      return {
        status: 429,
        text: JSON.stringify({ title: 'Too Many Requests', status: 429, detail: 'rate limit exceeded' }),
        headers,
        isActed: false,
      }
    }
    case 'server_error':
      return { status: effect.status, text: JSON.stringify({ error: 'Internal Server Error' }), headers: json, isActed: effect.acted }
    case 'html':
      return {
        status: effect.status,
        text: `<!DOCTYPE html><html><head><title>${effect.status}: Bad gateway</title></head><body><h1>Error ${effect.status}</h1><p>cloudflare</p></body></html>`,
        headers: { 'content-type': 'text/html; charset=UTF-8', server: 'cloudflare' },
        isActed: effect.acted,
      }
    case 'empty':
      return { status: effect.status, text: '', headers: {}, isActed: effect.acted }
    case 'not_found':
      return { status: 404, text: JSON.stringify({ error: 'job not found' }), headers: json, isActed: false }
    case 'too_large':
      return { status: 400, text: JSON.stringify({ error: 'request body exceeded max body size of 10MiB' }), headers: json, isActed: false }
    case 'cut_short':
    case 'reset_before':
    case 'reset_after':
    case 'slow':
      return undefined
  }
}

/** Sends it; what is left of the request is read, so that the caller gets the answer instead of a broken pipe. */
export function sendBroken(request: IncomingMessage, response: ServerResponse, { status, text, headers }: BrokenAnswer): void {
  request.resume()
  if (response.destroyed) return
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(text) })
  response.end(text)
}
