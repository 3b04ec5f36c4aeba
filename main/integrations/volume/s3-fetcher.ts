import type { S3Client } from '@aws-sdk/client-s3'
import { Readable } from 'node:stream'
import { openConnection, type AnswerHead, type ByteSink, type Connection, type ConnectionPatience } from './s3-connection.ts'

/** The body of a download; its bytes are poured and not read one by one. */
interface PouredBody extends Readable {
  pour(sink: ByteSink): Promise<void>
}

type ClientHandler = S3Client['config']['requestHandler']
type Signal = AbortSignal | undefined

/** What the client wants to be sent; signed already. */
interface WireRequest {
  readonly method: string
  readonly protocol: string
  readonly hostname: string
  readonly port?: number
  readonly path: string
  readonly query?: Readonly<Record<string, string | string[] | null>>
  readonly headers: Readonly<Record<string, string>>
}

interface WireAnswer {
  readonly response: { readonly statusCode: number; readonly headers: Record<string, string>; readonly body: Readable }
}

/** How long a connection is kept for the next part. */
const restMs = 4_000
/** Answers up to this size are read as a whole unless they are a file. */
const longestWordBytes = 1 << 20

/** Fetches files for the S3 client at a fraction of the cost of node:http; `others` asks again where the length is not told. */
export function createFetcher(patience: ConnectionPatience, others: ClientHandler): ClientHandler {
  const resting = createResting()
  const ask = async (request: WireRequest, signal: Signal): Promise<{ connection: Connection; head: AnswerHead }> => {
    const text = headOf(request)
    for (;;) {
      signal?.throwIfAborted()
      const kept = resting.take(placeOf(request))
      const connection = kept ?? openConnection(targetOf(request), patience)
      const stop = () => connection.close(reasonOf(signal))
      signal?.addEventListener('abort', stop, { once: true })
      try {
        return { connection, head: await connection.ask(text) }
      } catch (error) {
        connection.close(error instanceof Error ? error : new Error(String(error)))
        signal?.throwIfAborted()
        // The store may have hung up on a connection that nobody asked for a while.
        if (kept === undefined) throw error
      } finally {
        signal?.removeEventListener('abort', stop)
      }
    }
  }
  return {
    metadata: { handlerProtocol: 'http/1.1' },
    updateHttpClientConfig: () => undefined,
    httpHandlerConfigs: () => ({}),
    destroy: resting.clear,
    async handle(request: WireRequest, options?: { abortSignal?: unknown }): Promise<WireAnswer> {
      const signal = options?.abortSignal instanceof AbortSignal ? options.abortSignal : undefined
      const { connection, head } = await ask(request, signal)
      const { bodyBytes, headers, staysOpen, status } = head
      if (bodyBytes === undefined || (bodyBytes > longestWordBytes && !isFile(status))) {
        connection.close(new Error('The answer is left to others'))
        return others.handle(request, options)
      }
      const done = () => {
        if (staysOpen) resting.add(placeOf(request), connection)
        else connection.close(new Error('The answer is complete'))
      }
      const body = bodyOf(connection, bodyBytes, signal, done)
      const words = isFile(status) ? body : Readable.from([await wholeOf(body)])
      return { response: { statusCode: status, headers: { ...headers }, body: words } }
    },
  }
}

/** Connections between two requests. */
function createResting() {
  const byPlace = new Map<string, Connection[]>()
  return {
    take(place: string): Connection | undefined {
      const open = (byPlace.get(place) ?? []).filter((connection) => !connection.isClosed())
      const taken = open.pop()
      byPlace.set(place, open)
      return taken
    },
    add(place: string, connection: Connection): void {
      connection.rest(restMs)
      byPlace.set(place, [...(byPlace.get(place) ?? []), connection])
    },
    clear(): void {
      for (const connection of [...byPlace.values()].flat()) connection.close(new Error('Not needed any more'))
      byPlace.clear()
    },
  }
}

function bodyOf(connection: Connection, bodyBytes: number, signal: Signal, done: () => void): PouredBody {
  let isComplete = false
  const stop = () => connection.close(reasonOf(signal))
  signal?.addEventListener('abort', stop, { once: true })
  const body = new Readable({
    read() {
      this.destroy(new Error('This body can only be poured'))
    },
    destroy(error, callback) {
      signal?.removeEventListener('abort', stop)
      // A connection that rests or asks something else by now is no business of this body any more.
      if (!isComplete) connection.close(error ?? new Error('The rest of the answer is not wanted'))
      callback(error)
    },
  })
  return Object.assign(body, {
    async pour(sink: ByteSink) {
      await connection.receive(bodyBytes, sink)
      isComplete = true
      signal?.removeEventListener('abort', stop)
      if (!connection.isClosed()) done()
    },
  })
}

/** True for bodies of this fetcher. */
export function isPoured(body: Readable): body is PouredBody {
  return 'pour' in body
}

function isFile(status: number): boolean {
  return status === 200 || status === 206
}

async function wholeOf(body: PouredBody): Promise<Buffer> {
  const chunks: Buffer[] = []
  await body.pour(async (bytes) => {
    // The memory is used again as soon as this returns.
    chunks.push(Buffer.from(bytes))
    return true
  })
  return Buffer.concat(chunks)
}

function placeOf({ hostname, port, protocol }: WireRequest): string {
  return `${protocol}//${hostname}:${port ?? ''}`
}

function targetOf({ hostname, port, protocol }: WireRequest) {
  const isSecure = protocol !== 'http:'
  return { isSecure, host: hostname.replace(/^\[|\]$/g, ''), port: port ?? (isSecure ? 443 : 80) }
}

function headOf({ headers, method, path, query }: WireRequest): string {
  const pairs = Object.entries(query ?? {}).flatMap(([name, value]) =>
    value === null ? [encode(name)] : [value].flat().map((one) => `${encode(name)}=${encode(one)}`),
  )
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  const head = [`${method} ${path}${pairs.length === 0 ? '' : `?${pairs.join('&')}`} HTTP/1.1`, ...lines]
  if (head.some((line) => /[\r\n]/.test(line))) throw new Error('A request must not hold line ends')
  return `${head.join('\r\n')}\r\n\r\n`
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
}

function reasonOf(signal: Signal): Error {
  return signal?.reason instanceof Error ? signal.reason : new Error('Called off')
}
