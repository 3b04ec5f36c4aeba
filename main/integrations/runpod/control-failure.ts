import { AppError } from '../../../preload/contract/errors.ts'
import { redactText } from '../../lib/redaction.ts'
import { errorTextOf, parseJson, type ApiReply } from './api-request.ts'

/** What a call of the control plane is about, in the words of its errors. */
export type ControlSubject =
  | 'endpoint'
  | 'worker'
  | 'template'
  | 'network volume'
  | 'GPU catalogue'
  | 'list of data centres'
  | 'billing record'

interface FieldProblem {
  /** The field as RunPod names it; empty when it names none. */
  readonly field: string
  readonly problem: string
}

const mostFields = 10

/** Turns an answer of the control plane that is not a success into a sentence with a next action. */
export function controlFailureOf(reply: ApiReply, subject: ControlSubject): AppError {
  const { status, text, retryAfterMs } = reply
  const said = errorTextOf(text)
  const details = { status, said }
  const refused = (message: string) => new AppError('ENDPOINT_REFUSED', message, { details })
  if (status === 401) return refused('RunPod does not know this API key. Replace the key under Endpoints.')
  if (status === 402) return refused('The RunPod account has no credit for this. Add credit in the RunPod console, then try again.')
  if (status === 403 && isGatewayBlock(text)) {
    return new AppError('ENDPOINT_UNREACHABLE', "RunPod's gateway turned the request away. Check a proxy or VPN, then try again.", {
      details,
    })
  }
  if (status === 403) {
    return refused(
      `The API key has no permission for this (${subject}). In the RunPod console, give the key the access it lacks, or use another key.`,
    )
  }
  if (status === 404) {
    const message = `RunPod does not know this ${subject} for this key. Check in the RunPod console that it still exists.`
    return new AppError('ENDPOINT_NOT_FOUND', message, { details })
  }
  if (status === 409) {
    const message = `RunPod cannot change the ${subject} now${reasonOf(said)}. End what uses it, then try again.`
    return new AppError('ENDPOINT_IN_USE', message, { details })
  }
  if (status === 408 || status === 429 || status >= 500) return passing(reply, details)
  if (status >= 400) return invalid(reply, subject, said)
  return new AppError(
    'RUNPOD_REPLY_INVALID',
    `RunPod gave an answer this version does not understand (HTTP ${status}). A proxy or a sign-in page may have answered in its place.`,
    { details: { ...details, retryAfterMs } },
  )
}

/** A create whose answer is lost: sending it again could make a second thing that costs money. */
export function outcomeUnknown(subject: ControlSubject, cause: unknown): AppError {
  return new AppError(
    'ENDPOINT_UNREACHABLE',
    `The answer of RunPod was lost, so it is not known whether the ${subject} was created. Look at the list before trying again.`,
    { details: { isOutcomeUnknown: true }, cause },
  )
}

function passing({ status, retryAfterMs }: ApiReply, details: object): AppError {
  if (status === 429) {
    const wait = retryAfterMs === null ? 'a minute' : `${Math.max(1, Math.ceil(retryAfterMs / 1000))} s`
    return new AppError('ENDPOINT_UNREACHABLE', `RunPod asks for fewer requests. Try again in ${wait}.`, {
      retryable: true,
      details: { ...details, retryAfterMs },
    })
  }
  return new AppError('ENDPOINT_UNREACHABLE', `RunPod has a fault of its own (HTTP ${status}). Try again in a few minutes.`, {
    retryable: true,
    details,
  })
}

function invalid({ status, text }: ApiReply, subject: ControlSubject, said: string | null): AppError {
  const fields = fieldProblemsOf(text)
  const named = fields.map(({ field, problem }) => (field === '' ? problem : `${field}: ${problem}`)).join('; ')
  const reason = named === '' ? said : named
  return new AppError(
    'INVALID_INPUT',
    `RunPod did not accept the request (${subject})${reasonOf(reason)}. Change the setting it names, or update the app.`,
    {
      details: { status, said, fields },
    },
  )
}

function reasonOf(said: string | null): string {
  return said === null ? '' : `: ${said.replace(/[.\s]+$/, '')}`
}

/** Cloudflare's refusal of a client, which has nothing to do with the key. */
function isGatewayBlock(text: string): boolean {
  return /error code: 10\d\d|cloudflare/i.test(text.slice(0, 20_000))
}

/** The fields of a 422: plain texts such as `$.gpu: …`, or objects with a message and a place. */
function fieldProblemsOf(text: string): readonly FieldProblem[] {
  const body = parseJson(text)
  const errors: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, 'errors') : undefined
  if (!Array.isArray(errors)) return []
  return errors.slice(0, mostFields).flatMap((error: unknown) => {
    if (typeof error === 'string') return [fieldOfText(error)]
    if (typeof error !== 'object' || error === null) return []
    const problem = firstText(error, ['message', 'detail', 'msg', 'reason'])
    return problem === '' ? [] : [{ field: fieldName(firstText(error, ['location', 'field', 'path', 'pointer'])), problem: tidy(problem) }]
  })
}

function fieldOfText(text: string): FieldProblem {
  const match = /^(\$[\w.[\]$-]*): ([\s\S]+)$/.exec(text.trim())
  return match === null ? { field: '', problem: tidy(text) } : { field: fieldName(match[1] ?? ''), problem: tidy(match[2] ?? '') }
}

function fieldName(place: string): string {
  return tidy(place.replace(/^(?:\$\.?|body\.)/, ''))
}

function firstText(value: object, names: readonly string[]): string {
  const found: unknown = names.map((name): unknown => Reflect.get(value, name)).find((part) => typeof part === 'string' && part !== '')
  return typeof found === 'string' ? found : ''
}

function tidy(text: string): string {
  return redactText(text.replaceAll(/\s+/g, ' ').trim()).slice(0, 200)
}
