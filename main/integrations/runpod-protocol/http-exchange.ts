import type { IncomingMessage, ServerResponse } from 'node:http'

/** One request, read enough to be routed. */
export interface Exchange {
  readonly method: string
  /** Path segments after the endpoint's own prefix. */
  readonly path: readonly string[]
  readonly query: URLSearchParams
  readonly authorization: string
  /** Aborts when the caller goes away before it has its answer. */
  readonly gone: AbortSignal
  /** Body as JSON; null when it is longer than allowed. */
  readJson(maxBytes: number): Promise<{ value: unknown } | 'too_large' | 'invalid'>
}

/** What is sent back; no body means 204 or an empty one. */
export interface Answer {
  readonly status: number
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** Builds the exchange of a request whose URL has been parsed. */
export function createExchange(request: IncomingMessage, response: ServerResponse, url: URL, path: readonly string[]): Exchange {
  const gone = new AbortController()
  response.once('close', () => {
    if (!response.writableEnded) gone.abort(new Error('The caller has gone'))
  })
  return {
    method: request.method ?? 'GET',
    path,
    query: url.searchParams,
    authorization: request.headers.authorization ?? '',
    gone: gone.signal,
    async readJson(maxBytes) {
      const text = await readBody(request, maxBytes)
      if (text === undefined) return 'too_large'
      try {
        return { value: JSON.parse(text) }
      } catch {
        // Not JSON is an answer of its own; the caller turns it into a 400.
        return 'invalid'
      }
    },
  }
}

/** Sends an answer as JSON with its exact length, as the Python client checks both. */
export function sendAnswer(response: ServerResponse, { status, body, headers }: Answer): void {
  if (response.destroyed) return
  if (body === undefined) {
    response.writeHead(status, headers).end()
    return
  }
  const text = JSON.stringify(body)
  response.writeHead(status, {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    ...headers,
    'content-length': Buffer.byteLength(text),
  })
  response.end(text)
}

/** Reads to the end even when it is too long, so that the caller gets the answer instead of a broken pipe. */
async function readBody(request: IncomingMessage, maxBytes: number): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes <= maxBytes) chunks.push(chunk)
    else chunks.length = 0
  }
  return bytes > maxBytes ? undefined : Buffer.concat(chunks).toString('utf8')
}
