import type { Dispatcher } from 'undici'
import type { ConnectionReport } from '../../../preload/contract/endpoints.ts'
import { AppError } from '../../../preload/contract/errors.ts'
import type { Clock } from '../../lib/clock.ts'
import { createApiSender, parseJson, type ApiReply } from './api-request.ts'
import { endpointReplySchema, healthReplySchema } from './replies.ts'
import type { EndpointHealth } from './job-client.ts'

interface TestOptions {
  readonly endpointId: string
  readonly apiKey: string
  /** https://api.runpod.ai/v2 */
  readonly jobBaseUrl: string
  /** https://api.runpod.io/v2 */
  readonly restBaseUrl: string
  readonly userAgent: string
  readonly clock: Clock
  readonly dispatcher?: Dispatcher
}

type Verdict = Pick<ConnectionReport, 'code' | 'summary' | 'advice'>
type Check = ConnectionReport['checks'][number]

/** Asks RunPod what a key and an endpoint id are good for; never throws for what the user can put right. */
export async function testRunpodConnection(options: TestOptions): Promise<ConnectionReport> {
  const checks: Check[] = []
  const conclude = (verdict: Verdict): ConnectionReport => ({
    ...verdict,
    isOk: verdict.code === 'OK',
    checks,
    checkedAtMs: options.clock.nowMs(),
  })
  const send = createApiSender({
    clock: options.clock,
    userAgent: options.userAgent,
    attempts: 1,
    ...(options.dispatcher === undefined ? {} : { dispatcher: options.dispatcher }),
  })
  const get = (url: string) => ask(() => send({ method: 'GET', url, apiKey: options.apiKey, isRepeatable: true }))

  const healthReply = await get(`${options.jobBaseUrl}/${options.endpointId}/health`)
  const refusal = refusalOf(healthReply)
  if (refusal !== null) {
    checks.push({ name: 'Job API', isOk: false, text: refusal.check })
    return conclude(refusal.verdict)
  }
  const health = healthReplySchema.safeParse(parseJson(healthReply?.text ?? ''))
  if (!health.success) {
    checks.push({ name: 'Job API', isOk: false, text: 'The answer is not the one a RunPod endpoint gives.' })
    return conclude(unexpected(healthReply?.status ?? 0))
  }
  checks.push({ name: 'Job API', isOk: true, text: `The key may use this endpoint. ${jobsText(health.data)}` })
  checks.push(workersCheck(health.data))

  const settings = readSettings(await get(`${options.restBaseUrl}/serverless/${options.endpointId}`))
  checks.push(settings.check)
  return conclude(judge(health.data, settings.max))
}

async function ask(sending: () => Promise<ApiReply>): Promise<ApiReply | null> {
  try {
    return await sending()
  } catch (error) {
    if (error instanceof AppError && error.code === 'ENDPOINT_UNREACHABLE') return null
    throw error
  }
}

function refusalOf(reply: ApiReply | null): { check: string; verdict: Verdict } | null {
  if (reply === null) {
    return {
      check: 'No answer.',
      verdict: {
        code: 'UNREACHABLE',
        summary: 'RunPod cannot be reached from this computer.',
        advice: 'Check the network connection, a proxy or a firewall, then test again.',
      },
    }
  }
  switch (reply.status) {
    case 401:
      return {
        check: 'The key was refused (401).',
        verdict: {
          code: 'KEY_REFUSED',
          summary: 'RunPod does not know this API key.',
          advice: 'Create a key in the RunPod console under Settings, API Keys, and replace it here.',
        },
      }
    case 403:
      return {
        check: 'The key is valid but may not use this endpoint (403).',
        verdict: {
          code: 'KEY_FORBIDDEN',
          summary: 'The API key has no permission for this endpoint.',
          advice: 'In the RunPod console, give the key read and write access to this endpoint, or use another key.',
        },
      }
    case 404:
      return {
        check: 'There is no endpoint with this id (404).',
        verdict: {
          code: 'ENDPOINT_NOT_FOUND',
          summary: 'RunPod has no endpoint with this id for this key.',
          advice: 'Copy the endpoint id from its page in the RunPod console. It must be in the account the key belongs to.',
        },
      }
    case 429:
      return {
        check: 'Too many requests (429).',
        verdict: {
          code: 'RATE_LIMITED',
          summary: 'RunPod asks for fewer requests right now.',
          advice: `Test again in ${Math.max(10, Math.ceil((reply.retryAfterMs ?? 60_000) / 1000))} seconds.`,
        },
      }
    default:
      if (reply.status >= 200 && reply.status <= 299) return null
      if (reply.status >= 500) {
        return {
          check: `RunPod has a fault of its own (${reply.status}).`,
          verdict: {
            code: 'UNREACHABLE',
            summary: 'RunPod did not answer properly.',
            advice: 'This is usually over in a few minutes. Test again later.',
          },
        }
      }
      return { check: `An unexpected answer (${reply.status}).`, verdict: unexpected(reply.status) }
  }
}

function unexpected(status: number): Verdict {
  return {
    code: 'UNEXPECTED_REPLY',
    summary: `The answer is not one a RunPod endpoint gives (HTTP ${status}).`,
    advice: 'A proxy or a sign-in page may have answered in its place. Check the network and test again.',
  }
}

function readSettings(reply: ApiReply | null): { max: number | null; check: Check } {
  const parsed = reply?.status === 200 ? endpointReplySchema.safeParse(parseJson(reply.text)) : undefined
  if (parsed?.success === true) {
    const { max } = parsed.data.workers
    const text = max === 0 ? 'Max workers is 0: no job can start.' : `At most ${max} ${max === 1 ? 'worker' : 'workers'} may run.`
    return { max, check: { name: 'Endpoint settings', isOk: max > 0, text } }
  }
  const mayNotRead = reply?.status === 401 || reply?.status === 403
  const text = mayNotRead
    ? 'The key may not read the settings, so it is not known whether max workers is 0. Jobs can be sent all the same.'
    : 'The settings could not be read, so it is not known whether max workers is 0.'
  return { max: null, check: { name: 'Endpoint settings', isOk: false, text } }
}

function judge(health: EndpointHealth, max: number | null): Verdict {
  const { workers, jobs } = health
  if (max === 0) {
    return {
      code: 'WORKERS_MAX_ZERO',
      summary: 'The endpoint exists, but its max workers is 0. Jobs would wait for ever.',
      advice: 'Set max workers to at least 1 in the RunPod console. RunPod lowers it to 0 when an endpoint was idle for a week.',
    }
  }
  const able = workers.idle + workers.initializing + workers.ready + workers.running
  const unable = workers.throttled + workers.unhealthy
  if (able === 0 && unable > 0) {
    return {
      code: 'NO_WORKERS',
      summary: `No worker can take a job: ${workersText(health)}.`,
      advice:
        workers.unhealthy > 0
          ? 'Look at the worker logs in the RunPod console: the image may not start.'
          : 'The GPUs of this endpoint are taken. Allow further GPU types or data centres in the RunPod console.',
    }
  }
  if (able === 0 && jobs.inQueue > 0) {
    return {
      code: 'NO_WORKERS',
      summary: `${jobs.inQueue} ${jobs.inQueue === 1 ? 'job waits' : 'jobs wait'} and no worker is there to take ${jobs.inQueue === 1 ? 'it' : 'them'}.`,
      advice: 'Check max workers and the GPU types of the endpoint in the RunPod console.',
    }
  }
  const advice = max === null ? 'If jobs stay in the queue, check in the RunPod console that max workers is at least 1.' : null
  return { code: 'OK', summary: 'The connection works.', advice }
}

function workersCheck(health: EndpointHealth): Check {
  const { idle, initializing, ready, running, throttled, unhealthy } = health.workers
  const total = idle + initializing + ready + running + throttled + unhealthy
  if (total === 0) return { name: 'Workers', isOk: true, text: 'No worker runs now. One starts when a job arrives.' }
  return { name: 'Workers', isOk: idle + initializing + ready + running > 0, text: `Workers: ${workersText(health)}.` }
}

function workersText({ workers }: EndpointHealth): string {
  const parts = Object.entries(workers).filter(([, number]) => number > 0)
  return parts.map(([state, number]) => `${number} ${state}`).join(', ')
}

function jobsText({ jobs }: EndpointHealth): string {
  return `${jobs.inQueue} waiting, ${jobs.inProgress} running.`
}
