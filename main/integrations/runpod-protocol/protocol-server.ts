import { createHash, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Log } from '../../lib/log.ts'
import { answerClient, type WorkerCounts } from './client-dialect.ts'
import { createExchange, sendAnswer, type Answer, type Exchange } from './http-exchange.ts'
import type { JobPlatform } from './job-platform.ts'
import { answerWorker, type WorkerEvents } from './worker-dialect.ts'

/** One endpoint as its callers meet it. */
export interface EndpointDoor {
  readonly platform: JobPlatform
  /** Whether an authorization header lets a client in. */
  acceptsClient(authorization: string): boolean
  /** The token of a worker that may call now; undefined for one that is unknown or gone. */
  workerToken(workerId: string): string | undefined
  countWorkers(): WorkerCounts
  readonly workerEvents: WorkerEvents
  /** Limit of jobs that name none. */
  readonly executionTimeoutMs?: number
}

interface ServerDependencies extends Omit<EndpointDoor, 'acceptsClient'> {
  readonly endpointId: string
  /** What a client must send as its bearer token. */
  readonly clientToken: string
  readonly log: Log
}

/** The two dialects on one loopback port. */
export interface ProtocolServer {
  /** For example http://127.0.0.1:40123/v2/local, without a closing slash. */
  readonly baseUrl: string
  close(): Promise<void>
}

const loopback = '127.0.0.1'
const workerOperations: ReadonlySet<string> = new Set(['job-take', 'job-take-batch', 'job-stop', 'job-done', 'job-stream', 'ping'])
const unauthorized: Answer = { status: 401, body: { error: 'Unauthorized' } }
const notFound: Answer = { status: 404, body: { error: 'Not Found' } }

/** Listens on a random port that only this computer can reach. */
export async function startProtocolServer(dependencies: ServerDependencies): Promise<ProtocolServer> {
  const server = createServer((request, response) => void serve(request, response))
  server.keepAliveTimeout = 65_000
  server.requestTimeout = 120_000
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    try {
      sendAnswer(response, await answer(dependencies, request, response, authority(server)))
    } catch (error) {
      dependencies.log.error('A request to the local endpoint failed', error)
      sendAnswer(response, { status: 500, body: { error: 'Internal Server Error' } })
    }
  }
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, loopback, resolve)
  })
  return {
    baseUrl: `http://${authority(server)}/v2/${dependencies.endpointId}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function authority(server: Server): string {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The local endpoint is not listening')
  return `${loopback}:${address.port}`
}

async function answer(dependencies: ServerDependencies, request: IncomingMessage, response: ServerResponse, host: string): Promise<Answer> {
  // A page in a browser that was led here by a name of its own sends that name.
  if (request.headers.host !== host) return { status: 421, body: { error: 'Misdirected Request' } }
  const url = new URL(request.url ?? '/', `http://${host}`)
  const [version, endpointId, ...path] = url.pathname.split('/').filter((segment) => segment !== '')
  if (version !== 'v2' || endpointId !== dependencies.endpointId) return notFound
  const acceptsClient = (authorization: string) => isSame(authorization, `Bearer ${dependencies.clientToken}`)
  return answerEndpoint({ ...dependencies, acceptsClient }, createExchange(request, response, url, path))
}

/** True for the first path segment of a worker's call. */
export function isWorkerOperation(operation: string): boolean {
  return workerOperations.has(operation)
}

/** Answers either dialect for one endpoint; the path is what follows its address. */
export async function answerEndpoint(door: EndpointDoor, exchange: Exchange): Promise<Answer> {
  const answered = isWorkerOperation(exchange.path[0] ?? '') ? await serveWorker(door, exchange) : await serveClient(door, exchange)
  return answered ?? notFound
}

async function serveClient(door: EndpointDoor, exchange: Exchange): Promise<Answer | undefined> {
  if (!door.acceptsClient(exchange.authorization)) return unauthorized
  return answerClient(exchange, door.platform, () => door.countWorkers(), door.executionTimeoutMs)
}

/** A worker's token travels in its addresses: the SDK sends a key from the user's own configuration, if there is one, as the header. */
async function serveWorker(door: EndpointDoor, exchange: Exchange): Promise<Answer | undefined> {
  const workerId = exchange.path[1] ?? ''
  const expected = door.workerToken(workerId)
  const isAllowed =
    expected !== undefined && (isSame(exchange.query.get('token') ?? '', expected) || isSame(exchange.authorization, expected))
  if (!isAllowed) return unauthorized
  return answerWorker(exchange, workerId, door.platform, door.workerEvents)
}

/** Compares digests, so that neither length nor content shows in the time it takes. */
function isSame(given: string, expected: string): boolean {
  return timingSafeEqual(digestOf(given), digestOf(expected))
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
