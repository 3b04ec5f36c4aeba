import type { ServerResponse } from 'node:http'
import type { z } from 'zod'
import type { Answer, Exchange } from '../../../main/integrations/runpod-protocol/http-exchange.ts'
import type { KeyScope } from './cloud-state.ts'

/** One call of the REST API on its way to an answer. */
export interface RestCall {
  readonly exchange: Exchange
  readonly parameters: Readonly<Record<string, string>>
  readonly lastEventId: string | undefined
}

/** An answer, or one that is written piece by piece. */
export type RestAnswer = Answer | { readonly stream: (response: ServerResponse) => void }

/** One route: its name in fault rules, what a key needs for it, and what it does. */
export interface RestRoute {
  readonly name: string
  readonly method: string
  /** Segments after the base; those that begin with a colon are parameters. */
  readonly path: string
  readonly scope: KeyScope
  handle(call: RestCall): Promise<RestAnswer> | RestAnswer
}

/** An error as RFC 9457 words it. */
export function problem(status: number, title: string, detail: string, errors?: readonly unknown[]): Answer {
  return {
    status,
    body: { title, status, detail, ...(errors === undefined ? {} : { errors }) },
    headers: { 'content-type': 'application/problem+json' },
  }
}

export const notThere = (what: string): Answer => problem(404, 'Not Found', `${what} not found`)

/** Finds the route of a path; the parameters come with it. */
export function matchRoute(
  routes: readonly RestRoute[],
  method: string,
  path: readonly string[],
): { route: RestRoute; parameters: Record<string, string> } | undefined {
  for (const route of routes) {
    const wanted = route.path.split('/')
    if (route.method !== method || wanted.length !== path.length) continue
    const parameters: Record<string, string> = {}
    const isMatch = wanted.every((segment, index) => {
      const given = path[index] ?? ''
      if (!segment.startsWith(':')) return segment === given
      parameters[segment.slice(1)] = given
      return true
    })
    if (isMatch) return { route, parameters }
  }
  return undefined
}

const maxBodyBytes = 1024 * 1024

/** Reads a body strictly: an unknown field is refused by its name. */
export async function readBody<T>(exchange: Exchange, schema: z.ZodType<T>): Promise<{ value: T } | { refusal: Answer }> {
  const body = await exchange.readJson(maxBodyBytes)
  if (typeof body === 'string') return { refusal: problem(400, 'Bad Request', 'the body is not usable JSON') }
  const parsed = schema.safeParse(body.value)
  if (parsed.success) return { value: parsed.data }
  const errors = parsed.error.issues.flatMap((issue) => {
    const names = issue.code === 'unrecognized_keys' ? issue.keys : [issue.path.join('.')]
    const message = issue.code === 'unrecognized_keys' ? 'unexpected property' : issue.message
    return names.map((name) => ({
      message,
      location: `body.${[...(issue.code === 'unrecognized_keys' ? issue.path : []), name].join('.')}`,
    }))
  })
  return {
    refusal: problem(
      422,
      'Unprocessable Entity',
      `validation failed: ${errors.map((error) => `${error.location}: ${error.message}`).join('; ')}`,
      errors,
    ),
  }
}
