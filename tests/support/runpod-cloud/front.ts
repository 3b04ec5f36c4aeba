import type { IncomingMessage, ServerResponse } from 'node:http'
import { createExchange, sendAnswer, type Answer, type Exchange } from '../../../main/integrations/runpod-protocol/http-exchange.ts'
import { answerEndpoint, isWorkerOperation } from '../../../main/integrations/runpod-protocol/protocol-server.ts'
import { delay } from '../../../main/lib/clock.ts'
import type { CloudClock } from './cloud-clock.ts'
import type { CloudEndpoint } from './cloud-endpoint.ts'
import type { CloudState, KeyScope, StateStore } from './cloud-state.ts'
import type { Faults, ReplyEffect } from './faults.ts'
import { answerGraphql } from './graphql.ts'
import { brokenAnswer, sendBroken } from './broken-answers.ts'
import { matchRoute, problem, type RestAnswer, type RestRoute } from './rest-router.ts'

const usualTimeoutMs = 600_000

interface FrontDependencies {
  readonly store: StateStore
  readonly faults: Faults
  readonly clock: CloudClock
  readonly restRoutes: readonly RestRoute[]
  find(endpointId: string): CloudEndpoint | undefined
  /** Answers below /__control. */
  control(exchange: Exchange): Promise<Answer>
}

/** What was asked, by the name fault rules use. */
interface Asked {
  readonly operation: string
  readonly endpointId?: string
  answer(): Promise<RestAnswer> | RestAnswer
}

/** Builds the request handler of the cloud's API port. */
export function createFront(dependencies: FrontDependencies): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const { store, faults, clock } = dependencies
  return async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://cloud')
    const path = url.pathname.split('/').filter((segment) => segment !== '')
    const exchange = createExchange(request, response, url, path)
    if (path[0] === '__control') return sendAnswer(response, await dependencies.control({ ...exchange, path: path.slice(1) }))
    const asked = route(dependencies, { ...exchange }, request)
    if (isOut(store.data, asked.operation, clock.nowMs())) return void request.socket.destroy()
    store.data.calls[asked.operation] = (store.data.calls[asked.operation] ?? 0) + 1
    const effects = faults.strikeReply(asked)
    await serve(effects, asked, request, response, clock)
  }
}

/** True while nothing of the cloud that the caller can see answers. */
export function isOut(state: CloudState, operation: string, nowMs: number): boolean {
  const { outage } = state
  if (outage === null || (outage.endsAtMs !== null && nowMs >= outage.endsAtMs)) return false
  return outage.scope === 'all' || !operation.startsWith('worker.')
}

/** Lets the faults act on one request, around what it really does. */
async function serve(
  effects: readonly ReplyEffect[],
  asked: Asked,
  request: IncomingMessage,
  response: ServerResponse,
  clock: CloudClock,
): Promise<void> {
  const find = <K extends ReplyEffect['kind']>(kind: K) =>
    effects.find((effect): effect is Extract<ReplyEffect, { kind: K }> => effect.kind === kind)
  if (find('reset_before') !== undefined) return void request.socket.destroy()
  const broken = effects.map((effect) => brokenAnswer(effect)).find((answer) => answer !== undefined)
  const answer = broken === undefined || broken.isActed ? await asked.answer() : undefined
  const slow = find('slow')
  if (slow?.by === 'real') await new Promise((resolve) => void setTimeout(resolve, slow.delayMs))
  else if (slow !== undefined) await delay(clock, slow.delayMs)
  if (find('reset_after') !== undefined) return void request.socket.destroy()
  if (broken !== undefined) return sendBroken(request, response, broken)
  if (answer === undefined) return
  if ('stream' in answer) return answer.stream(response)
  if (find('cut_short') === undefined) return sendAnswer(response, answer)
  const text = JSON.stringify(answer.body ?? {})
  response.writeHead(answer.status, { 'content-type': 'application/json' })
  response.end(text.slice(0, Math.floor(text.length / 2)))
}

function route(dependencies: FrontDependencies, exchange: Exchange, request: IncomingMessage): Asked {
  const { path } = exchange
  const { data: state } = dependencies.store
  if (path[0] === 'graphql') {
    const answer = () => answerGraphql(exchange, state, dependencies.clock.nowMs(), request.headers['user-agent'])
    return { operation: 'graphql', answer }
  }
  if (path[0] === 'rest' && path[1] === 'v2') return restCall(dependencies, { ...exchange, path: path.slice(2) }, request)
  if (path[0] === 'v2' && path[1] !== undefined) return jobCall(dependencies, path[1], { ...exchange, path: path.slice(2) })
  return { operation: 'unknown', answer: () => ({ status: 404, body: { error: 'Not Found' } }) }
}

function restCall(dependencies: FrontDependencies, exchange: Exchange, request: IncomingMessage): Asked {
  const found = matchRoute(dependencies.restRoutes, exchange.method, exchange.path)
  if (found === undefined) return { operation: 'rest.unknown', answer: () => problem(404, 'Not Found', 'no such route') }
  const { route, parameters } = found
  const lastEventId = request.headers['last-event-id']
  const endpointId = route.path.startsWith('serverless/:id') ? parameters['id'] : undefined
  return {
    operation: `rest.${route.name}`,
    ...(endpointId === undefined ? {} : { endpointId }),
    answer() {
      const refusal = refusalOf(dependencies.store.data, exchange.authorization, route.scope)
      if (refusal === 401) return problem(401, 'Unauthorized', 'invalid API key')
      if (refusal === 403) return problem(403, 'Forbidden', `the API key lacks the scope for ${route.name}`)
      return route.handle({ exchange, parameters, lastEventId: typeof lastEventId === 'string' ? lastEventId : undefined })
    },
  }
}

function jobCall(dependencies: FrontDependencies, endpointId: string, exchange: Exchange): Asked {
  const name = exchange.path[0] ?? ''
  const isWorker = isWorkerOperation(name)
  return {
    operation: isWorker ? `worker.${name}` : name,
    endpointId,
    async answer() {
      const { data: state } = dependencies.store
      const refusal = isWorker ? null : refusalOf(state, exchange.authorization, 'jobs')
      if (refusal !== null) return { status: refusal, body: { error: refusal === 401 ? 'Unauthorized' : 'Forbidden' } }
      const endpoint = dependencies.find(endpointId)
      if (endpoint === undefined) return { status: 404, body: { error: 'endpoint not found' } }
      return answerEndpoint(
        {
          platform: endpoint.platform,
          acceptsClient: () => true,
          workerToken: (workerId) => endpoint.workerToken(workerId),
          countWorkers: () => endpoint.countWorkers(),
          executionTimeoutMs: endpoint.record.timeout === 0 ? usualTimeoutMs : endpoint.record.timeout,
          workerEvents: {
            onReady: (workerId) => endpoint.fleet.sawReady(workerId),
            onRefreshAsked: (workerId) => endpoint.fleet.dismiss(workerId),
          },
        },
        exchange,
      )
    },
  }
}

function refusalOf(state: CloudState, authorization: string, scope: KeyScope): 401 | 403 | null {
  const token = authorization.replace(/^Bearer /, '')
  const key = state.keys.find((candidate) => candidate.token === token)
  if (key === undefined) return 401
  return key.scopes.includes(scope) ? null : 403
}
